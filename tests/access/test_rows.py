"""What the database itself says about audit rows."""

import pytest
from django.db import DatabaseError, connection, transaction

from kernel.access.services import authorise
from kernel.audit.models import AuditRow
from tests.access.urls import PERSON, RESIDENT

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditrow SET reason = 'x'",
        "DELETE FROM audit_auditrow",
        "UPDATE audit_auditseal SET sequence = 1",
        "DELETE FROM audit_auditseal",
        "TRUNCATE audit_auditrow",
    ],
)
def test_the_serving_role_cannot_change_the_past(statement):
    authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON)

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)

    assert AuditRow.objects.count() == 1


def test_an_audit_row_refers_to_nothing():
    assert not [field for field in AuditRow._meta.get_fields() if field.is_relation]
