"""What a hospital or a resident is told when a number cannot be published, booked or cancelled."""

from kernel.problems import DomainError


class SoldOut(DomainError):
    """No number is left."""

    status, code = 409, "sold-out"
    title = {"zh": "号源已约满", "en": "Sold out"}


class AlreadyBooked(DomainError):
    """The person has a number of this schedule."""

    status, code = 409, "already-booked"
    title = {"zh": "您已预约该号源，无需重复预约", "en": "You have already booked a number here"}


class LimitReached(DomainError):
    """The person has as many open appointments as the rules allow; `facts.limit` says which rule."""

    status, code = 409, "limit-reached"
    title = {"zh": "已达到可预约的上限", "en": "You have booked as much as the rules allow"}


class ScheduleStopped(DomainError):
    """The hospital stopped the schedule (停诊)."""

    status, code = 409, "schedule-stopped"
    title = {"zh": "该门诊已停诊", "en": "The hospital has stopped this schedule"}


class NotOpenYet(DomainError):
    """The day is further ahead than may be booked, or the hospital has not released the numbers."""

    status, code = 409, "not-open-yet"
    title = {"zh": "尚未放号", "en": "Booking has not opened yet"}


class ScheduleOver(DomainError):
    """The time has passed."""

    status, code = 409, "schedule-over"
    title = {"zh": "该门诊时间已过", "en": "The time of this schedule has passed"}


class TooLateToCancel(DomainError):
    """The time until which this appointment could be cancelled has passed."""

    status, code = 409, "too-late-to-cancel"
    title = {
        "zh": "已超过可取消的时间，请联系医院",
        "en": "It is too late to cancel: call the hospital",
    }


class ScheduleUnknown(DomainError):
    """The hospital has published no schedule under this number."""

    status, code = 404, "schedule-unknown"
    title = {"zh": "没有这个排班", "en": "There is no such schedule"}


class ScheduleFixed(DomainError):
    """A published schedule keeps its day, period, department and doctor."""

    status, code = 409, "schedule-fixed"
    title = {
        "zh": "已发布排班的日期、时段、科室和医师不能更改，请停诊后另行发布",
        "en": "Day, period, department and doctor of a schedule are fixed: stop it and publish another",
    }


class BelowSold(DomainError):
    """More numbers of a period are sold than it would have."""

    status, code = 409, "below-sold"
    title = {
        "zh": "号源数不能少于已预约数",
        "en": "There cannot be fewer numbers than are sold",
    }


class SettingUnknown(DomainError):
    """No rule of booking has this name."""

    status, code = 404, "setting-unknown"
    title = {"zh": "没有这项规则", "en": "There is no such rule"}


class SetAtTheHub(DomainError):
    """The rules of booking are set at the hub."""

    status, code = 421, "set-at-the-hub"
    title = {"zh": "请在省级平台设置", "en": "Set it at the hub"}


class WrongCity(DomainError):
    """Schedules are published at the hospital's city, not here."""

    status, code = 421, "wrong-city"
    title = {
        "zh": "请向医院所在市州的节点提交",
        "en": "Send it to the node of the hospital's city",
    }
