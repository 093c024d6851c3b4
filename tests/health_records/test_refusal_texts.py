"""What a refusal says is true, whatever the fault; and what it tells to do is taken."""

import copy

import pytest

from tests.factories.fhir import bundle, entry, patient

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            bundle(entry(patient() | {
                "managingOrganization": {"reference": "Organization/Charité"}
            })),
            "The reference “Organization/Charité” is of an unsupported form. Use Type/id (letters, "
            "digits, “-” and “.”, 64 at most), the fullUrl of an entry, or Type?identifier=system|value",
        ),
        (
            bundle(entry(patient("19900000001"))),
            "This looks like an identity number or a mobile number (11 digits, the first two 13 to 19), which "
            "must not be an id. Use the hospital's own number (identifier of type MR); one that only "
            "looks like this takes a prefix with “-”, such as MR-",
        ),
        (
            bundle(*[
                {"resource": {"resourceType": "Device", "status": "active"},
                 "request": {"method": "POST", "url": "Device", "ifNoneExist": "identifier=s|1"}}
            ] * 2),
            "The same resource occurs twice in the message: “Device”. Make them one",
        ),
    ],
    ids=["a reference", "a number", "twice"],
)  # fmt: skip
def test_the_text_is_true(message, text, push, stored):
    answer = push(copy.deepcopy(message), **{"Accept-Language": "en"})

    assert (answer.status_code, answer.json()["issue"][0]["details"]["text"]) == (422, text)
    assert set(stored().values()) == {0}


def test_a_number_like_a_phone_is_taken_with_a_prefix(push):
    assert push(bundle(entry(patient("MR-19900000001")))).status_code == 200


def test_a_url_may_begin_with_a_slash(push, stored):
    doctor = {"resourceType": "Practitioner", "id": "d"}

    answer = push(bundle(
        entry(patient(), url="/Patient"), entry(doctor, method="PUT", url="/Practitioner/d"),
    ))  # fmt: skip

    told = [one["response"]["status"] for one in answer.json()["entry"]]
    assert told == ["201 Created", "201 Created"]
    assert (stored()["PatientRegistration"], stored()["SourceParty"]) == (1, 1)
