"""What this node can do, said truthfully (CapabilityStatement)."""

from functools import cache
from typing import Any

from django.conf import settings

from health_records.formats.fhir.resource_types import NOT_KEPT, RESOURCE_TYPES

WRITTEN_ON = "2026-11-21"


@cache
def capability_statement() -> dict[str, Any]:
    """Reads everywhere; writes at the hospital's city only."""
    takes = settings.ROLE == "city"
    codes = ["read", "vread", *(["create", "update"] if takes else [])]
    resources: list[dict[str, Any]] = []
    for name in sorted(RESOURCE_TYPES - NOT_KEPT):
        one: dict[str, Any] = {
            "type": name,
            "interaction": [{"code": code} for code in codes],
            "versioning": "versioned",
            "readHistory": True,
        }
        if takes:
            one |= {"updateCreate": True, "conditionalCreate": True}
            one["referencePolicy"] = ["literal", "logical", "enforced", "local"]
        resources.append(one)
    rest: dict[str, Any] = {
        "mode": "server",
        "security": {
            "description": "OAuth 2.0 client credentials with private_key_jwt (RFC 7523) at /oauth/token"
        },
        "resource": resources,
    }
    if takes:
        rest["interaction"] = [{"code": "transaction"}, {"code": "batch"}]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": WRITTEN_ON,
        "kind": "instance",
        "software": {"name": "健桥 Jianqiao"},
        "implementation": {
            "description": f"Node {settings.NODE_CODE}", "url": f"{settings.NODE_URL}/fhir/R4"
        },
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [rest],
    }  # fmt: skip
