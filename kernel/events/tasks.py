"""What events need by the clock."""

from celery import shared_task

from kernel.events import services


@shared_task(name="events.forget_old", ignore_result=True)
def forget_old() -> None:
    """Delete deliveries whose events were let go. Safe twice."""
    services.forget_old()
