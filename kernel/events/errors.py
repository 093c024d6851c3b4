"""What a handler may say to the consumer."""

from kernel.problems import DomainError


class NotYet(DomainError):
    """A row the event speaks of has not arrived; look again soon, this is no failure."""

    status, code = 503, "not-yet"
    title = {"zh": "相关数据尚未到达", "en": "What this needs has not arrived yet"}


class NoSuchDelivery(DomainError):
    """No parked delivery of that id."""

    status, code = 404, "no-such-delivery"
    title = {"zh": "没有这条搁置的投递", "en": "No such parked delivery"}
