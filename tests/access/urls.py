"""Routes of a node as the tests of access need them: asked, not asked, refused, streaming."""

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path

from kernel.access.services import authorise, authorise_write
from kernel.actor import Actor, Role
from kernel.audit.models import AuditRow
from kernel.http import problem_response
from kernel.problems import DomainError

RESIDENT = Actor(id=UUID(int=1), role=Role.RESIDENT, node=settings.NODE_CODE, purpose="PATRQT")
SYSTEM = Actor(
    id=UUID(int=2), role=Role.HOSPITAL_SYSTEM, node=settings.NODE_CODE, organisation_id=UUID(int=20)
)
PERSON = UUID(int=100)
closed: list[str] = []


def asked(request: HttpRequest, which: str) -> HttpResponse:
    """Answer after asking."""
    authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON, count=3)
    return HttpResponse("a record")


def unasked(request: HttpRequest) -> HttpResponse:
    """Answer without asking."""
    return HttpResponse("a record")


def away(request: HttpRequest) -> HttpResponse:
    """Redirect without asking."""
    return HttpResponseRedirect("/elsewhere")


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    """Stream without asking."""

    class Parts:
        def __iter__(self):
            return iter([b"a record"])

        def close(self):
            closed.append("closed")

    return StreamingHttpResponse(Parts())


def refused(request: HttpRequest) -> HttpResponse:
    """Ask and be refused."""
    try:
        authorise(RESIDENT, "timeline.read", person_id=PERSON)
    except DomainError as error:
        return problem_response(error)
    return HttpResponse("a record")


def refused_inside(request: HttpRequest) -> HttpResponse:
    """Be refused inside a transaction, which is rolled back."""
    try:
        with transaction.atomic():
            authorise_write(SYSTEM, "record.write", facts={"authenticated"}, resource_type="Bundle")
    except DomainError as error:
        return problem_response(error)
    return HttpResponse("written")


def written(request: HttpRequest) -> HttpResponse:
    """Be allowed a write."""
    with transaction.atomic():
        authorise_write(SYSTEM, "record.write", facts={"own_organisation"}, resource_type="Bundle")
        assert AuditRow.objects.count() == 1
    return HttpResponse("written")


def missing(request: HttpRequest) -> HttpResponse:
    """Find nothing; no decision is needed for that."""
    return HttpResponse(status=404)


urlpatterns = [
    path("asked/<str:which>", asked),
    path("unasked", unasked),
    path("away", away),
    path("streamed", streamed),
    path("refused", refused),
    path("refused-inside", refused_inside),
    path("written", written),
    path("missing", missing),
    path("healthz", unasked),
    path("static/site.css", unasked),
]
