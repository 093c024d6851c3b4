"""Records opened in an emergency."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction

from kernel.homes import uuid7
from registry.emergency_access.models import EmergencyAccess
from registry.emergency_access.states import EmergencyReason
from tests.factories.arriving import ArrivingFactory


class EmergencyAccessFactory(ArrivingFactory):
    """Opened just now, for an hour, by somebody of the registration's hospital."""

    class Meta:
        model = EmergencyAccess

    registration: Any = None
    account_id = LazyFunction(uuid7)
    reason = EmergencyReason.UNCONSCIOUS
    sealed = b"\0" * 40
    event_id = LazyFunction(uuid7)
    starts_at = LazyFunction(timezone.now)
    ends_at = LazyAttribute(lambda access: access.starts_at + timedelta(hours=1))

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        registration = kwargs.pop("registration")
        kwargs.setdefault("organisation_id", registration.organisation_id)
        kwargs |= {"node": registration.node, "registration_id": registration.id}
        return super()._create(model_class, *args, **kwargs)
