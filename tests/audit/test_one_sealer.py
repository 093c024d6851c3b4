"""Only one sealer at a time: a second one leaves the rows to the first."""

import pytest
from django.db import connection

from kernel.access.services import authorise
from kernel.audit.models import AuditSeal
from kernel.audit.services import SEALER_LOCK, _seal_batch, seal_pending
from tests.access.urls import PERSON, RESIDENT


@pytest.mark.django_db(transaction=True)
def test_a_second_sealer_does_nothing():
    authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [SEALER_LOCK])
            seal_pending()
            assert not AuditSeal.objects.exists()
            cursor.execute("SELECT pg_advisory_unlock(%s)", [SEALER_LOCK])
    finally:
        other.close()

    seal_pending()
    assert AuditSeal.objects.count() == 1


@pytest.mark.django_db
def test_a_sealer_that_comes_late_finds_nothing_to_seal():
    assert _seal_batch() == 0
    assert not AuditSeal.objects.exists()
