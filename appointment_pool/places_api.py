"""Where numbers can be booked: cities, their hospitals, and the departments of a hospital."""

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from ninja import Router, Schema

from appointment_pool import selectors
from appointment_pool.models import Schedule
from kernel.access.rules import ANYBODY_KNOWN
from kernel.access.services import authorise
from kernel.http import Code, SignedInRequest
from kernel.nodes.selectors import node_names
from kernel.replication.lag import unheard
from registry.organisations.selectors import organisation_by_code

router = Router(tags=["appointments"])


class CityOut(Schema):
    """A city; `heard` is false while it does not answer and nothing can be booked there."""

    code: str
    name: str
    heard: bool


class HospitalOut(Schema):
    """A hospital with numbers in the days to come; level and grade by their codes."""

    code: str
    name: str
    level: str
    grade: str
    address: str
    phone: str


class OpenDepartmentOut(Schema):
    """A department of a hospital and how many of its numbers are left in the days to come."""

    code: str
    standard: str
    name: str
    left: int


@router.get("/booking/cities", response=list[CityOut])
def cities(request: SignedInRequest) -> list[dict[str, object]]:
    """The cities of the province, in order of code."""
    authorise(request.auth, "schedule.read", facts=ANYBODY_KNOWN)
    names = {code: name for code, name in node_names().items() if code != settings.HUB_CODE}
    silent = unheard(names)
    return [
        {"code": code, "name": name, "heard": code not in silent} for code, name in names.items()
    ]


@router.get("/booking/cities/{city}/hospitals", response=list[HospitalOut])
def hospitals(request: SignedInRequest, city: Code) -> list[object]:
    """Hospitals of a city where something can be booked."""
    authorise(request.auth, "schedule.read", facts=ANYBODY_KNOWN)
    return list(selectors.hospitals_open(_open(request), city))


@router.get("/booking/hospitals/{hospital}/departments", response=list[OpenDepartmentOut])
def departments(request: SignedInRequest, hospital: Code) -> list[object]:
    """Departments of a hospital where something can be booked."""
    authorise(request.auth, "schedule.read", facts=ANYBODY_KNOWN)
    own = selectors.counted(_open(request), now=timezone.now())
    return list(selectors.departments_open(own, organisation_by_code(hospital).id))


def _open(request: SignedInRequest) -> QuerySet[Schedule]:
    visible = selectors.schedules_visible_to(request.auth)
    return selectors.open_schedules(visible, today=timezone.localdate(), now=timezone.now())
