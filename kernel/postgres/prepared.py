"""Statements that a connection prepares once: to plan one costs more than to read a few rows by it.

A prepared statement belongs to its connection and survives a rollback; PostgreSQL plans it anew when a
table or its statistics change. For statements whose plan does not hang on the values.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

MOST = 200
"""Statements that a connection keeps; the one not used for longest goes."""

NAMED = re.compile(r"%\((\w+)\)s")

Values = Mapping[str, Any] | Sequence[Any]
Statement = tuple[str, Values]

_numbers = count(1)
_prepared: WeakKeyDictionary[Any, OrderedDict[str, str]] = WeakKeyDictionary()


def execute(cursor: Any, sql: str, values: Values, *, beside: bool = False) -> None:
    """Run a statement on Django's cursor as `cursor.execute` does, prepared the first time.

    `beside`: it need not be part of the caller's transaction where that has not begun yet.
    """
    if beside:
        with cursor.connection.beside():
            execute(cursor, sql, values)
        return
    cursor.execute(_call(cursor, sql, values), values)


def execute_in_turn(cursor: Any, *statements: Statement) -> None:
    """Run statements in one round trip; the cursor has the rows of the last one.

    Each sees what was committed while those before it waited.
    """
    calls = [cursor.mogrify(_call(cursor, *one), one[1]).decode() for one in statements]
    cursor.execute("; ".join(calls))


def _call(cursor: Any, sql: str, values: Values) -> str:
    """The statement that runs the prepared one."""
    known = _prepared.setdefault(cursor.connection, OrderedDict())
    call = known.get(sql)
    if call is None:
        call = _prepare(cursor, sql, values)
        known[sql] = call
        if len(known) > MOST:
            _, oldest = known.popitem(last=False)
            cursor.execute(f"DEALLOCATE {oldest.split()[1]}")
    else:
        known.move_to_end(sql)
    return call


def _prepare(cursor: Any, sql: str, values: Values) -> str:
    name = f"jianqiao_{next(_numbers)}"
    if isinstance(values, Mapping):
        places = list(dict.fromkeys(NAMED.findall(sql)))
        text = sql % {place: f"${number}" for number, place in enumerate(places, 1)}
        given = ", ".join(f"%({place})s" for place in places)
    else:
        text = sql % tuple(f"${number}" for number, _ in enumerate(values, 1))
        given = ", ".join(["%s"] * len(values))
    cursor.execute(f"PREPARE {name} AS {text}")
    return f"EXECUTE {name} ({given})" if given else f"EXECUTE {name}"
