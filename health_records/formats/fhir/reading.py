"""A stored version as the FHIR resource it was."""

import base64
from typing import Any

from django.conf import settings

from health_records.formats.fhir.parsing import dump, parse
from health_records.formats.fhir.sealing import put_back
from health_records.models import DocumentContent
from health_records.sealing import open_packed, open_values
from health_records.selectors import StoredVersion, contents_of

DOCUMENT = "DocumentReference"


def resource_of(stored: StoredVersion) -> bytes:
    """The resource as JSON: what was cut out put back, our id, version and time set.

    Attachments are put back where they are kept; elsewhere a document's say where to get them.
    """
    resource: dict[str, Any] = parse(stored.source.encode())
    put_back(resource, open_values(stored.row_id, stored.sealed))
    if stored.node == settings.NODE_CODE:
        contents = contents_of(stored.id, stored.version)
        put_back(resource, {one.pointer: _text(one) for one in contents})
    elif stored.resource_type == DOCUMENT:
        _point_home(resource, stored)
    meta = resource.get("meta")
    resource["id"] = str(stored.id)
    resource["meta"] = {
        **(meta if isinstance(meta, dict) else {}),
        "versionId": str(stored.version),
        "lastUpdated": stored.recorded_at.isoformat(timespec="milliseconds"),
    }
    return dump({"resourceType": stored.resource_type} | resource)


def bytes_of(content: DocumentContent) -> bytes:
    """The bytes of an attachment."""
    return open_packed("health_records.DocumentContent.content", content.id, content.content)


def _text(content: DocumentContent) -> str:
    raw = bytes_of(content)
    return (base64.b64encode(raw) if content.is_base64 else raw).decode()


def _point_home(resource: dict[str, Any], stored: StoredVersion) -> None:
    part = 0
    for one in resource.get("content") or []:
        attachment = one.get("attachment") if isinstance(one, dict) else None
        if isinstance(attachment, dict) and not {"url", "data"} & attachment.keys():
            attachment["url"] = (
                f"{settings.NODE_URL}/api/v1/documents/{stored.id}/content?part={part}"
            )
            part += 1
