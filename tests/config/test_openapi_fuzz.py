"""Whatever the platform API's own description allows, and what it forbids: answered soon, never by a fault."""

import time
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET

from config.api import api
from kernel.actor import Role
from tests.conftest import undone
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = pytest.mark.django_db

PATIENCE, STALLED = 5.0, 20.0
SCHEMA = schemathesis.openapi.from_dict(api.get_openapi_schema(path_prefix="/api/v1/"))
OPERATIONS = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations()}


@pytest.fixture
def callers(db):
    """Signed-in clients of several kinds."""
    organisation = OrganisationFactory()
    return [
        as_hospital(organisation),
        as_somebody(Role.OPERATOR),
        as_somebody(Role.CLINICIAN, organisation=organisation),
    ]


def text_of(values):
    return "&".join(
        f"{quote(str(name).encode('utf-8', 'replace'))}={quote(str(one).encode('utf-8', 'replace'))}"
        for name, value in values.items()
        for one in (value if isinstance(value, list) else [value])
    )


def send(client, case):
    """The case through Django's test client: no network, no server."""
    address = f"/api/v1{case.path}".replace("/api/v1/api/v1", "/api/v1")
    for name, value in (case.path_parameters or {}).items():
        address = address.replace(
            f"{{{name}}}", quote(str(value).encode("utf-8", "replace"), safe="")
        )
    if case.query:
        address += f"?{text_of(case.query)}"
    headers = {
        name: str(value) for name, value in (case.headers or {}).items()
        if name.lower() not in {"authorization", "content-type"}
    }  # fmt: skip
    body = b"" if case.body is NOT_SET else case.body
    if isinstance(body, bytes | str):
        return client.generic(
            case.method, address, body, content_type=case.media_type or "", headers=headers
        )
    if case.media_type == "application/x-www-form-urlencoded":
        return client.generic(
            case.method, address, text_of(body) if isinstance(body, dict) else str(body),
            content_type=case.media_type, headers=headers,
        )  # fmt: skip
    send_as = {
        "POST": client.post,
        "PUT": client.put,
        "PATCH": client.patch,
        "DELETE": client.delete,
    }
    return send_as[case.method](address, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("label", sorted(OPERATIONS))
@settings(
    deadline=None, suppress_health_check=list(HealthCheck),
    max_examples=settings.default.max_examples // 4,
)  # fmt: skip
@given(data=st.data())
def test_every_operation(label, data, callers):
    mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
    case = data.draw(OPERATIONS[label].as_strategy(generation_mode=mode))
    client = callers[data.draw(st.integers(0, len(callers) - 1))]
    with undone():
        started, worked = time.perf_counter(), time.process_time()
        answer = send(client, case)
        assert time.process_time() - worked < PATIENCE
        assert time.perf_counter() - started < STALLED
    event(f"{mode.value} answered {answer.status_code}")
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert answer.json()["status"] == answer.status_code
        assert answer.headers["Content-Type"].startswith("application/problem+json")
