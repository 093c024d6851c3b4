"""Answers where no view could give one."""

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from health_records.formats.fhir.issues import outcome_of
from kernel.http import problem_response
from kernel.problems import DomainError, InternalError, Unauthenticated

FHIR = "/fhir/"


def answer(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The error in the form of its address: an OperationOutcome below /fhir, else a problem."""
    if not request.path_info.startswith(FHIR):
        return problem_response(error)
    told = orjson.dumps(outcome_of(error, get_language() or "zh"))
    response = HttpResponse(
        told, status=error.status, content_type="application/fhir+json; charset=utf-8"
    )
    if error.status == Unauthenticated.status:
        response["WWW-Authenticate"] = "Bearer"
    return response


def internal_error(request: HttpRequest) -> HttpResponse:
    """A view broke; the trace is in the log, the client gets the request's id to quote."""
    return answer(request, InternalError())
