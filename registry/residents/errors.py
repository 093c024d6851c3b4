"""What can be wrong when a resident signs in or says who they are."""

from kernel.problems import DomainError


class PhoneUnfit(DomainError):
    """What was given is no mobile number of the mainland."""

    status, code = 422, "phone-unfit"
    title = {"zh": "请输入11位手机号码", "en": "Give a mobile number of 11 digits"}


class NoPhoneSignIn(DomainError):
    """This node signs nobody in by phone."""

    status, code = 404, "no-phone-sign-in"
    title = {
        "zh": "此节点不提供短信验证码登录",
        "en": "This node offers no sign-in by phone",
    }


class TooManyCodes(DomainError):
    """Too many codes were asked for from this address."""

    status, code = 429, "too-many-codes"
    title = {
        "zh": "获取验证码过于频繁，请稍后再试",
        "en": "Too many codes were asked for from here; try again later",
    }


class CodeRefused(DomainError):
    """Phone and code do not belong together, or no longer; which is not said."""

    status, code = 401, "code-refused"
    title = {"zh": "验证码不正确或已失效", "en": "The code is not correct, or no longer valid"}


class PhoneTaken(DomainError):
    """The phone is another account's."""

    status, code = 409, "phone-taken"
    title = {"zh": "该手机号已用于其他账号", "en": "The phone belongs to another account"}


class DocumentUnfit(DomainError):
    """A number that no document of this type can have."""

    status, code = 422, "document-unfit"
    title = {
        "zh": "证件类型或证件号码的格式不正确",
        "en": "No document of this type can have this number",
    }


class BoundAlready(DomainError):
    """The account stands for a person already."""

    status, code = 409, "bound-already"
    title = {"zh": "账号已绑定本人信息", "en": "The account is bound to a person already"}


class TooManyBindings(DomainError):
    """The account tried to be bound too often today."""

    status, code = 429, "too-many-bindings"
    title = {
        "zh": "今日绑定次数过多，请24小时后再试",
        "en": "Too many attempts to bind; try again in 24 hours",
    }


class BindingRefused(DomainError):
    """The account cannot be bound to whom name and number mean; why is not said."""

    status, code = 404, "binding-refused"
    title = {
        "zh": "未能按所填姓名和证件号码绑定；请核对后重试，或到就诊医院窗口办理",
        "en": "Nobody could be bound by this name and number: check them, or ask at a hospital",
    }
