"""The trigger that queues every audit row of this node for sealing.

It is an ordinary trigger: rows that arrive by replication are sealed by the node that wrote them.
"""

from typing import Any

FUNCTION = """
CREATE OR REPLACE FUNCTION public.jianqiao_audit_pending() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO public.audit_auditpending (row_id) VALUES (NEW.id);
  RETURN NEW;
END $$
"""
TRIGGER = """
CREATE OR REPLACE TRIGGER jianqiao_audit_pending BEFORE INSERT ON public.audit_auditrow
FOR EACH ROW EXECUTE FUNCTION public.jianqiao_audit_pending()
"""


def apply(cursor: Any) -> None:
    """Create the trigger where it is not yet."""
    cursor.execute("SELECT to_regclass('public.audit_auditrow'), current_user = session_user")
    table, is_login = cursor.fetchone()
    if table is None or not is_login:
        return
    cursor.execute(FUNCTION)
    cursor.execute(
        "SELECT count(*) FROM pg_trigger WHERE tgname = 'jianqiao_audit_pending'"
        " AND tgrelid = 'public.audit_auditrow'::regclass"
    )
    (there,) = cursor.fetchone()
    if not there:
        cursor.execute(TRIGGER)
