"""The OAuth 2.0 token endpoint."""

from collections.abc import Mapping

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from registry.accounts.assertions import grant_token
from registry.accounts.errors import AssertionRefused


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Give a hospital system its token; errors in the form of RFC 6749 §5.2."""
    try:
        if request.method != "POST":
            raise AssertionRefused("invalid_request", "use POST", status=405)
        grant = grant_token(_form(request))
    except AssertionRefused as refusal:
        body = {"error": refusal.error, "error_description": refusal.text}
        return _json(body, status=refusal.status)
    return _json(
        {
            "access_token": grant.token,
            "token_type": "Bearer",
            "expires_in": grant.seconds,
            "scope": grant.scope,
        }
    )


def _form(request: HttpRequest) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise AssertionRefused("invalid_request", "the body must be form-encoded")
    fields = dict(request.POST.lists())
    if any(len(values) > 1 for values in fields.values()):
        raise AssertionRefused("invalid_request", "a parameter is repeated")
    return {name: str(values[0]) for name, values in fields.items()}


def _json(body: Mapping[str, object], *, status: int = 200) -> HttpResponse:
    response = HttpResponse(orjson.dumps(body), status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer error="invalid_client"'
    return response
