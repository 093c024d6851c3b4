"""Changing the data key and the blind-index key of this node while it serves.

Every step follows from the states in the database, so a rotation cut off anywhere continues when it
is started again. Rows are taken in small batches and changed only where they still hold what was
read, so no writer waits for long and none is overwritten.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.utils.module_loading import import_string
from psycopg2 import sql

from kernel import crypto
from kernel.homes import is_insert_only, is_partitioned, is_written_here
from kernel.keys import ring, services
from kernel.keys.columns import BlindIndex, SealedColumn
from kernel.keys.errors import KeyUnknown, RotationHalted, SealBroken
from kernel.keys.models import DataKey, KeyPurpose
from kernel.keys.states import Status
from kernel.nodes.selectors import node_by_code
from kernel.problems import DomainError

log = logging.getLogger(__name__)

GRACE_SECONDS = 5.0  # RING_SECONDS, and the time from making a value to beginning its transaction
LONGEST_WAIT_SECONDS = 600
ROTATION_LOCK = 6_101_972
PREFIX_BYTES = crypto.HEADER.size
FIRST = UUID(int=0)


def rotate(*, grace: float = GRACE_SECONDS) -> dict[str, int]:
    """Replace both keys, re-encrypt every row of this node, destroy the old keys.

    Returns how many values were written anew. Raises RotationHalted when the hub does not hold the
    new data key yet, or a transaction does not end.
    """
    services.make_keys()
    with _alone():
        return _rotate(grace)


def _rotate(grace: float) -> dict[str, int]:
    if not _under_way():
        with transaction.atomic():
            for purpose in KeyPurpose:
                services.add_key(purpose=purpose, status=Status.NEW)
    _let_hub_hold_them()
    _activate(KeyPurpose.DATA)
    _settle(grace)
    done = {"sealed": 0, "indexed": 0}
    for sealed in sealed_columns():
        done["sealed"] += reseal(sealed)
    if services.own_keys(KeyPurpose.INDEX).filter(status=Status.NEW).exists():
        for pair in blind_indexes():
            clear_next(pair)
            done["indexed"] += fill_next(pair)
        _activate(KeyPurpose.INDEX)
        _settle(grace)
    for pair in blind_indexes():
        swap(pair)
    for purpose in KeyPurpose:
        destroy_unneeded(services.own_keys(purpose).filter(status=Status.RETIRED))
    _let_hub_hold_them(whole_list=True)
    return done


def sealed_columns() -> list[SealedColumn]:
    """The sealed columns whose rows this node writes and may change."""
    columns: list[SealedColumn] = import_string(f"{settings.WIRING}.SEALED_COLUMNS")
    return [column for column in columns if _is_rewritten_here(column.model)]


def blind_indexes() -> list[BlindIndex]:
    """The pairs of index columns whose rows this node writes and may change."""
    pairs: list[BlindIndex] = import_string(f"{settings.WIRING}.BLIND_INDEXES")
    return [pair for pair in pairs if _is_rewritten_here(pair.model)]


def reseal(sealed: SealedColumn) -> int:
    """Seal every value of a column again that is not under the active key; how many."""
    done = 0
    while part := sum(_reseal_pass(sealed)):
        done += part
    return done


def fill_next(pair: BlindIndex) -> int:
    """Write the second column where it is still empty, so that every row has both hashes."""
    model, value_of, done, after = apps.get_model(pair.model), import_string(pair.value), 0, FIRST
    rows = model._default_manager.filter(
        **{f"{pair.column}__isnull": False, f"{pair.column_next}__isnull": True}
    ).order_by("id")
    while batch := list(rows.filter(id__gt=after)[: pair.batch]):
        after = batch[-1].pk
        hashes: list[tuple[UUID, Any, Any]] = []
        for row in batch:
            try:
                value = value_of(row)
            except (KeyUnknown, SealBroken) as error:
                _stays(pair.model, pair.column, row.pk, error)
                continue
            if isinstance(value, list):
                done += _replace_several(pair, row, crypto.blind_indexes_of_next(pair.kind, value))
                continue
            new = None if value is None else crypto.blind_index_next(pair.kind, value)
            if new is not None:
                hashes.append((row.pk, bytes(getattr(row, pair.column)), new))
        done += _replace(model, pair.column_next, hashes, unchanged=pair.column)
    return done


def clear_next(pair: BlindIndex) -> int:
    """Empty the second column where writers of the last rotation's end left the same hash twice."""
    return _in_batches(pair, "{second} = NULL", "{second} = {first}")


def swap(pair: BlindIndex) -> int:
    """Move the second column into the first, which by now every look-up expects."""
    return _in_batches(pair, "{first} = {second}, {second} = NULL", "{second} IS NOT NULL")


def _in_batches(pair: BlindIndex, change: str, where: str) -> int:
    """Change the rows of a condition, asked again of a row that a writer changed meanwhile."""
    model = apps.get_model(pair.model)
    statement = sql.SQL(
        f"UPDATE {{table}} SET {change} WHERE id IN ("  # noqa: S608 — both texts are ours
        f"SELECT id FROM {{table}} WHERE {where} ORDER BY id LIMIT %s) AND {where}"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        first=sql.Identifier(pair.column),
        second=sql.Identifier(pair.column_next),
    )
    done = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, [pair.batch])
            moved: int = cursor.rowcount
        if not moved:
            return done
        done += moved


def destroy_unneeded(keys: models.QuerySet[DataKey]) -> int:
    """Wipe keys that no row names any more; how many."""
    gone = 0
    for key in keys:
        if key.purpose == KeyPurpose.DATA and is_needed(key):
            continue
        gone += DataKey.objects.filter(id=key.id, status=Status.RETIRED).update(
            status=Status.DESTROYED, wrapped=b""
        )
        log.info("%s key %d of %s destroyed", key.purpose, key.number, key.node)
    ring.forget()
    return gone


def destroy_given_up() -> int:
    """At the hub: wipe keys of cities that gave them up, once no copied row names them."""
    return destroy_unneeded(
        DataKey.objects.filter(status=Status.RETIRED).exclude(node=settings.NODE_CODE)
    )


def is_needed(key: DataKey) -> bool:
    """Whether a value here is still sealed under a data key."""
    heads = [crypto.header(key.node, key.number, cipher) for cipher in crypto.CIPHERS]
    columns: list[SealedColumn] = import_string(f"{settings.WIRING}.SEALED_COLUMNS")
    for sealed in columns:
        statement = sql.SQL(
            "SELECT EXISTS (SELECT FROM {table} WHERE substring({column} FROM 1 FOR %s) = ANY(%s))"
        ).format(
            table=sql.Identifier(apps.get_model(sealed.model)._meta.db_table),
            column=sql.Identifier(sealed.column),
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [PREFIX_BYTES, heads])
            (needed,) = cursor.fetchone()
        if needed:
            return True
    return False


def _reseal_pass(sealed: SealedColumn) -> Iterator[int]:
    """One walk over the column; yields how many values each batch replaced."""
    model, after = apps.get_model(sealed.model), FIRST
    statement = sql.SQL(
        "SELECT id, {bound_to}, {column} FROM {table} WHERE id > %s AND {column} IS NOT NULL"
        " AND length({column}) > 0 AND substring({column} FROM 1 FOR %s) <> %s ORDER BY id LIMIT %s"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        column=sql.Identifier(sealed.column),
        bound_to=sql.Identifier(sealed.bound_to),
    )
    while True:
        number, _ = ring.active_data_key()
        head = crypto.header(settings.NODE_CODE, number)
        with connection.cursor() as cursor:
            cursor.execute(statement, [after, PREFIX_BYTES, head, sealed.batch])
            rows = [(one, bound_to, bytes(token)) for one, bound_to, token in cursor.fetchall()]
        if not rows:
            return
        after = rows[-1][0]
        yield _replace(model, sealed.column, list(_sealed_anew(sealed, rows)))


def _sealed_anew(
    sealed: SealedColumn, rows: list[tuple[UUID, UUID, bytes]]
) -> Iterator[tuple[UUID, bytes, bytes]]:
    for row_id, bound_id, token in rows:
        context = sealed.context_of(bound_id)
        try:
            plain = crypto.open_sealed(token, context=context)
        except (KeyUnknown, SealBroken) as error:
            _stays(sealed.model, sealed.column, row_id, error)
            continue
        yield row_id, token, crypto.seal(plain, context=context)


def _stays(model: str, column: str, row_id: UUID, error: KeyUnknown | SealBroken) -> None:
    log.error(
        "%s.%s of %s cannot be read and stays as it is: %s", model, column, row_id, error.code
    )


def _replace(
    model: type[models.Model],
    column: str,
    values: list[tuple[UUID, bytes, bytes]],
    *,
    unchanged: str | None = None,
) -> int:
    """Write new values where `unchanged` (else the column itself) still holds what was read."""
    if not values:
        return 0
    statement = sql.SQL(
        "UPDATE {table} t SET {column} = v.new"
        " FROM unnest(%s::uuid[], %s::bytea[], %s::bytea[]) v(id, old, new)"
        " WHERE t.id = v.id AND t.{unchanged} = v.old"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        column=sql.Identifier(column),
        unchanged=sql.Identifier(unchanged or column),
    )
    ids, olds, news = zip(*values, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(ids), list(olds), list(news)])
        replaced: int = cursor.rowcount
        return replaced


def _replace_several(pair: BlindIndex, row: models.Model, new: list[bytes] | None) -> int:
    """As `_replace`, for one row whose column holds several hashes."""
    old = list(map(bytes, getattr(row, pair.column)))
    unchanged = type(row)._default_manager.filter(pk=row.pk, **{pair.column: old})
    return unchanged.update(**{pair.column_next: new}) if new else 0


def _is_rewritten_here(label: str) -> bool:
    model = apps.get_model(label)
    return is_written_here(model) and not is_insert_only(model) and not is_partitioned(model)


@contextmanager
def _alone() -> Iterator[None]:
    """One rotation per node; a process that dies lets go with its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ROTATION_LOCK])
        (alone,) = cursor.fetchone()
    if not alone:
        raise RotationHalted({"zh": "另一个轮换正在进行", "en": "another one is under way"})
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ROTATION_LOCK])


def _under_way() -> bool:
    """The index key is the last to be made old and to go, so it tells."""
    return (
        services.own_keys(KeyPurpose.INDEX).filter(status__in=[Status.NEW, Status.RETIRED]).exists()
    )


def _let_hub_hold_them(*, whole_list: bool = False) -> None:
    """Share the new key; with `whole_list` tell also which keys need not be kept."""
    if settings.NODE_CODE == settings.HUB_CODE:
        return
    hub = node_by_code(settings.HUB_CODE)
    if hub is None:  # not enrolled: nobody to share with; enrolment shares what is live then
        return
    try:
        if whole_list:
            services.tell_hub(hub.exchange_key)
        elif not services.share_with_hub():
            raise RotationHalted(
                {"zh": "省级平台尚无交换密钥", "en": "the hub has no exchange key"}
            )
    except RotationHalted:
        raise
    except DomainError as error:
        raise RotationHalted(
            {"zh": "省级平台未应答", "en": "the hub did not answer"}, facts={"cause": error.code}
        ) from error


@transaction.atomic
def _activate(purpose: KeyPurpose) -> None:
    """The new key becomes the one that writes, the old one only reads."""
    keys = services.own_keys(purpose).select_for_update()
    if not keys.filter(status=Status.NEW).exists():
        return
    keys.filter(status=Status.ACTIVE).update(status=Status.RETIRED)
    keys.filter(status=Status.NEW).update(status=Status.ACTIVE)


def _settle(grace: float) -> None:
    """Wait until every process knows the keys and every transaction begun before that has ended."""
    ring.forget()
    time.sleep(grace)
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (known,) = cursor.fetchone()
        while older_transactions(cursor, known):
            if time.monotonic() > deadline:
                raise RotationHalted(
                    {"zh": "有事务长时间未结束", "en": "a transaction does not end"}
                )
            time.sleep(0.2)


def older_transactions(cursor: Any, moment: datetime) -> int:
    """How many transactions of the serving processes began before a moment."""
    cursor.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND usename = session_user AND xact_start < %s",
        [moment],
    )
    (older,) = cursor.fetchone()
    return int(older)
