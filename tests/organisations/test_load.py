"""The registers are brought up to date from rows, and twice changes nothing."""

import pytest

from registry.loading import Loaded
from registry.organisations.errors import OrganisationUnknown
from registry.organisations.models import Department, Organisation
from registry.organisations.services import load_departments, load_organisations

pytestmark = [pytest.mark.node("hub"), pytest.mark.django_db]

ROW = {
    "code": "JQ1", "uscc": "12620100JQ6201017L", "name": "示范医院", "type": "A100", "level": "3",
    "grade": "A", "management": "1", "status": "0", "node": "620100", "division": "620100",
    "address": "示范路1号", "phone": "0000-1",
}  # fmt: skip


def test_rows_are_added_changed_and_left():
    assert load_organisations([ROW, ROW | {"code": "JQ2"}]) == Loaded(created=2)

    again = load_organisations([ROW, ROW | {"code": "JQ2", "name": "新名"}, ROW | {"code": "JQ3"}])

    assert again == Loaded(created=1, changed=1, unchanged=1)
    assert dict(Organisation.objects.values_list("code", "name")) == {
        "JQ1": "示范医院", "JQ2": "新名", "JQ3": "示范医院"
    }  # fmt: skip


def test_departments_belong_to_an_organisation():
    load_organisations([ROW])
    row = {"organisation": "JQ1", "code": "001", "standard": "A03.01", "name": "呼吸内科"}

    assert load_departments([row]) == Loaded(created=1)
    assert load_departments([row]) == Loaded(unchanged=1)
    assert Department.objects.get().organisation.code == "JQ1"


def test_a_department_of_nobody_is_refused():
    with pytest.raises(OrganisationUnknown):
        load_departments([{"organisation": "JQ9", "code": "1", "standard": "", "name": "x"}])

    assert not Department.objects.exists()
