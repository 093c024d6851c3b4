"""What text messages need by the clock."""

from celery import shared_task
from django.conf import settings

from registry.sms import selectors, services


@shared_task(name="sms.deliver", ignore_result=True)
def deliver() -> None:
    """Hand over what is due. Safe twice: each message is claimed by one."""
    services.deliver_due()


def deliver_when_due() -> None:
    """Ask the worker to deliver, if something is due: the consumer waits for no network."""
    if settings.SMS_ADAPTER and selectors.any_due():
        deliver.apply_async(expires=5)


@shared_task(name="sms.forget_expired", ignore_result=True)
def forget_expired() -> None:
    """Delete what expired. Safe twice."""
    services.forget_expired()
