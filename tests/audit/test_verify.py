"""Verifying the log: whatever was done to it behind our back is found and named."""

import io
import json
from datetime import timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings as node
from django.core.management import call_command
from django.utils import timezone

from kernel.access.services import authorise
from kernel.audit import canon, services, verification
from kernel.audit.models import AuditPending, AuditRow, AuditSeal
from kernel.audit.verification import Finding
from kernel.homes import uuid7
from kernel.keys import secrets
from kernel.keys.secrets import signing_key
from kernel.nodes.models import FormerKey, Node
from tests.access.urls import PERSON, RESIDENT

pytestmark = pytest.mark.django_db


@pytest.fixture
def log():
    """Three seals of two rows each; the row ids in order."""
    for _ in range(3):
        for _ in range(2):
            authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON)
        services.seal_pending()
    return list(AuditRow.objects.order_by("id").values_list("id", flat=True))


@pytest.fixture
def witness(log):
    """What another node holds of the seals."""
    return {
        sequence: (digest, seal_id)
        for sequence, digest, seal_id in verification.foreign_copy(node.NODE_CODE)
    }


def findings(witness=None):
    return verification.verify(witness=witness).findings


def found(kind, sequence=None, row_id=None):
    return [Finding(kind, sequence, str(row_id) if row_id else None)]


def test_an_untouched_log_is_good(log, witness):
    report = verification.verify(witness=witness)

    assert report.as_dict() == {
        "node": node.NODE_CODE,
        "rows": 6,
        "seals": 3,
        "unsealed": 0,
        "unsealed_since": None,
        "witnessed": True,
        "unwitnessed_seals": 0,
        "findings": [],
    }


def test_an_empty_log_is_good():
    assert verification.verify(witness={}).findings == []


def test_the_unsealed_window_is_stated(log):
    authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON)

    report = verification.verify()

    assert (report.unsealed, report.findings, report.witnessed) == (1, [], False)
    assert report.unsealed_since is not None


def test_seals_the_witness_has_not_got_yet_are_counted(log, witness):
    del witness[3]

    report = verification.verify(witness=witness)

    assert (report.unwitnessed_seals, report.findings) == (1, [])


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "treatment_relationship"},
        {"actor_id": UUID(int=9)},
        {"person_id": None},
        {"outcome": "refused"},
        {"count": 1},
        {"at": timezone.now() - timedelta(hours=1)},
        {"facts": []},
        {"audience": ["620800"]},
    ],
)
def test_a_changed_row_is_named(log, arrives, change):
    with arrives():
        AuditRow.objects.filter(id=log[3]).update(**change)

    assert findings() == found("row-changed", 2, log[3])


def test_a_deleted_row_is_named(log, arrives):
    with arrives():
        AuditRow.objects.filter(id=log[2]).delete()

    assert findings() == found("row-deleted", 2, log[2])


def test_a_row_deleted_before_its_seal_is_named(log, arrives):
    authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON)
    last = AuditRow.objects.order_by("id").last().id
    with arrives():
        AuditRow.objects.filter(id=last).delete()
    services.seal_pending()

    assert findings() == found("row-deleted", 4, last)


def test_an_inserted_row_is_named(log, arrives):
    with arrives():
        row = AuditRow.objects.get(id=log[0])
        row.id = uuid7()
        row.save(force_insert=True)

    assert findings() == found("row-inserted", None, row.id)


def test_a_row_taken_out_of_the_queue_is_named(log):
    authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON)
    row_id = AuditPending.objects.get().row_id
    AuditPending.objects.all().delete()

    assert findings() == found("row-inserted", None, row_id)


def test_a_row_that_pretends_to_be_old_is_named(log, arrives):
    old = UUID(int=log[0].int - (3600 * 1000 << 80))
    row = AuditRow.objects.get(id=log[0])
    row.id = old
    row.save(force_insert=True)
    services.seal_pending()

    assert findings() == found("row-backdated", 4, old)


def test_rows_that_changed_places_are_named(log, arrives):
    with arrives():
        first, second = AuditRow.objects.get(id=log[0]), AuditRow.objects.get(id=log[1])
        AuditRow.objects.filter(id=first.id).update(at=second.at)
        AuditRow.objects.filter(id=second.id).update(at=first.at)

    assert findings()[0] == Finding("row-changed", 1, str(log[0]))


def test_a_seal_with_its_rows_in_another_order_is_named(log, arrives):
    seal = AuditSeal.objects.get(sequence=2)
    digests = canon.split_digests(seal.row_digests)
    with arrives():
        AuditSeal.objects.filter(id=seal.id).update(
            row_ids=seal.row_ids[::-1], row_digests=b"".join(digests[::-1])
        )

    assert findings() == found("seal-changed", 2)


def resealed(seal, **changes):
    """The seal as a thief of the node's key would write it."""
    for name, value in changes.items():
        setattr(seal, name, value)
    seal.digest = canon.seal_digest(
        node=seal.node,
        sequence=seal.sequence,
        layout=seal.layout,
        row_ids=seal.row_ids,
        row_digests=seal.row_digests,
        previous=seal.previous,
        sealed_at=seal.sealed_at,
    )
    seal.signature = signing_key().sign(seal.digest)
    seal.save(update_fields=["row_ids", "row_digests", "previous", "digest", "signature"])
    return seal


def test_even_the_nodes_own_key_cannot_forge_what_another_node_saw(log, arrives, witness):
    with arrives():
        AuditRow.objects.filter(id=log[2]).update(reason="x")
        forged = AuditRow.objects.get(id=log[2])
        seal = AuditSeal.objects.get(sequence=2)
        good = canon.split_digests(seal.row_digests)
        seal = resealed(seal, row_digests=canon.row_digest(forged) + good[1])
        resealed(AuditSeal.objects.get(sequence=3), previous=seal.digest)

    assert findings() == []
    assert findings(witness) == [
        Finding("seal-differs-from-foreign-copy", 2),
        Finding("seal-differs-from-foreign-copy", 3),
    ]


def test_a_seal_signed_by_nobody_is_named(log, arrives):
    with arrives():
        AuditSeal.objects.filter(sequence=3).update(signature=bytes(64))

    assert findings() == found("seal-not-signed", 3)


@pytest.fixture
def new_key(log, tmp_path, monkeypatch):
    """A function that changes this node's key, as an operator does; the hub registers the new one."""

    def change(arrives, replaced_at):
        before = secrets.public_key()
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        path = tmp_path / "node.pem"
        path.write_bytes(pem)
        monkeypatch.setattr(node, "NODE_KEY_FILE", path)
        signing_key.cache_clear()
        with arrives():
            whose, _ = Node.objects.get_or_create(code=node.NODE_CODE, defaults={"name": "here"})
            FormerKey.objects.create(node=whose, public_key=before, replaced_at=replaced_at)

    yield change
    signing_key.cache_clear()


def test_seals_of_before_a_change_of_the_nodes_key_are_good(log, arrives, new_key):
    new_key(arrives, timezone.now())
    authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON)
    services.seal_pending()

    report = verification.verify()

    assert (report.findings, report.seals, report.rows) == ([], 4, 7)


@pytest.mark.parametrize(("hours", "signed_by_it"), [(-2, "former"), (2, "present")])
def test_a_key_signs_in_its_time_only(hours, signed_by_it, log, arrives, new_key):
    """What the former key signed after its end, or the new one before its beginning, is forged."""
    new_key(arrives, timezone.now() + timedelta(hours=hours))
    authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON)
    services.seal_pending()

    wrong = [1, 2, 3] if signed_by_it == "former" else [4]
    assert findings() == [Finding("seal-not-signed", sequence) for sequence in wrong]


def test_a_missing_seal_is_named_and_its_rows(log, arrives):
    with arrives():
        AuditSeal.objects.filter(sequence=2).delete()

    assert findings() == [
        Finding("seal-missing", 2),
        Finding("row-inserted", None, str(log[2])),
        Finding("row-inserted", None, str(log[3])),
    ]


def test_a_chain_that_was_joined_elsewhere_is_named(log, arrives):
    with arrives():
        resealed(AuditSeal.objects.get(sequence=3), previous=bytes(32))

    assert findings() == found("chain-broken", 3)


def test_a_forked_chain_is_named(log, arrives):
    with arrives():
        seal = AuditSeal.objects.get(sequence=3)
        seal.id = uuid7()
        seal.save(force_insert=True)

    assert findings() == found("chain-forked", 3)


def test_a_cut_off_tail_is_seen_by_the_witness_only(log, arrives, witness):
    with arrives():
        AuditSeal.objects.filter(sequence__gte=2).delete()
        AuditRow.objects.filter(id__in=log[2:]).delete()

    assert findings() == []
    assert findings(witness) == [Finding("tail-cut-off", 2), Finding("tail-cut-off", 3)]


def test_a_log_cut_off_as_a_whole_is_seen_by_the_witness(log, arrives, witness):
    with arrives():
        AuditSeal.objects.all().delete()
        AuditRow.objects.all().delete()

    assert [one.kind for one in findings(witness)] == ["tail-cut-off"] * 3


def test_a_cut_off_head_is_named(log, arrives, witness):
    with arrives():
        AuditSeal.objects.filter(sequence=1).delete()
        AuditRow.objects.filter(id__in=log[:2]).delete()

    assert findings() == found("head-cut-off", 2)
    assert findings(witness)[0] == Finding("head-cut-off", 2)


def test_rows_past_their_time_may_be_gone(log, arrives, witness, monkeypatch):
    with arrives():
        AuditSeal.objects.filter(sequence=1).delete()
        AuditRow.objects.filter(id__in=log[:3]).delete()
    later = timezone.now() + timedelta(days=node.AUDIT_KEEP_DAYS)
    monkeypatch.setattr(timezone, "now", lambda: later)

    assert findings(witness) == []


def test_the_report_ends_somewhere(log, arrives, monkeypatch):
    monkeypatch.setattr(verification, "FINDINGS_TOLD", 2)
    with arrives():
        AuditRow.objects.all().delete()

    assert len(findings()) == 2


def exported():
    out = io.StringIO()
    call_command("export_seals", node.NODE_CODE, stdout=out)
    return out.getvalue()


def test_the_operator_compares_with_the_copy_of_another_node(log, arrives, tmp_path):
    seals = tmp_path / "seals"
    seals.write_text(exported())
    out = io.StringIO()

    call_command("verify_audit", "--witness", str(seals), stdout=out)

    assert json.loads(out.getvalue())["findings"] == []
    with arrives():
        AuditSeal.objects.filter(sequence=3).delete()
        AuditRow.objects.filter(id__in=log[4:]).delete()
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--witness", str(seals), stdout=out)
    assert ended.value.code == 1
    assert json.loads(out.getvalue())["findings"] == [
        {"kind": "tail-cut-off", "sequence": 3, "row_id": None}
    ]
