"""The trigger that queues every audit row of this node for sealing.

It is an ordinary trigger: rows that arrive by replication are sealed by the node that wrote them. Whoever writes
a row may write into the queue, and the one name in it is qualified: a role and a search path of its own would
only cost time, with every read.
"""

from typing import Any

from kernel.postgres.triggers import require_trigger

FUNCTION = """
CREATE OR REPLACE FUNCTION public.jianqiao_audit_pending() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.audit_auditpending (row_id) VALUES (NEW.id);
  RETURN NEW;
END $$
"""


def apply(cursor: Any) -> None:
    """Create the trigger where it is not yet as it must be."""
    require_trigger(
        cursor, table="audit_auditrow", trigger="jianqiao_audit_pending", function=FUNCTION
    )
