"""Triggers that the application itself rests on."""

from typing import Any


def require_trigger(
    cursor: Any, *, table: str, trigger: str, function: str, for_replicated: bool = False
) -> None:
    """Have `trigger` run its function before each insert, made where it is not yet so.

    `function` is the statement that makes the function of the trigger's name. An ordinary trigger
    leaves rows that arrive by replication alone; `for_replicated` makes it fire for them too.
    """
    cursor.execute(function)
    cursor.execute(
        "SELECT count(*) FROM pg_trigger"
        " WHERE tgname = %s AND tgrelid = %s::regclass AND tgenabled = %s",
        [trigger, f"public.{table}", "A" if for_replicated else "O"],
    )
    (there,) = cursor.fetchone()
    if there:
        return
    cursor.execute(
        f"CREATE OR REPLACE TRIGGER {trigger} BEFORE INSERT ON public.{table}"
        f" FOR EACH ROW EXECUTE FUNCTION public.{trigger}()"
    )
    if for_replicated:
        cursor.execute(f"ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {trigger}")
