"""What records need by the clock."""

from celery import shared_task

from health_records import services


@shared_task(name="records.forget_refused", ignore_result=True)
def forget_refused() -> None:
    """Delete refused messages that nobody mended. Safe twice."""
    services.forget_refused()
