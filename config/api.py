"""The platform API: one NinjaAPI, one error form, routers of every app."""

from datetime import date, datetime
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import localtime
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.renderers import BaseRenderer
from ninja.security import APIKeyCookie, HttpBearer

from analytics.api import router as figures
from appointment_pool.api import router as appointments
from appointment_pool.hospital_api import router as schedules
from appointment_pool.places_api import router as places
from appointment_pool.settings_api import router as booking_settings
from health_records.api import router as records
from health_records.charts_api import router as charts
from health_records.feeds_api import router as feeds
from health_records.messages_api import router as messages
from kernel.actor import Actor
from kernel.http import problem_response, refuse_other_sites
from kernel.problems import DomainError, FieldError, InputInvalid, Unauthenticated
from registry.accounts.api import router as accounts
from registry.accounts.selectors import actor_of_token
from registry.accounts.sessions import COOKIE
from registry.consents.api import router as consents
from registry.organisations.api import router as organisations
from registry.persons.api import router as persons
from registry.residents.api import router as residents

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class BearerAuth(HttpBearer):
    """Bearer token of a session or of a hospital system; `request.auth` is the Actor."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        """The actor of a live token."""
        return actor_of_token(token)


class CookieAuth(APIKeyCookie):
    """Session of a page; a write must come from a page of this node."""

    param_name = COOKIE

    def __init__(self) -> None:
        super().__init__(csrf=False)  # Django's own check wants a form or a second cookie

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        """The actor of a live session."""
        if not key:
            return None
        if request.method not in SAFE_METHODS:
            refuse_other_sites(request)
        return actor_of_token(key)


class PlainJSON(BaseRenderer):
    """JSON whose Chinese is Chinese, not escapes."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        """The answer as bytes; times are ISO 8601 with the offset of the platform's zone."""
        return orjson.dumps(data, default=_local, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _local(value: Any) -> str:
    if isinstance(value, datetime):
        return localtime(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


class RequestRefused(DomainError):
    """The request was refused before it reached its operation."""

    code = "request-refused"


api = NinjaAPI(
    title="健桥 Jianqiao",
    version="1",
    auth=[BearerAuth(), CookieAuth()],
    docs_url="/docs",
    openapi_url="/openapi.json",
    renderer=PlainJSON(),
)
api.add_router("", accounts)
api.add_router("", organisations)
api.add_router("", persons)
api.add_router("", residents)
api.add_router("", consents)
api.add_router("", records)
api.add_router("", charts)
api.add_router("", messages)
api.add_router("", feeds)
api.add_router("", appointments)
api.add_router("", schedules)
api.add_router("", booking_settings)
api.add_router("", places)
api.add_router("", figures)


@api.exception_handler(DomainError)
def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    return problem_response(error)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [
        FieldError(field=".".join(map(str, one["loc"])), rule=one["type"], text=one["msg"])
        for one in error.errors
    ]
    return problem_response(InputInvalid(errors=errors))


@api.exception_handler(HttpError)
def _plain(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == Unauthenticated.status:
        return problem_response(Unauthenticated())
    refused = RequestRefused(str(error))
    refused.status = error.status_code
    return problem_response(refused)
