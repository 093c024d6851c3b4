"""Refusals. What one may not see looks like what is not there."""

from kernel.problems import DomainError


class Refused(DomainError):
    """The actor may never do this, whatever the object."""

    status, code = 403, "refused"
    title = {"zh": "无权执行此操作", "en": "You may not do this"}


class NotVisible(DomainError):
    """There is no such thing, as far as this actor can see."""

    status, code = 404, "not-found"
    title = {"zh": "未找到", "en": "Not found"}


class AccessNotDecided(DomainError):
    """A route answered without asking whether it may; the answer is withheld."""

    status, code = 500, "access-not-decided"
    title = {"zh": "未经访问判定，已拒绝返回", "en": "Withheld: access was not decided"}
