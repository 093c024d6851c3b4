"""The trigger that turns an event into deliveries, for local and for replicated rows.

It fires for replication too (ENABLE ALWAYS) and so also during an initial copy; an apply worker runs
with an empty search_path; as AFTER it made apply complain on partitioned tables; NOTIFY would hold one
lock of the whole cluster across the commit's flush (docs/replication.md, pitfalls 9, 21, 23).
"""

from typing import Any

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
TRIGGER = """
CREATE OR REPLACE TRIGGER jianqiao_route_event BEFORE INSERT ON public.events_event
FOR EACH ROW EXECUTE FUNCTION public.jianqiao_route_event()
"""
ALWAYS = "ALTER TABLE public.events_event ENABLE ALWAYS TRIGGER jianqiao_route_event"


def apply(cursor: Any) -> None:
    """Create the trigger where it is not yet as it must be."""
    cursor.execute("SELECT to_regclass('public.events_event'), current_user = session_user")
    table, is_login = cursor.fetchone()
    if table is None or not is_login:
        return
    cursor.execute(FUNCTION)
    cursor.execute(
        "SELECT count(*) FROM pg_trigger WHERE tgname = 'jianqiao_route_event'"
        " AND tgrelid = 'public.events_event'::regclass AND tgenabled = 'A'"
    )
    (there,) = cursor.fetchone()
    if not there:
        cursor.execute(TRIGGER)
        cursor.execute(ALWAYS)
