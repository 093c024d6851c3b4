"""What can be wrong with records; what a push is told is in `formats`."""

from kernel.problems import DomainError


class MessageIdReused(DomainError):
    """Another message of the hospital had this id."""

    status, code = 409, "message-id-reused"
    title = {
        "zh": "该消息编号已用于另一条消息，请更换消息编号",
        "en": "Another message had this message id: use a new one",
    }


class WrongCity(DomainError):
    """Records are pushed at the hospital's city, not here."""

    status, code = 421, "wrong-city"
    title = {
        "zh": "请向医院所在市州的节点推送",
        "en": "Push at the node of the hospital's city",
    }


class NoContent(DomainError):
    """The document has no content here."""

    status, code = 404, "no-content"
    title = {"zh": "该文档没有内容", "en": "This document has no content"}
