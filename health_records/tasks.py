"""What records need by the clock."""

from celery import shared_task

from health_records import counting, services


@shared_task(name="records.forget_refused", ignore_result=True)
def forget_refused() -> None:
    """Delete refused messages that nobody mended. Safe twice."""
    services.forget_refused()


@shared_task(name="records.count_attempts", ignore_result=True)
def count_attempts() -> None:
    """Add what came of messages to the days of their hospitals' feeds. Safe twice, and at once."""
    counting.count_attempts()
