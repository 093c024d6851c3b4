"""Sealing: each second the new audit rows of this node become a signed link of its chain."""

from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from kernel.audit import canon
from kernel.audit.models import AuditPending, AuditRow, AuditSeal
from kernel.keys.secrets import signing_key
from kernel.nodes.selectors import enrolled_nodes

ROWS_PER_SEAL = 1_000
SEALER_LOCK = 6_101_971  # one sealer per database, or the chain would fork


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
    waiting = AuditPending.objects.order_by("row_id").values_list("row_id", flat=True)
    row_ids = list(waiting[:ROWS_PER_SEAL])
    if not row_ids:
        return 0
    found = AuditRow.objects.filter(node=settings.NODE_CODE, id__in=row_ids)
    rows = {row.id: row for row in found.values_list(*canon.LAYOUTS[canon.LAYOUT], named=True)}
    digests = [
        canon.row_digest(rows[row_id]) if row_id in rows else canon.NOTHING for row_id in row_ids
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
    AuditSeal.objects.create(
        **link, digest=digest, signature=signing_key().sign(digest), audience=list(witnesses)
    )
    AuditPending.objects.filter(row_id__in=row_ids).delete()
    return len(row_ids)
