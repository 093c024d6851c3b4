"""What replication needs by the clock."""

from celery import shared_task

from kernel.replication import services


@shared_task(name="replication.tend_partitions", ignore_result=True)
def tend_partitions() -> None:
    """Make the coming months' partitions and let old rows go. Safe twice."""
    services.tend_partitions()
