"""What can be wrong with keys."""

from kernel.problems import DomainError


class KeyUnknown(DomainError):
    """The key that a ciphertext names is not held here, or not yet."""

    status, code = 503, "key-unknown"
    title = {"zh": "尚无解密所需的密钥", "en": "The key for this content is not held here yet"}


class SealBroken(DomainError):
    """A ciphertext was changed, moved to another place, or is none."""

    status, code = 500, "seal-broken"
    title = {"zh": "加密内容已损坏", "en": "Encrypted content is damaged"}


class KeysMissing(DomainError):
    """The node has no keys of its own yet."""

    status, code = 503, "keys-missing"
    title = {"zh": "本节点尚未生成密钥", "en": "This node has no keys yet"}


class RotationHalted(DomainError):
    """A change of keys cannot go on now; started again, it continues where it was."""

    status, code = 503, "rotation-halted"
    title = {"zh": "密钥轮换暂停，可稍后继续", "en": "The change of keys halted; run it again"}
