"""No pushed identity number or phone stands in clear in any database or log."""

import base64
import re

from benchmarks.throwaway_province import HUB
from tests.system.people import (
    ask_for_code,
    enrol,
    new_residents,
    person_of,
    sign_in,
    sign_in_by_phone,
    visit,
)
from tests.system.test_homes import FIRST, SECOND, dump

SAMPLE_NUMBERS = re.compile(r'"value": ?"([0-9０-９]{15,17}[0-9Xx０-９]|1[3-9][0-9]{9})"')


def pushed_numbers(province) -> set[str]:
    """Identity numbers and phones of the samples, and of residents pushed now."""
    from config.model_province.sources import SAMPLES

    numbers = set()
    for file in (SAMPLES / "fhir" / "gansu").rglob("*.json"):
        numbers |= set(SAMPLE_NUMBERS.findall(file.read_text(encoding="utf-8")))
    for city in (FIRST, SECOND):
        residents, seed = new_residents(city, 3)
        for resident in residents:
            answer = visit(province, resident, city, seed)
            locations = [e["response"]["location"].split("/") for e in answer["entry"]]
            person_of(province, next(i for kind, i, *_ in locations if kind == "Patient"))
            numbers |= {resident.identity_number, resident.phone} - {None}
    return numbers


def typed_numbers(province):
    """Phones and an identity number that residents typed at the hub: accepted, refused and pending."""
    (resident, stranger), seed = new_residents(FIRST, 2)
    person = person_of(province, enrol(province, resident, FIRST, seed))
    account = sign_in_by_phone(province, resident.phone)
    document = {"name": resident.name, "number": stranger.identity_number}
    assert account.post("/api/v1/me/binding", document).status == 404
    document["number"] = resident.identity_number
    assert account.post("/api/v1/me/binding", document).status == 200
    assert account.json("/api/v1/me")["person_id"] == person
    ask_for_code(province, stranger.phone)
    return {resident.phone, stranger.phone, resident.identity_number, stranger.identity_number}


def dresses(number: str) -> list[str]:
    """A number as text, and as a dump prints binary columns or a careless layer encodes it."""
    data = number.encode()
    # Base64 depends on the place in its group of three: what stays the same wherever it begins.
    shifted = [base64.b64encode(bytes(lead) + data).decode() for lead in range(3)]
    return [number, data.hex(), *(text[4 if lead else 0 : -4] for lead, text in enumerate(shifted))]


def found_in(text: str, numbers: set[str]) -> list[str]:
    """Numbers that stand in a text in any dress."""
    return [number for number in numbers if any(dress in text for dress in dresses(number))]


def test_a_number_is_found_in_every_dress():
    number = "620102199001011234"
    for lead in range(4):
        hidden = b"<" * lead + number.encode() + b">" * 5
        for text in (hidden.decode(), "\\x" + hidden.hex(), base64.b64encode(hidden).decode()):
            assert found_in(text, {number, "13900000000"}) == [number]


def test_no_number_is_found_in_a_dump_or_a_log(province):
    numbers = pushed_numbers(province) | typed_numbers(province)
    sign_in(province, "resident").get(f"/api/v1/persons/{next(iter(numbers))}/timeline")
    assert len(numbers) >= 20

    dumps = {code: dump(province, code) for code in (HUB, FIRST, SECOND)}
    found = {code: there for code, text in dumps.items() if (there := found_in(text, numbers))}
    assert found == {}
    logs = list(province.home.log.glob("*.log"))
    assert len(logs) >= 12
    for log in logs:
        text = log.read_text(encoding="utf-8", errors="replace")
        assert found_in(text, numbers) == [], log
