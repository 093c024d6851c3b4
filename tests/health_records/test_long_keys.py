"""What is too long for an index is refused where it is a key, and kept where it is not."""

import secrets

import pytest

from health_records.models import ClinicalEntry, SourceParty
from health_records.rules import LONGEST_KEY
from tests.factories.fhir import bundle, entry, patient

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

LONG = secrets.token_urlsafe(6_000)
EDGE = LONG[: LONGEST_KEY + 1]


def doctor(**parts):
    return {"resourceType": "Practitioner", "id": "dr", **parts}


def first_issue(answer):
    issue = answer.json()["issue"][0]
    return issue["details"]["coding"][0]["code"], issue["expression"][0]


@pytest.mark.parametrize("text", [LONG, EDGE], ids=["8 kB", "256 characters"])
@pytest.mark.parametrize(
    ("make", "path"),
    [
        (
            lambda text: entry({"resourceType": "Practitioner"}) | {"fullUrl": f"urn:x:{text}"[:len(text)]},
            "Bundle.entry[0].fullUrl",
        ),
        (
            lambda text: entry(patient(text) | {"id": "p"}),
            "Bundle.entry[0].resource.identifier[0].value",
        ),
        (
            lambda text: entry(doctor(), ifNoneExist=f"identifier=urn:x|{text}"),
            "Bundle.entry[0].request.ifNoneExist",
        ),
        (
            lambda text: entry(doctor(), ifNoneExist=f"identifier={text}|1"),
            "Bundle.entry[0].request.ifNoneExist",
        ),
        (
            lambda text: entry({
                "resourceType": "PractitionerRole", "id": "r",
                "practitioner": {"reference": f"Practitioner?identifier=urn:x|{text}"},
            }),
            "Bundle.entry[0].resource.practitioner",
        ),
    ],
    ids=["fullUrl", "patient number", "condition", "system of a condition", "reference"],
)  # fmt: skip
def test_a_key_beyond_its_length(make, path, text, push, stored):
    before = stored()

    answer = push(bundle(make(text)))

    assert answer.status_code == 422
    assert first_issue(answer) == ("key-length", path)
    assert stored() == before


def test_a_key_of_the_greatest_length(push):
    key, other = EDGE[1:], EDGE[:0:-1]

    answer = push(bundle(
        entry(patient(key) | {"id": "p"}),
        entry({"resourceType": "Practitioner", "gender": "male"}) | {"fullUrl": f"urn:x:{key}"[:LONGEST_KEY]},
        entry(doctor(identifier=[{"system": other, "value": other}]),
              ifNoneExist=f"identifier={other}|{other}"),
    ))  # fmt: skip

    assert answer.status_code == 200, answer.content
    assert SourceParty.objects.get(source_key="dr").identifiers == sorted(
        [f"={other}", f"{other}|{other}"]
    )


def test_a_long_identifier_is_kept_and_found_by_nobody(push, system):
    identifiers = [{"system": "urn:x", "value": LONG}, {"system": LONG, "value": "1"}]

    answer = push(bundle(entry(doctor(identifier=identifiers))))

    assert answer.status_code == 200, answer.content
    kept = SourceParty.objects.get()
    assert kept.identifiers == ["=1"]
    read = system.get(f"/fhir/R4/Practitioner/{kept.id}")
    assert read.json()["identifier"] == identifiers


def test_long_codes_categories_and_names_fit_their_indexes(push):
    wide = "".join(chr(0x20000 + secrets.randbelow(0x8000)) for _ in range(3_000))
    coding = {
        "coding": [
            {"system": f"urn:{wide}", "code": wide},
            {"system": f"urn:x:{wide}", "code": f"x{wide}"},
        ]
    }
    person = patient("7") | {"name": [{"text": wide}]}

    answer = push(bundle(entry(person), entry({
        "resourceType": "Observation", "id": "o", "status": "final", "code": coding,
        "category": [coding], "method": {"text": wide},
    })))  # fmt: skip

    assert answer.status_code == 200, answer.content
    assert ClinicalEntry.objects.get().code == wide[:300]


def test_a_long_message_id(push, stored):
    before = stored()

    answer = push(bundle(entry(doctor()), identifier={"value": LONG}))

    assert answer.status_code == 400
    assert first_issue(answer) == ("message-id", "Bundle.identifier")
    assert stored() == before


def test_a_long_search(system):
    answer = system.get("/fhir/R4/Practitioner", {"identifier": f"urn:x|{EDGE}"})

    assert answer.status_code == 400
    assert first_issue(answer) == ("search-value", "identifier")
