"""What can be wrong with a consent."""

from kernel.problems import DomainError


class PeriodUnfit(DomainError):
    """The consent would be over before it begins, or would hold too long."""

    status, code = 422, "consent-period"
    title = {
        "zh": "授权的截止时间须在将来，且不超过允许的最长期限",
        "en": "A consent must end in the future, and not later than the longest period allowed",
    }


class GivenAlready(DomainError):
    """The person lets this organisation see the record already."""

    status, code = 409, "consent-given"
    title = {
        "zh": "已授权该机构；如需更改期限，请先撤回",
        "en": "This organisation has your consent already; withdraw it to change its period",
    }
