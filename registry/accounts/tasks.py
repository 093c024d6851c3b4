"""What is done by the clock about accounts."""

from celery import shared_task

from registry.accounts import services


@shared_task(name="accounts.forget_expired", ignore_result=True)
def forget_expired() -> None:
    """Delete what ended. Safe twice."""
    services.forget_expired()
