"""Answers where no view could give one."""

from django.http import HttpRequest, HttpResponse

from kernel.http import problem_response
from kernel.problems import AddressUnknown, InternalError


def address_unknown(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Nothing is at this address."""
    return problem_response(AddressUnknown())


def internal_error(request: HttpRequest) -> HttpResponse:
    """A view broke; the trace is in the log, the client gets the request's id to quote."""
    return problem_response(InternalError())
