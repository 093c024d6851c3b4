"""The numbers of the rules of booking are set for the province or for one hospital."""

from django.db import transaction

from appointment_pool.errors import SetAtTheHub
from appointment_pool.models import BookingSetting
from appointment_pool.rules import faults_of_setting
from kernel.access.rules import ANYBODY_KNOWN
from kernel.access.services import authorise_write
from kernel.actor import Actor
from kernel.homes import is_written_here
from kernel.problems import InputInvalid
from registry.organisations.models import Organisation


@transaction.atomic
def set_rule(*, name: str, value: int | None, organisation: Organisation | None, by: Actor) -> None:
    """Give a rule of `rules.SETTINGS` its number; None takes it back. Safe twice."""
    authorise_write(
        by, "booking_setting.write", facts=ANYBODY_KNOWN, resource_type="BookingSetting",
        organisation_id=organisation.id if organisation else None,
    )  # fmt: skip
    if not is_written_here(BookingSetting):
        raise SetAtTheHub
    if value is None:
        BookingSetting.objects.filter(name=name, organisation=organisation).delete()
        return
    if faults := faults_of_setting(name, value, of_hospital=organisation is not None):
        raise InputInvalid(errors=faults)
    BookingSetting.objects.update_or_create(
        name=name, organisation=organisation, defaults={"value": value}
    )
