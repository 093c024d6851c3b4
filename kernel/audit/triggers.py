"""The trigger that queues every audit row of this node for sealing.

It is an ordinary trigger: rows that arrive by replication are sealed by the node that wrote them.
"""

from typing import Any

from kernel.postgres.triggers import require_trigger

FUNCTION = """
CREATE OR REPLACE FUNCTION public.jianqiao_audit_pending() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
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
