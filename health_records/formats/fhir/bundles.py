"""The structure of a message: which resources it brings, under which names."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings

from health_records.formats.fhir.conditions import Condition, condition_of
from health_records.formats.fhir.issues import Issue, MessageRefused, refuse
from health_records.formats.fhir.resource_types import KINDS, NOT_KEPT, RESOURCE_TYPES
from health_records.formats.fhir.validation.findings import Findings
from health_records.formats.fhir.validation.resources import validate_entry, validate_envelope
from health_records.incoming import Kind
from health_records.rules import fits_key
from registry.identity_documents import citizen_number_of
from registry.organisations.models import Organisation

TRANSACTION, BATCH = "transaction", "batch"
DELETE = "DELETE"
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
MOBILE = re.compile(r"1[3-9]\d{9}")
MEDICAL_RECORD = "MR"
METHODS = frozenset({"POST", "PUT", DELETE})
READS = frozenset({"GET", "HEAD"})
KEPT = RESOURCE_TYPES - NOT_KEPT
SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
VERSION_TAG = re.compile(r'(?:W/)?"(\d{1,9})"')
RESTFUL = re.compile(r"https?://.*/([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")


@dataclass(slots=True)
class Entry:
    """One resource of a message; `place` is its index, `path` where it stands.

    `target` is our id of the resource where the request itself tells which one is meant; `deletes` marks
    a resource that is taken back without a status to say so.
    """

    place: int
    path: str
    kind: Kind
    resource_type: str
    resource: dict[str, Any]
    full_url: str
    source_id: str
    source_key: str
    method: str
    local_id: str = ""
    condition: Condition | None = None
    if_match: int | None = None
    target: UUID | None = None
    deletes: bool = False
    issues: list[Issue] = field(default_factory=list)
    found: Findings = field(default_factory=Findings)

    @property
    def request_path(self) -> str:
        """Where the request of the entry stands."""
        return f"Bundle.entry[{self.place}].request" if self.path else "http"

    @property
    def identity(self) -> tuple[str, str]:
        """What makes two resources of a hospital the same one."""
        return self.resource_type, self.local_id or self.source_key


def entries_of(bundle: Any, organisation: Organisation) -> tuple[str, list[Entry]]:
    """Type and entries of a Bundle, without those that only read; each knows what is wrong with it alone."""
    type_, listed = listed_in(bundle)
    if issues := validate_envelope(bundle):
        raise MessageRefused(issues)
    writes = {place: raw for place, raw in enumerate(listed) if not is_read(raw)}
    entries = [_entry(place, raw, organisation) for place, raw in writes.items()]
    for entry in entries:
        if not entry.issues:
            entry.issues += validate_entry(writes[entry.place], f"Bundle.entry[{entry.place}]")
    _mark_repeated(entries)
    return type_, entries


def listed_in(bundle: Any) -> tuple[str, list[Any]]:
    """Type and entries of a batch or transaction as they came."""
    if not isinstance(bundle, dict):
        raise refuse("object", "Bundle")
    found = bundle.get("resourceType")
    if found != "Bundle":
        rule = "bundle-expected" if str(found) in RESOURCE_TYPES else "resource-type"
        raise refuse(rule, "resourceType", str(found))
    type_ = str(bundle.get("type"))
    if type_ not in {TRANSACTION, BATCH}:
        raise refuse("bundle-type", "Bundle.type", type_)
    listed = bundle.get("entry", [])
    if not isinstance(listed, list) or (not listed and "entry" in bundle):
        raise refuse("entry-list", "Bundle.entry")
    if len(listed) > settings.MAX_ENTRIES:
        raise refuse("entry-many", "Bundle.entry", str(settings.MAX_ENTRIES))
    return type_, listed


def is_read(entry: Any) -> bool:
    """Whether an entry of a Bundle only reads."""
    request = entry.get("request") if isinstance(entry, dict) else None
    method = request.get("method") if isinstance(request, dict) else None
    return isinstance(method, str) and method in READS


def single_entry(
    resource: Any,
    *,
    request: Mapping[str, str],
    organisation: Organisation,
) -> Entry:
    """A resource that came alone; `request` is what Bundle.entry.request would say of it."""
    entry = _entry(0, {"resource": resource, "request": request}, organisation)
    for place, issue in enumerate(entry.issues):
        path = issue.path.removeprefix("Bundle.entry[0].resource").lstrip(".")
        path = path.replace("Bundle.entry[0].request", "http") or _type_in(request["url"])
        entry.issues[place] = Issue(issue.rule, path, issue.value)
    type_, _, id_ = request["url"].partition("?")[0].partition("/")
    names_one = id_ and request["method"] == "PUT"
    if names_one and entry.resource and entry.resource.get("id") != id_:
        entry.issues = [Issue("put-id", f"{type_}.id", id_)]  # R4 http: 400
    entry.path = ""
    return entry


def _entry(place: int, raw: Any, organisation: Organisation) -> Entry:
    path = f"Bundle.entry[{place}].resource"
    entry = Entry(place, path, Kind.ENTRY, "", {}, "", "", "", "")
    try:
        _fill(entry, raw, organisation)
    except MessageRefused as refusal:
        entry.issues.extend(refusal.issues)
    return entry


def _fill(entry: Entry, raw: Any, organisation: Organisation) -> None:
    outside = f"Bundle.entry[{entry.place}]"
    if not isinstance(raw, dict):
        raise refuse("object", outside)
    method, url, request = _method_and_url(raw.get("request"), f"{outside}.request")
    entry.method = method
    resource = {"resourceType": _type_in(url)} if method == DELETE else raw.get("resource")
    if not isinstance(resource, dict):
        raise refuse("object", entry.path)
    type_ = resource.get("resourceType")
    if not isinstance(type_, str) or type_ not in KEPT:
        raise refuse(rule_against(type_), f"{entry.path}.resourceType", str(type_))
    if _is_part(resource):
        raise refuse("subsetted", f"{entry.path}.meta.tag")
    entry.resource_type, entry.resource = type_, resource
    entry.kind = KINDS.get(type_, Kind.ENTRY)
    entry.source_id = _source_id(entry, resource)
    _read_full_url(entry, raw.get("fullUrl"), outside)
    _read_request(entry, url, request, outside)
    if method == DELETE:
        return
    entry.source_key = entry.source_id or entry.full_url
    _require_key(entry.source_key, f"{entry.path}.id" if entry.source_id else f"{outside}.fullUrl")
    if entry.kind is Kind.REGISTRATION:
        entry.local_id = local_number(resource, organisation) or entry.source_key
        _require_key(entry.local_id, _path_of_number(entry))


def rule_against(type_: Any) -> str:
    """The rule that a type breaks which is not kept."""
    return "resource-kept" if isinstance(type_, str) and type_ in NOT_KEPT else "resource-type"


def _is_part(resource: dict[str, Any]) -> bool:
    """Whether a resource is marked as less than the whole, as the answers to `_elements` are."""
    meta = resource.get("meta")
    tags = meta.get("tag") if isinstance(meta, dict) else None
    listed = tags if isinstance(tags, list) else ()
    return any(isinstance(one, dict) and SUBSETTED.items() <= one.items() for one in listed)


def _source_id(entry: Entry, resource: dict[str, Any]) -> str:
    id_ = resource.get("id")
    if id_ is None:
        return ""
    if not isinstance(id_, str) or not ID.fullmatch(id_):
        raise refuse("id-form", f"{entry.path}.id", str(id_))
    return id_


def _method_and_url(request: Any, path: str) -> tuple[str, str, dict[str, Any]]:
    if not isinstance(request, dict):
        raise refuse("request-required", path)
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        raise refuse("request-required", path)
    if method not in METHODS:
        raise refuse("request-method", f"{path}.method", method)
    return method, url.removeprefix("/"), request


def _type_in(url: str) -> str:
    return url.partition("?")[0].partition("/")[0]


def _read_request(entry: Entry, url: str, request: dict[str, Any], outside: str) -> None:
    path = f"{outside}.request"
    address, asks, query = url.partition("?")
    type_, _, id_ = address.partition("/")
    names_one = entry.method != "POST"
    fits = type_ == entry.resource_type and (bool(id_) != bool(asks)) == names_one
    if not fits or (asks and not names_one):
        raise refuse("request-url", f"{path}.url", url)
    if id_ and (not ID.fullmatch(id_) or entry.source_id not in {"", id_}):
        raise refuse("request-url", f"{path}.url", url)
    entry.source_id = id_ or entry.source_id
    if asks:
        entry.condition = condition_of(type_, query, f"{path}.url")
    asked = request.get("ifNoneExist")
    if asked is not None and entry.method == "POST":
        entry.condition = condition_of(type_, str(asked), f"{path}.ifNoneExist")
    tag = request.get("ifMatch")
    if tag is not None and names_one:
        match = VERSION_TAG.fullmatch(str(tag).strip())
        if match is None:
            raise refuse("if-match-form", f"{path}.ifMatch", str(tag))
        entry.if_match = int(match[1])


def _read_full_url(entry: Entry, full_url: Any, outside: str) -> None:
    """Where it names a RESTful address it must be the resource's own, without a version (bdl-8)."""
    entry.full_url = full_url if isinstance(full_url, str) else ""
    match = RESTFUL.fullmatch(entry.full_url)
    if "/_history/" in entry.full_url or (
        match
        and match[1] in RESOURCE_TYPES
        and (match[1] != entry.resource_type or entry.source_id not in {"", match[2]})
    ):
        raise refuse("full-url", f"{outside}.fullUrl", entry.full_url)


def _require_key(text: str, path: str) -> None:
    """A key is indexed, and stands in clear in tables and logs: it must not identify a human being."""
    if not fits_key(text):
        raise refuse("key-length", path, text)
    if names_a_person(text):
        raise refuse("id-names-nobody", path)


def _path_of_number(entry: Entry) -> str:
    """Where a patient's number stands among the identifiers."""
    listed = entry.resource.get("identifier")
    for place, one in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(one, dict) and one.get("value") == entry.local_id:
            return f"{entry.path}.identifier[{place}].value"
    return f"{entry.path}.identifier"


def names_a_person(text: str) -> bool:
    """Whether a text is an identity number or a mobile phone number."""
    bare = text.rpartition(":")[2].strip()
    if "-" in bare:  # a UUID, mostly
        return False
    return bool(MOBILE.fullmatch(bare)) or citizen_number_of(bare) is not None


def local_number(patient: dict[str, Any], organisation: Organisation) -> str:
    """The hospital's own number of a patient: under its own system, else of type MR; "" if none."""
    by_type = ""
    for identifier in identifiers_in(patient):
        value, system = identifier.get("value"), identifier.get("system")
        if not isinstance(value, str) or not value.strip():
            continue
        if isinstance(system, str) and organisation.code in system:
            return value
        if not by_type and MEDICAL_RECORD in type_codes(identifier):
            by_type = value
    return by_type


def identifiers_in(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The well-formed ones of a resource's identifiers."""
    listed = resource.get("identifier")
    if isinstance(listed, dict):
        listed = [listed]
    if isinstance(listed, list):
        yield from (one for one in listed if isinstance(one, dict))


def type_codes(identifier: dict[str, Any]) -> set[str]:
    """Codes in an identifier's type."""
    type_ = identifier.get("type")
    codings = type_.get("coding") if isinstance(type_, dict) else None
    if not isinstance(codings, list):
        return set()
    return {str(one.get("code")) for one in codings if isinstance(one, dict)}


def _mark_repeated(entries: list[Entry]) -> None:
    seen: set[tuple[str, str]] = set()
    urls: set[str] = set()
    conditions: set[Condition | None] = set()
    for entry in entries:
        if entry.issues:
            continue
        asked = entry.condition and entry.condition in conditions
        repeated = asked or (entry.identity[1] and entry.identity in seen)
        if repeated or (entry.full_url and entry.full_url in urls):
            value = f"{entry.resource_type}/{entry.source_key}".removesuffix("/")
            entry.issues.append(Issue("resource-once", entry.path, value))
        seen.add(entry.identity)
        urls.add(entry.full_url)
        conditions.add(entry.condition)


def as_uuid(text: str) -> UUID | None:
    """The UUID that a text is, in its usual form."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
