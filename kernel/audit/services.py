"""Sealing: each second the new audit rows of this node become a signed link of its chain."""

from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import UUIDField
from django.utils import timezone

from kernel.audit import canon
from kernel.audit.models import AuditPending, AuditRow, AuditSeal
from kernel.homes import uuid7
from kernel.keys.secrets import signing_key
from kernel.nodes.selectors import enrolled_nodes
from kernel.postgres.inserting import insert_rows

ROWS_PER_SEAL = 1_000
SEALER_LOCK = 6_101_971  # one sealer per database, or the chain would fork

# The name in braces is that of columns of our own.
WAITING = """
SELECT p.row_id, r.id IS NOT NULL, {columns}
FROM (SELECT row_id FROM audit_auditpending ORDER BY row_id LIMIT %s) p
LEFT JOIN audit_auditrow r ON r.node = %s AND r.id = p.row_id ORDER BY p.row_id
"""
SEALED = "DELETE FROM audit_auditpending WHERE row_id = ANY(%s::uuid[])"


def seal_pending() -> int:
    """Seal every row that waits; how many."""
    sealed = 0
    while AuditPending.objects.exists():
        part = _seal_batch()
        sealed += part
        if part < ROWS_PER_SEAL:
            break
    return sealed


@transaction.atomic
def _seal_batch() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALER_LOCK])
        (alone,) = cursor.fetchone()
    if not alone:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_waiting(), [ROWS_PER_SEAL, settings.NODE_CODE])
        waiting = cursor.fetchall()
    if not waiting:
        return 0
    row_ids = [row_id for row_id, *_ in waiting]
    digests = [
        canon.values_digest(values) if is_there else canon.NOTHING
        for _, is_there, *values in waiting
    ]
    last = AuditSeal.objects.filter(node=settings.NODE_CODE).order_by("-sequence").first()
    link: dict[str, Any] = {
        "node": settings.NODE_CODE,
        "sequence": last.sequence + 1 if last else 1,
        "layout": canon.LAYOUT,
        "row_ids": row_ids,
        "row_digests": b"".join(digests),
        "previous": bytes(last.digest) if last else canon.NOTHING,
        "sealed_at": timezone.now(),
    }
    digest = canon.seal_digest(**link)
    witnesses = enrolled_nodes().exclude(code=settings.NODE_CODE).values_list("code", flat=True)
    insert_rows(
        AuditSeal,
        [link | {
            "id": uuid7(), "digest": digest, "signature": signing_key().sign(digest),
            "audience": list(witnesses),
        }],
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(SEALED, [list(map(str, row_ids))])
    return len(row_ids)


@cache
def _waiting() -> str:
    """Rows that wait and what a seal vouches for of them, ids as text: of a thousand rows an object for each id
    would take most of the time.
    """
    fields = {field.name: field for field in AuditRow._meta.concrete_fields}
    columns = [
        f"r.{name}::text" if isinstance(fields[name], UUIDField) else f"r.{name}"
        for name in canon.LAYOUTS[canon.LAYOUT]
    ]
    return WAITING.format(columns=", ".join(columns))
