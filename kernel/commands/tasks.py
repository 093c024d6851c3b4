"""What commands need by the clock."""

from celery import shared_task

from kernel.commands import services


@shared_task(name="commands.settle", ignore_result=True)
def settle() -> None:
    """Send open commands again. Safe twice: the receiver keys on the same key."""
    services.settle()


def settle_when_due() -> None:
    """Ask the worker to settle, if something is due: the consumer waits for no network."""
    if services.any_due():
        settle.apply_async(expires=5)


@shared_task(name="commands.forget_old", ignore_result=True)
def forget_old() -> None:
    """Delete settled commands after their time. Safe twice."""
    services.forget_old()
