"""Sealing audit rows, and the bytes a seal vouches for."""

import threading
from datetime import UTC, datetime, timedelta
from datetime import timezone as zone
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.conf import settings as node
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from kernel.access.services import authorise
from kernel.audit import canon, services
from kernel.audit.models import AuditPending, AuditRow, AuditSeal
from kernel.homes import uuid7
from kernel.keys.secrets import signing_key
from kernel.nodes.models import Node
from tests.access.urls import PERSON, RESIDENT

ROW = SimpleNamespace(
    id=UUID(int=1),
    node="620100",
    audience=[],
    at=datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
    actor_id=UUID(int=2),
    actor_role="resident",
    actor_node="620000",
    organisation_id=None,
    on_behalf_of=None,
    action="timeline.read",
    purpose="PATRQT",
    person_id=UUID(int=3),
    registration_id=None,
    resource_type="",
    resource_id=None,
    outcome="allowed",
    reason="own_record",
    facts=["own_record"],
    request_id="r",
    route="GET /x",
    ip="::1",
    count=4,
)


def write(count=1):
    for _ in range(count):
        authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON)


def test_the_bytes_of_a_row_are_fixed_for_ever():
    assert canon.row_bytes(ROW, 1).decode() == (
        '[["id","00000000-0000-0000-0000-000000000001"],["node","620100"],["audience",[]],'
        '["at","2026-03-01T08:30:00.000000Z"],["actor_id","00000000-0000-0000-0000-000000000002"],'
        '["actor_role","resident"],["actor_node","620000"],["organisation_id",null],'
        '["on_behalf_of",null],["action","timeline.read"],["purpose","PATRQT"],'
        '["person_id","00000000-0000-0000-0000-000000000003"],["registration_id",null],'
        '["resource_type",""],["resource_id",null],["outcome","allowed"],["reason","own_record"],'
        '["facts",["own_record"]],["request_id","r"],["route","GET /x"],["ip","::1"],["count",4]]'
    )
    assert canon.row_digest(ROW).hex() == (
        "2cbd8cb09d29f09c1a22710c43dd06fbf1a4397f313f65f1cddcfe1cea66124d"
    )


def test_the_last_layout_covers_every_column():
    columns = {field.name for field in AuditRow._meta.concrete_fields}

    assert set(canon.LAYOUTS[canon.LAYOUT]) == columns


@given(st.integers(min_value=-12 * 60, max_value=14 * 60))
def test_the_time_zone_of_the_client_does_not_matter(minutes):
    elsewhere = SimpleNamespace(**vars(ROW))
    elsewhere.at = ROW.at.astimezone(zone(timedelta(minutes=minutes)))

    assert canon.row_digest(elsewhere) == canon.row_digest(ROW)


@pytest.mark.parametrize("name", canon.LAYOUTS[canon.LAYOUT])
def test_every_column_counts(name):
    changed = SimpleNamespace(**vars(ROW))
    setattr(changed, name, "something else")

    assert canon.row_digest(changed) != canon.row_digest(ROW)


@pytest.mark.django_db
def test_rows_are_sealed_in_order_and_signed():
    write(3)
    before = timezone.now()

    assert services.seal_pending() == 3

    seal = AuditSeal.objects.get()
    rows = list(AuditRow.objects.order_by("id"))
    assert (seal.node, seal.sequence, seal.layout) == (node.NODE_CODE, 1, 1)
    assert seal.row_ids == [row.id for row in rows]
    assert bytes(seal.row_digests) == b"".join(canon.row_digest(row) for row in rows)
    assert bytes(seal.previous) == bytes(32)
    assert before <= seal.sealed_at <= timezone.now()
    signing_key().public_key().verify(bytes(seal.signature), bytes(seal.digest))
    assert not AuditPending.objects.exists()
    assert services.seal_pending() == 0


@pytest.mark.django_db
def test_seals_are_chained_and_of_bounded_size(monkeypatch):
    monkeypatch.setattr(services, "ROWS_PER_SEAL", 2)
    write(5)

    assert services.seal_pending() == 5

    first, second, third = AuditSeal.objects.order_by("sequence")
    assert [len(seal.row_ids) for seal in (first, second, third)] == [2, 2, 1]
    assert bytes(second.previous) == bytes(first.digest)
    assert bytes(third.previous) == bytes(second.digest)


@pytest.mark.django_db
def test_rows_of_other_nodes_are_sealed_by_them(arrives):
    other = "620800" if node.ROLE == "province" else "620000"
    with arrives():
        AuditRow.objects.create(
            node=other,
            actor_id=uuid7(),
            actor_role="resident",
            actor_node=other,
            action="record.read",
            purpose="TREAT",
            outcome="allowed",
            reason="own_record",
        )

    assert not AuditPending.objects.exists()
    assert services.seal_pending() == 0


@pytest.mark.django_db
def test_seals_go_to_every_other_node(arrives):
    with arrives():
        for code in ("620000", "620100", "620800"):
            Node.objects.create(code=code, name=code, url="http://x", public_key="")
    write()
    services.seal_pending()

    assert AuditSeal.objects.get().audience == sorted(
        {"620000", "620100", "620800"} - {node.NODE_CODE}
    )
    assert AuditRow.objects.get().audience == []


@pytest.mark.django_db
def test_a_row_gone_before_its_seal_is_sealed_as_gone(arrives):
    write()
    with arrives():
        AuditRow.objects.all().delete()

    assert services.seal_pending() == 1
    assert bytes(AuditSeal.objects.get().row_digests) == bytes(32)


@pytest.mark.django_db(transaction=True)
def test_two_sealers_do_not_fork_the_chain():
    write()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [services.SEALER_LOCK])
    result = []

    def seal():
        result.append(services.seal_pending())
        connection.close()

    other = threading.Thread(target=seal)
    other.start()
    other.join()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [services.SEALER_LOCK])

    assert result == [0]
    assert services.seal_pending() == 1
