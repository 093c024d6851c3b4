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
