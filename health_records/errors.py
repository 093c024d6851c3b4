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


class NotTreating(DomainError):
    """The doctor's hospital does not treat this patient; `facts` say by which rule, and what may be done."""

    status, code = 403, "not-treating"
    title = {
        "zh": "本院与该患者没有诊疗关系，不能查看",
        "en": "Your hospital does not treat this patient",
    }


class AtYourCity(DomainError):
    """Patients are looked up at the city of the hospital, which knows their numbers."""

    status, code = 421, "at-your-city"
    title = {
        "zh": "请在本院所在市州的节点查找和打开患者",
        "en": "Look up patients at the node of your hospital's city",
    }
