"""What can be wrong when somebody signs in or an account is made."""

from kernel.problems import DomainError


class SignInRefused(DomainError):
    """Login and password do not belong together; which of them is wrong is not said."""

    status, code = 401, "sign-in-refused"
    title = {"zh": "账号或密码不正确", "en": "Login or password is not correct"}


class SignInLocked(DomainError):
    """Too many failed attempts with this login."""

    status, code = 429, "sign-in-locked"
    title = {
        "zh": "登录失败次数过多，账号已暂时锁定",
        "en": "Too many failed attempts: this login is locked for a while",
    }


class CodeMissing(DomainError):
    """The password is right; this role signs in with a one-time code beside it."""

    status, code = 401, "second-factor-missing"
    title = {"zh": "请输入动态验证码", "en": "Enter the code of your authenticator"}


class NotEnrolled(DomainError):
    """The password is right; this role needs a second factor, and the account has none here."""

    status, code = 401, "second-factor-not-enrolled"
    title = {
        "zh": "首次登录本节点须先绑定动态验证码",
        "en": "Set up an authenticator before the first sign-in at this node",
    }


class CodeRefused(DomainError):
    """The one-time code is wrong, of another time, or was used."""

    status, code = 401, "second-factor-refused"
    title = {
        "zh": "动态验证码不正确或已用过，请等下一个",
        "en": "The code is wrong or was used: wait for the next one",
    }


class EnrolledAlready(DomainError):
    """The account has a second factor here; who lost it has it reset."""

    status, code = 409, "second-factor-enrolled"
    title = {
        "zh": "该账号已绑定动态验证码；如已丢失，请联系医院管理员重置",
        "en": "This account has an authenticator; if it is lost, have it reset",
    }


class NoSecondFactor(DomainError):
    """Accounts of this role sign in without a second factor."""

    status, code = 409, "second-factor-not-needed"
    title = {"zh": "该账号无需动态验证码", "en": "This account needs no second factor"}


class PasswordTooWeak(DomainError):
    """The password does not meet the rules."""

    status, code = 422, "password-too-weak"
    title = {
        "zh": "密码至少8位，须同时含字母和数字",
        "en": "A password has at least 8 characters, letters and digits among them",
    }


class KeyUnfit(DomainError):
    """The public key of a hospital system is not of an accepted kind."""

    status, code = 422, "key-unfit"
    title = {
        "zh": "公钥类型不受支持（须为 Ed25519、P-256、P-384 或不少于 2048 位的 RSA）",
        "en": "The public key must be Ed25519, P-256, P-384 or RSA of at least 2048 bits",
    }


class AssertionRefused(Exception):
    """A token request was refused; `error` and `text` as RFC 6749 §5.2 wants them."""

    def __init__(self, error: str, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.error = error
        self.text = text
        self.status = status
