"""What the CapabilityStatement states is tried, one thing after the other; what it does not state is refused."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.conf import settings

from health_records.formats.fhir.resource_types import KINDS
from health_records.formats.fhir.validation.resources import validate
from health_records.incoming import Kind
from tests.factories.fhir import as_bytes, bundle, entry
from tests.factories.records import EntryFactory, VersionFactory
from tests.factories.registry import OrganisationFactory, RegistrationFactory
from tests.factories.signed_in import as_hospital

pytestmark = pytest.mark.django_db

CITY = pytest.mark.node("city")
NOBODY = "01900000-0000-7000-8000-000000000000"
STRICT = {"Prefer": "handling=strict"}
FORM = "application/x-www-form-urlencoded"
NOT_OFFERED = {404, 405, 421, 501}
"""How an address, a method or a node says that it does not do something."""


def statement(client):
    return client.get("/fhir/R4/metadata").json()


def of_types(client):
    return statement(client)["rest"][0]["resource"]


def send(client, method, path, body=None, **headers):
    raw = b"" if body is None else as_bytes(body)
    return client.generic(
        method, f"/fhir/R4{path}", raw, content_type="application/fhir+json", headers=headers
    )


TYPE_INTERACTIONS: Mapping[str, Callable[[Any, str, str], Any]] = {
    "read": lambda client, type_, id_: send(client, "GET", f"/{type_}/{id_}"),
    "vread": lambda client, type_, id_: send(client, "GET", f"/{type_}/{id_}/_history/1"),
    "history-instance": lambda client, type_, id_: send(client, "GET", f"/{type_}/{id_}/_history"),
    "history-type": lambda client, type_, _: send(client, "GET", f"/{type_}/_history"),
    "search-type": lambda client, type_, id_: send(client, "GET", f"/{type_}?_id={id_}"),
    "create": lambda client, type_, _: send(client, "POST", f"/{type_}", {"resourceType": type_}),
    "update": lambda client, type_, _: send(
        client, "PUT", f"/{type_}/new", {"resourceType": type_, "id": "new"}
    ),
    "delete": lambda client, type_, _: send(client, "DELETE", f"/{type_}/none"),
    "patch": lambda client, type_, id_: send(client, "PATCH", f"/{type_}/{id_}", []),
}
SYSTEM_INTERACTIONS: Mapping[str, Callable[[Any], Any]] = {
    "transaction": lambda client: send(client, "POST", "", reading("transaction")),
    "batch": lambda client: send(client, "POST", "", reading("batch")),
    "search-system": lambda client: send(client, "GET", "?_id=1"),
    "history-system": lambda client: send(client, "GET", "/_history"),
}
ANSWERS = {"create": {201, 422}, "update": {201, 422}, "delete": {204}}
"""An empty resource lacks what its type requires; every other interaction is answered 200."""

EXAMPLES: Mapping[str, str] = {
    "token": "x", "date": "2026", "string": "x", "reference": NOBODY, "gender": "male",
}  # fmt: skip
"""A value for a parameter, by its name or its type."""


def reading(type_):
    return bundle({"request": {"method": "GET", "url": "Basic?_id=x"}}, type_=type_)


def test_it_is_a_valid_resource(client):
    assert validate(statement(client), "CapabilityStatement") == []


def test_the_formats_it_names(client):
    for format_ in statement(client)["format"]:
        asked = client.get("/fhir/R4/metadata", {"_format": format_})
        assert (asked.status_code, asked["Content-Type"].partition(";")[0]) == (
            200, "application/fhir+json",
        )  # fmt: skip


@pytest.fixture
def made():
    """A resource of a hospital for any type: its id, and the hospital's system."""
    whose = RegistrationFactory()
    system = as_hospital(whose.organisation)

    def of(type_):
        row = EntryFactory(registration=whose, resource_type=type_)
        VersionFactory(node=row.node, resource_id=row.id, resource_type=type_)
        return str(row.id)

    return of, system


def test_every_interaction_with_every_type(client, made):
    of, system = made
    for stated in of_types(client):
        type_ = stated["type"]
        codes = {one["code"] for one in stated["interaction"]}
        is_entry = KINDS.get(type_, Kind.ENTRY) is Kind.ENTRY
        id_ = of(type_) if is_entry else NOBODY
        for code, try_ in TYPE_INTERACTIONS.items():
            status = try_(system, type_, id_).status_code
            if code not in codes:
                assert status in NOT_OFFERED, (type_, code, status)
            elif code in {"read", "vread", "history-instance"} and not is_entry:
                assert status == 404, (type_, code, status)  # there is none of it
            else:
                assert status in ANSWERS.get(code, {200}), (type_, code, status)


def test_every_interaction_with_the_node(client, made):
    stated = {one["code"] for one in statement(client)["rest"][0]["interaction"]}

    for code, try_ in SYSTEM_INTERACTIONS.items():
        status = try_(made[1]).status_code
        assert (status == 200) if code in stated else (status in NOT_OFFERED), (code, status)


def test_every_search_parameter_and_include(client):
    """With a strict client, who is told of what is not supported; by form too."""
    system = as_hospital(OrganisationFactory())
    for stated in of_types(client):
        path = f"/{stated['type']}?_id={NOBODY}"
        for one in stated["searchParam"]:
            asked = f"{path}&{one['name']}={EXAMPLES.get(one['name']) or EXAMPLES[one['type']]}"
            if one["name"] == "_id":
                asked = path
            assert send(system, "GET", asked, **STRICT).status_code == 200, asked
        includes = "".join(f"&_include={one}" for one in stated.get("searchInclude", []))
        assert send(system, "GET", path + includes, **STRICT).status_code == 200, includes
        form = system.post(
            f"/fhir/R4/{stated['type']}/_search", f"_id={NOBODY}", content_type=FORM, headers=STRICT
        )
        assert form.json()["total"] == 0
        assert send(system, "GET", f"{path}&unheard-of=1", **STRICT).status_code == 400


def test_every_operation(client):
    system = as_hospital(OrganisationFactory())
    named = [
        (stated["type"], one["name"])
        for stated in of_types(client)
        for one in stated.get("operation", [])
    ]

    assert named == [("Patient", "everything")]
    whose = RegistrationFactory()
    VersionFactory(node=whose.node, resource_id=whose.id, resource_type="Patient")
    address = f"/Patient/{whose.id}/$everything"
    assert send(as_hospital(whose.organisation), "GET", address).status_code == 200
    assert send(system, "GET", "/Patient/1/$validate").status_code in NOT_OFFERED


def test_conditional_reads_and_versions(client, made):
    of, system = made
    for stated in of_types(client):
        assert (stated["conditionalRead"], stated["versioning"], stated["readHistory"]) == (
            "full-support", "versioned", True,
        )  # fmt: skip
    path = f"/Basic/{of('Basic')}"
    read = send(system, "GET", path)
    assert send(system, "GET", path, **{"If-None-Match": read["ETag"]}).status_code == 304
    since = {"If-Modified-Since": read["Last-Modified"]}
    assert send(system, "GET", path, **since).status_code == 304
    assert send(system, "HEAD", path).status_code == 200


@CITY
def test_what_it_says_of_writes(client, system):
    for stated in of_types(client):
        assert {name: stated[name] for name in (
            "updateCreate", "conditionalCreate", "conditionalUpdate", "conditionalDelete",
            "referencePolicy",
        )} == {
            "updateCreate": True, "conditionalCreate": True, "conditionalUpdate": True,
            "conditionalDelete": "single", "referencePolicy": ["literal", "logical", "enforced"],
        }  # fmt: skip
    doctor = {"resourceType": "Practitioner", "identifier": [{"system": "urn:x", "value": "1"}]}
    where = "identifier=urn:x|1"

    def status(method, path, body=None, **headers):
        return send(system, method, path, body, **headers).status_code

    # updateCreate, conditionalCreate, conditionalUpdate
    assert status("PUT", "/Practitioner/a", doctor | {"id": "a"}) == 201
    assert status("POST", "/Practitioner", doctor, **{"If-None-Exist": where}) == 200
    assert status("PUT", f"/Practitioner?{where}", doctor | {"gender": "male"}) == 200
    # versions may be stated with an update, but need not
    assert status("PUT", "/Practitioner/a", doctor | {"id": "a"}, **{"If-Match": 'W/"1"'}) == 412
    # conditionalDelete: single
    assert status("PUT", "/Practitioner/b", doctor | {"id": "b"}) == 201
    assert status("DELETE", f"/Practitioner?{where}") == 412
    assert status("DELETE", "/Practitioner/b") == 204
    assert status("DELETE", f"/Practitioner?{where}") == 204
    # references: literal ones must lead to something here; logical and other servers' stay
    for subject, expected in (
        ({"reference": "Patient/none"}, 422),
        ({"identifier": {"system": "urn:x", "value": "1"}}, 201),
        ({"reference": "https://elsewhere.example/fhir/Patient/1"}, 201),
    ):
        basic = {"resourceType": "Basic", "code": {"text": "x"}, "subject": subject}
        assert status("POST", "/Basic", basic) == expected, subject


def test_its_address_is_this_node(client):
    told = statement(client)

    assert told["implementation"] == {
        "description": f"Node {settings.NODE_CODE}", "url": f"{settings.NODE_URL}/fhir/R4",
    }  # fmt: skip


@CITY
def test_entries_are_what_it_says(client, push):
    said = [one["documentation"] for one in statement(client)["rest"][0]["interaction"]]

    assert said == ["Bundle entries are POST, PUT, DELETE, GET and HEAD; reads come last."] * 2
    basic = {"resourceType": "Basic", "id": "x", "code": {"text": "x"}}
    answer = push(bundle(
        entry(basic), entry(basic | {"id": "y"}, method="PUT", url="Basic/y"),
        *({"request": {"method": method, "url": "Basic/none"}} for method in ("DELETE", "GET", "HEAD")),
        type_="batch",
    ))  # fmt: skip
    assert [one["response"]["status"][:3] for one in answer.json()["entry"]] == [
        "201", "201", "204", "404", "404",
    ]  # fmt: skip
