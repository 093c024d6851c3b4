"""The trigger that turns an event into deliveries, for local and for replicated rows.

It fires for replication too (ENABLE ALWAYS) and so also during an initial copy; an apply worker runs
with an empty search_path; as AFTER it made apply complain on partitioned tables; NOTIFY would hold one
lock of the whole cluster across the commit's flush (docs/replication.md, pitfalls 9, 21, 23).
"""

from typing import Any

from kernel.events import services
from kernel.postgres.triggers import require_trigger

FUNCTION = """
CREATE OR REPLACE FUNCTION public.jianqiao_route_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO public.events_eventdelivery (event_id, node, handler, state)
  SELECT NEW.id, NEW.node, route.handler,
         CASE WHEN NOT route.wants_history AND EXISTS (
           SELECT FROM public.events_eventwatermark mark
           WHERE mark.node = NEW.node AND NEW.id < mark.before_id
         ) THEN 'done' ELSE 'due' END
  FROM public.events_eventroute route
  WHERE route.name = NEW.name
  ON CONFLICT DO NOTHING;
  RETURN NEW;
END $$
"""


def apply(cursor: Any) -> None:
    """Create the trigger where it is not yet as it must be, and the routes that it reads."""
    require_trigger(
        cursor,
        table="events_event",
        trigger="jianqiao_route_event",
        function=FUNCTION,
        for_replicated=True,
    )
    services.sync_routes()  # before the first enrolment brings events
