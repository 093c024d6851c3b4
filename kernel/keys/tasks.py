"""What keys need by the clock."""

from celery import shared_task

from kernel.commands.errors import CityUnreachable
from kernel.keys import rotation, services


@shared_task(name="keys.share", ignore_result=True)
def share() -> None:
    """Let the hub hold this city's data keys, as soon as it answers. Safe twice."""
    try:
        services.share_with_hub()
    except CityUnreachable:
        return


def share_when_needed() -> None:
    """Ask the worker to share, if there is something to share: the consumer waits for no network."""
    if services.can_share() and not services.is_shared():
        share.apply_async(expires=5)


@shared_task(name="keys.destroy_given_up", ignore_result=True)
def destroy_given_up() -> None:
    """At the hub: wipe copies of keys that cities gave up. Safe twice."""
    rotation.destroy_given_up()
