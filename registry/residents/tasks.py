"""What is done by the clock about codes and counts."""

from celery import shared_task

from registry.residents import services


@shared_task(name="residents.forget_expired", ignore_result=True)
def forget_expired() -> None:
    """Delete what ended. Safe twice."""
    services.forget_expired()
