"""Verifying this node's audit log against its seals, and the seals against a foreign copy.

What is found: a changed, deleted, inserted, reordered or backdated row, a changed or missing seal, a
broken chain, a cut-off head or tail. A seal must fit the key that the node had at its
time. Rows older than AUDIT_KEEP_DAYS may be gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.db import connection
from django.utils import timezone

from kernel.audit import canon
from kernel.audit.models import AuditPending, AuditRow, AuditSeal
from kernel.keys import secrets
from kernel.nodes.selectors import former_keys

FINDINGS_TOLD = 20
LONGEST_TRANSACTION_MS = 10 * 60 * 1000  # a row may be committed, and sealed, this much later
CHANGEOVER = timedelta(hours=1)  # the hub says when a key was replaced, and by its own clock
BEGINNING, END = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)  # the nodes let go of old rows at different hours

IN_NO_SEAL = """
SELECT id FROM (
  SELECT row.id FROM audit_auditrow row WHERE row.node = %(node)s
  AND NOT EXISTS (SELECT FROM audit_auditpending waiting WHERE waiting.row_id = row.id)
  EXCEPT SELECT unnest(row_ids) FROM audit_auditseal WHERE node = %(node)s
) unsealed ORDER BY id LIMIT %(limit)s
"""  # one statement, so one snapshot: an honest row is always in a seal or in the queue


@dataclass(frozen=True, slots=True)
class Key:
    """A key of this node and the time in which it may have signed."""

    public: Ed25519PublicKey
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: what kind, in which seal, with which row."""

    kind: str
    sequence: int | None = None
    row_id: str | None = None


@dataclass
class Report:
    """What was compared, what is not sealed or witnessed yet, and what is wrong."""

    node: str
    rows: int = 0
    seals: int = 0
    unsealed: int = 0
    unsealed_since: str | None = None
    witnessed: bool = False
    unwitnessed_seals: int = 0
    findings: list[Finding] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)


def foreign_copy(node: str) -> Iterator[tuple[int, str, str]]:
    """Sequence, digest and id of each seal of another node that this node holds."""
    seals = AuditSeal.objects.filter(node=node).order_by("sequence")
    for seal in seals.only("id", "sequence", "digest").iterator(chunk_size=1_000):
        yield seal.sequence, bytes(seal.digest).hex(), str(seal.id)


def verify(*, witness: Mapping[int, tuple[str, str]] | None = None) -> Report:
    """Read the whole log of this node; `witness` gives digest and id by sequence from elsewhere."""
    report = Report(node=settings.NODE_CODE)
    horizon = timezone.now() - timedelta(days=settings.AUDIT_KEEP_DAYS)
    for finding in _findings(report, witness, horizon):
        report.findings.append(finding)
        if len(report.findings) == FINDINGS_TOLD:
            break
    waiting = AuditPending.objects.order_by("row_id")
    report.unsealed = waiting.count()
    if first := waiting.first():
        report.unsealed_since = _moment(first.row_id).isoformat()
    return report


def _findings(
    report: Report, witness: Mapping[int, tuple[str, str]] | None, horizon: datetime
) -> Iterator[Finding]:
    keys = _keys()
    previous: AuditSeal | None = None
    own: set[int] = set()
    newest_before = 0
    seals = AuditSeal.objects.filter(node=settings.NODE_CODE).order_by("sequence", "id")
    for seal in seals.iterator(chunk_size=100):
        report.seals += 1
        yield from _of_chain(seal, previous, horizon)
        yield from _of_seal(seal, keys)
        if witness is not None:
            yield from _of_witness(seal, witness)
        yield from _of_rows(seal, newest_before, horizon, report)
        newest_before = max([newest_before, *map(_milliseconds, seal.row_ids)])
        own.add(seal.sequence)
        previous = seal
    if witness is not None:
        report.witnessed = True
        report.unwitnessed_seals = len(own - witness.keys())
        yield from _cut_off(own, witness, horizon)
    with connection.cursor() as cursor:
        cursor.execute(IN_NO_SEAL, {"node": settings.NODE_CODE, "limit": FINDINGS_TOLD})
        loose = [row_id for (row_id,) in cursor.fetchall()]
    for row_id in loose:
        if _moment(row_id) >= horizon + DAY:
            yield Finding("row-inserted", row_id=str(row_id))


def _of_chain(seal: AuditSeal, previous: AuditSeal | None, horizon: datetime) -> Iterator[Finding]:
    if previous is None:
        if seal.sequence != 1 and _moment(seal.id) > horizon + DAY:
            yield Finding("head-cut-off", seal.sequence)
        return
    if seal.sequence == previous.sequence:
        yield Finding("chain-forked", seal.sequence)
    elif seal.sequence != previous.sequence + 1:
        yield Finding("seal-missing", previous.sequence + 1)
    elif bytes(seal.previous) != bytes(previous.digest):
        yield Finding("chain-broken", seal.sequence)


def _of_seal(seal: AuditSeal, keys: Sequence[Key]) -> Iterator[Finding]:
    digest = canon.seal_digest(
        node=seal.node,
        sequence=seal.sequence,
        layout=seal.layout,
        row_ids=seal.row_ids,
        row_digests=seal.row_digests,
        previous=seal.previous,
        sealed_at=seal.sealed_at,
    )
    if digest != bytes(seal.digest):
        yield Finding("seal-changed", seal.sequence)
        return
    of_its_time = (key for key in keys if key.since <= seal.sealed_at <= key.until)
    if not any(_fits(key.public, bytes(seal.signature), digest) for key in of_its_time):
        yield Finding("seal-not-signed", seal.sequence)


def _fits(key: Ed25519PublicKey, signature: bytes, digest: bytes) -> bool:
    try:
        key.verify(signature, digest)
    except InvalidSignature:
        return False
    return True


def _of_witness(seal: AuditSeal, witness: Mapping[int, tuple[str, str]]) -> Iterator[Finding]:
    seen = witness.get(seal.sequence)
    if seen is not None and seen[0] != bytes(seal.digest).hex():
        yield Finding("seal-differs-from-foreign-copy", seal.sequence)


def _of_rows(
    seal: AuditSeal, newest_before: int, horizon: datetime, report: Report
) -> Iterator[Finding]:
    found = AuditRow.objects.filter(node=settings.NODE_CODE, id__in=seal.row_ids)
    rows = {row.id: row for row in found}
    for row_id, digest in zip(seal.row_ids, canon.split_digests(seal.row_digests), strict=False):
        row = rows.get(row_id)
        if row is None:
            if _moment(row_id) >= horizon + DAY:
                yield Finding("row-deleted", seal.sequence, str(row_id))
            continue
        report.rows += 1
        if canon.row_digest(row, seal.layout) != digest:
            yield Finding("row-changed", seal.sequence, str(row_id))
        elif _milliseconds(row_id) < newest_before - LONGEST_TRANSACTION_MS:
            yield Finding("row-backdated", seal.sequence, str(row_id))


def _cut_off(
    own: set[int], witness: Mapping[int, tuple[str, str]], horizon: datetime
) -> Iterator[Finding]:
    first, last = min(own, default=0), max(own, default=0)
    for sequence in sorted(witness.keys() - own):
        if sequence > last:
            yield Finding("tail-cut-off", sequence)
        elif sequence < first and _moment(UUID(witness[sequence][1])) > horizon + DAY:
            yield Finding("head-cut-off", sequence)


def _keys() -> list[Key]:
    """The keys this node had one after another, the present one last."""
    keys, since = [], BEGINNING
    for pem, replaced_at in [*former_keys(settings.NODE_CODE), (secrets.public_key(), END)]:
        keys.append(Key(_loaded(pem), since - CHANGEOVER, replaced_at + CHANGEOVER))
        since = replaced_at
    return keys


def _loaded(pem: str) -> Ed25519PublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError("a node's key is an Ed25519 key")
    return key


def _milliseconds(row_id: UUID) -> int:
    return row_id.int >> 80


def _moment(row_id: UUID) -> datetime:
    return datetime.fromtimestamp(_milliseconds(row_id) / 1000, tz=timezone.get_current_timezone())
