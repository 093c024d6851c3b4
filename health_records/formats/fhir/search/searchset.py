"""Found resources as a Bundle, put together from the stored text without taking it apart."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.utils import timezone

from health_records.finding.criteria import Found
from health_records.formats.fhir.reading import CUT, resource_of
from health_records.formats.fhir.subsets import Subset
from health_records.models import DocumentContent
from health_records.selectors import StoredVersion, contents_of_several

MATCH, INCLUDE = b"match", b"include"
META = '"meta":'
"""The key as the stored text has it: there are no blanks in it, and a quote in a value is escaped."""
Links = Sequence[tuple[str, str]]


def searchset(
    matches: Sequence[Found],
    included: Sequence[Found],
    *,
    links: Links,
    total: int | None = None,
    outcome: dict[str, Any] | None = None,
    subsets: tuple[Subset | None, Subset | None] = (None, None),
) -> bytes:
    """The Bundle of a page; `subsets` are what is wanted of matches and of what is included."""
    head: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "meta": {"lastUpdated": timezone.now().isoformat(timespec="milliseconds")},
        "link": [{"relation": relation, "url": url} for relation, url in links],
    }
    if total is not None:
        head["total"] = total
    entries = entries_of(matches, MATCH, subsets[0]) + entries_of(included, INCLUDE, subsets[1])
    if outcome is not None:
        said = {"resource": outcome, "search": {"mode": "outcome"}}
        entries.append(orjson.dumps(said))
    if not entries:
        return orjson.dumps(head)
    return b'%b,"entry":[%b]}' % (orjson.dumps(head)[:-1], b",".join(entries))


def entries_of(found: Sequence[Found], mode: bytes, subset: Subset | None = None) -> list[bytes]:
    """Each as an entry."""
    asked = {(one.id, one.version) for one in found if _is_kept_here(one)}
    contents = contents_of_several(asked)
    base = f"{settings.NODE_URL}/fhir/R4/"
    return [
        b'{"fullUrl":"%b","resource":%b,"search":{"mode":"%b"}}'
        % (
            f"{base}{one.resource_type}/{one.id}".encode(),
            subset(text) if subset else text,
            mode,
        )
        for one in found
        for text in [text_of(one, contents.get((one.id, one.version), []))]
    ]


def text_of(found: Found, contents: Sequence[DocumentContent]) -> bytes:
    """A resource with our id, version and time; taken apart only where something was cut out."""
    source = None
    if found.sealed is None and CUT not in found.source:
        at = found.recorded_at.isoformat(timespec="milliseconds")
        source = _with_meta(found.source, f'"lastUpdated":"{at}","versionId":"{found.version}"')
    if source is None:
        return resource_of(_stored(found), contents)
    return f'{{"id":"{found.id}",{source[1:]}'.encode()


def _with_meta(source: str, ours: str) -> str | None:
    """The text with our part of `meta`; None where it cannot be told in the text which meta it is."""
    if META not in source:
        return f'{{"meta":{{{ours}}},{source[1:]}'
    meta = orjson.loads(source).get("meta")
    if not isinstance(meta, dict) or meta.keys() & {"lastUpdated", "versionId"}:
        return None
    written = META + orjson.dumps(meta, option=orjson.OPT_SORT_KEYS).decode()
    if source.count(written) != 1 or source.count(META) != 1:
        return None
    comma = "," if meta else ""
    return source.replace(written, f"{written[:-1]}{comma}{ours}}}")


def _is_kept_here(found: Found) -> bool:
    return CUT in found.source and found.node == settings.NODE_CODE


def address(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    """An address of this node with parameters."""
    query = f"?{urlencode(pairs)}" if pairs else ""
    return f"{settings.NODE_URL}/fhir/R4/{path}{query}"


def _stored(found: Found) -> StoredVersion:
    return StoredVersion(
        found.id, found.node, found.organisation_id, found.registration_id, found.resource_type,
        found.row_id, found.version, found.source, found.sealed, found.recorded_at,
        deleted=False,
    )  # fmt: skip
