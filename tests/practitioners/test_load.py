"""Practitioners and their posts."""

import pytest

from registry.loading import Loaded
from registry.organisations.errors import OrganisationUnknown
from registry.organisations.services import load_departments
from registry.practitioners.models import PractitionerRole
from registry.practitioners.services import load_practitioners
from tests.factories.registry import OrganisationFactory

pytestmark = [pytest.mark.node("hub"), pytest.mark.django_db]


def test_a_practitioner_has_a_post_in_a_department():
    hospital = OrganisationFactory(code="JQ1")
    load_departments(
        [{"organisation": "JQ1", "code": "001", "standard": "A03.01", "name": "呼吸内科"}]
    )
    row = {
        "organisation": "JQ1", "department": "A03.01", "code": "0001", "certificate": "900010000000001",
        "name": "朱长生", "sex": "1", "title": "233",
    }  # fmt: skip

    assert load_practitioners([row]) == Loaded(created=1)
    assert load_practitioners([row | {"title": "232"}]) == Loaded(changed=1)

    post = PractitionerRole.objects.get()
    assert (post.organisation_id, post.title, post.practitioner.name) == (
        hospital.id,
        "232",
        "朱长生",
    )
    assert post.department is not None
    assert post.department.name == "呼吸内科"


def test_a_post_nowhere_is_refused():
    row = {
        "organisation": "JQ9", "department": "", "code": "1", "certificate": "1", "name": "x", "sex": "",
        "title": "",
    }  # fmt: skip
    with pytest.raises(OrganisationUnknown):
        load_practitioners([row])

    assert not PractitionerRole.objects.exists()
