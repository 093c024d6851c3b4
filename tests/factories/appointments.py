"""Departments, doctors and schedules with numbers, in any city."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory

from appointment_pool.models import Appointment, Schedule, Slot
from kernel.homes import uuid7
from registry.organisations.models import Department
from registry.practitioners.models import Practitioner, PractitionerRole
from tests.factories.arriving import ArrivingFactory
from tests.factories.registry import OrganisationFactory

ZONE = ZoneInfo("Asia/Shanghai")
EIGHT, NINE, TEN = time(8), time(9), time(10)


def day(ahead: int = 1) -> Any:
    """A day so far from today."""
    return timezone.localdate() + timedelta(ahead)


def at(of_day: time, ahead: int = 1) -> datetime:
    """A time on a day so far from today, in UTC as the database gives it."""
    return datetime.combine(day(ahead), of_day, ZONE).astimezone(UTC)


class DepartmentFactory(ArrivingFactory):
    """A department for breathing."""

    class Meta:
        model = Department

    organisation: Any = SubFactory(OrganisationFactory)
    code: Any = Sequence(lambda n: f"D{n:03d}")
    standard = "A03.01"
    name = "呼吸内科"


class PractitionerFactory(ArrivingFactory):
    """A doctor."""

    class Meta:
        model = Practitioner

    certificate = Sequence(lambda n: f"9000{n:011d}")
    name = "朱长生"


class PostFactory(ArrivingFactory):
    """A doctor's post at a hospital."""

    class Meta:
        model = PractitionerRole

    practitioner = SubFactory(PractitionerFactory)
    organisation = SubFactory(OrganisationFactory)
    code = Sequence(lambda n: f"{n:04d}")
    title = "231"


class ScheduleFactory(ArrivingFactory):
    """Open tomorrow from eight to nine; `numbers` free numbers unless said otherwise."""

    class Meta:
        model = Schedule
        exclude = ("ahead",)

    ahead = 1
    organisation: Any = SubFactory(OrganisationFactory)
    source_key = Sequence(lambda n: f"S{n}")
    day = LazyAttribute(lambda made: day(made.ahead))
    period = "am"
    fee = 2500
    status = "open"
    starts_at = LazyAttribute(lambda made: at(EIGHT, made.ahead))
    ends_at = LazyAttribute(lambda made: at(NINE, made.ahead))
    changed_at = LazyFunction(timezone.now)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        numbers = kwargs.pop("numbers", 2)
        hospital = kwargs["organisation"]
        kwargs.setdefault("node", hospital.node)
        kwargs.setdefault("department", DepartmentFactory(organisation=hospital))
        made = super()._create(model_class, *args, **kwargs)
        for sequence in range(1, numbers + 1):
            SlotFactory(schedule=made, sequence=sequence)
        return made


class SlotFactory(ArrivingFactory):
    """A free number of a schedule."""

    class Meta:
        model = Slot

    schedule: Any = None
    sequence = 1
    node = LazyAttribute(lambda made: made.schedule.node)
    starts_at = LazyAttribute(lambda made: made.schedule.starts_at)
    ends_at = LazyAttribute(lambda made: made.schedule.ends_at)


class AppointmentFactory(ArrivingFactory):
    """A number of a schedule that a person booked just now; the number is another, taken row."""

    class Meta:
        model = Appointment

    schedule: Any = None
    person_id = LazyFunction(uuid7)
    fee = 2500
    request_key = LazyFunction(lambda: str(uuid7()))
    booked_at = LazyFunction(timezone.now)
    booked_by = LazyFunction(uuid7)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        schedule = kwargs["schedule"]
        kwargs.setdefault("id", uuid7())
        sequence = 100 + Slot.objects.filter(schedule=schedule).count()
        slot = SlotFactory(
            schedule=schedule, sequence=sequence, status="busy", appointment_id=kwargs["id"]
        )
        names = (
            "node",
            "organisation",
            "department",
            "practitioner",
            "day",
            "starts_at",
            "ends_at",
        )
        kwargs = {name: getattr(schedule, name) for name in names} | kwargs
        return super()._create(model_class, *args, slot=slot, sequence=sequence, **kwargs)
