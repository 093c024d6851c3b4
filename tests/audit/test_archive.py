"""What a city lost or changed of its audit log outlives the reload of the hub's copy."""

from contextlib import closing

import pytest
from django.db import connection
from psycopg2.extensions import make_dsn

from kernel.access.services import authorise
from kernel.audit import archive, services, verification
from kernel.audit.models import AuditKept, AuditRow, AuditSeal
from kernel.replication.subscriptions import connect
from tests.access.urls import PERSON, RESIDENT
from tests.cluster import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ends():
    """Two connections to this database: the hub's, and one of a city with tables of its own."""
    own = connection.get_connection_params()
    dsn = make_dsn(host=own["host"], dbname=own["dbname"], user="jianqiao_owner", password=PASSWORD)
    with closing(connect(dsn)) as here, closing(connect(dsn)) as there:
        with there.cursor() as cursor:
            for table in archive.TABLES:  # before the real ones in the search path
                cursor.execute(f"CREATE TEMPORARY TABLE {table} AS SELECT * FROM public.{table}")
        yield here, there


@pytest.fixture
def log():
    """Three seals of one row each; numbers, digests and ids of the seals."""
    for _ in range(3):
        authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON)
        services.seal_pending()
    return list(verification.foreign_copy(AuditRow.objects.first().node))


def test_rows_and_seals_that_the_city_lacks_or_changed_are_kept(log, ends):
    here, there = ends
    node = AuditRow.objects.first().node
    first, *_, last = AuditRow.objects.order_by("id")
    cut = AuditSeal.objects.get(sequence=3)
    with there.cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditseal WHERE sequence = 3")
        cursor.execute("DELETE FROM audit_auditrow WHERE id = %s", [str(last.id)])
        cursor.execute("UPDATE audit_auditrow SET reason = 'x' WHERE id = %s", [str(first.id)])

    for _ in range(2):
        archive.keep(here=here, there=there, node=node)

    kept = AuditKept.objects.order_by("id")
    assert [(one.id, one.source) for one in kept] == sorted([
        (first.id, "audit_auditrow"), (last.id, "audit_auditrow"), (cut.id, "audit_auditseal"),
    ])  # fmt: skip
    assert kept.get(id=first.id).content["reason"] == "own_record"
    with here.cursor() as cursor:  # what the reload makes of the hub's copy
        cursor.execute("DELETE FROM audit_auditseal WHERE sequence = 3")
    assert list(verification.foreign_copy(node)) == log, "the witness still knows the cut-off tail"


def test_of_a_number_given_twice_the_older_seal_bears_witness(log, ends):
    here, there = ends
    with there.cursor() as cursor:
        cursor.execute(
            "UPDATE audit_auditseal SET id = uuidv7(), digest = 'new' WHERE sequence = 3"
        )

    archive.keep(here=here, there=there, node=AuditRow.objects.first().node)

    assert list(verification.foreign_copy(AuditRow.objects.first().node)) == [*log, log[-1]]


def test_nothing_is_kept_of_a_city_that_lost_nothing(log, ends):
    here, there = ends

    archive.keep(here=here, there=there, node=AuditRow.objects.first().node)

    assert not AuditKept.objects.exists()
