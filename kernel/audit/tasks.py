"""What the audit log needs by the clock."""

from celery import shared_task

from kernel.audit import services


@shared_task(name="audit.seal", ignore_result=True)
def seal() -> None:
    """Seal the rows written since the last time. Safe twice."""
    services.seal_pending()
