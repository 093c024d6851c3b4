"""A stored version as the FHIR resource it was."""

import base64
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from health_records.formats.fhir.parsing import dump, parse
from health_records.formats.fhir.sealing import parts_left, put_back
from health_records.models import DocumentContent
from health_records.sealing import open_packed, open_values
from health_records.selectors import StoredVersion, contents_of

CUT = '"data":'
"""What stands in the stored text wherever an attachment was cut out: there is no blank in it."""

CONTENT_AT = "urn:jianqiao:content-at"
"""Extension of `data` of a Binary or Signature whose bytes stayed in their city."""


def resource_of(stored: StoredVersion, contents: Sequence[DocumentContent] | None = None) -> bytes:
    """The resource as JSON, with our id, version and time; `contents` where they were read already."""
    resource = content_of(stored, contents)
    meta = resource.get("meta")
    resource["id"] = str(stored.id)
    resource["meta"] = {
        **(meta if isinstance(meta, dict) else {}),
        "versionId": str(stored.version),
        "lastUpdated": stored.recorded_at.isoformat(timespec="milliseconds"),
    }
    return dump({"resourceType": stored.resource_type} | resource)


def content_of(
    stored: StoredVersion, contents: Sequence[DocumentContent] | None = None
) -> dict[str, Any]:
    """The resource as its source stated it, what was cut out put back.

    Attachments are put back where they are kept; elsewhere the resource says where to get them.
    """
    resource: dict[str, Any] = parse(stored.source.encode())
    put_back(resource, open_values(stored.row_id, stored.sealed))
    if stored.node == settings.NODE_CODE:
        if contents is None:
            contents = contents_of(stored.id, stored.version) if CUT in stored.source else ()
        put_back(resource, {one.pointer: _text(one) for one in contents})
    else:
        for holder in list(parts_left(resource)):
            _point_home(holder, stored, is_attachment=holder is not resource)
    return resource


def bytes_of(content: DocumentContent) -> bytes:
    """The bytes of an attachment."""
    return open_packed("health_records.DocumentContent.content", content.id, content.content)


def _text(content: DocumentContent) -> str:
    raw = bytes_of(content)
    return (base64.b64encode(raw) if content.is_base64 else raw).decode()


def _point_home(holder: dict[str, Any], stored: StoredVersion, *, is_attachment: bool) -> None:
    """Say where the data are; only an Attachment has an element for it."""
    address = (
        f"{settings.NODE_URL}/api/v1/documents/{stored.id}/content"
        f"?part={holder.pop('data')}&type={stored.resource_type}"
    )
    if is_attachment and "url" not in holder and "who" not in holder:
        holder["url"] = address
    else:
        holder["_data"] = {"extension": [{"url": CONTENT_AT, "valueUrl": address}]}
