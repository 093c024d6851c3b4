"""What can go wrong between two nodes."""

from collections.abc import Mapping
from typing import Any

from kernel.problems import DomainError, FieldError


class CityUnreachable(DomainError):
    """The node did not answer in time; an effect, if there is one, will be settled later."""

    status, code = 503, "city-unreachable"
    title = {"zh": "对方节点暂时无法访问", "en": "The other node cannot be reached now"}


class UnknownNode(DomainError):
    """No enrolled node has that code."""

    status, code = 404, "unknown-node"
    title = {"zh": "没有这个节点", "en": "There is no such node"}


class KeyReused(DomainError):
    """The idempotency key was used before, for something else."""

    status, code = 409, "idempotency-key-reused"
    title = {"zh": "幂等键已用于其他内容", "en": "The idempotency key was used for something else"}


class QueryRepeated(DomainError):
    """A signed query serves once; a second time it is a copy of somebody's message."""

    status, code = 409, "query-repeated"
    title = {"zh": "该查询已被应答", "en": "This query was answered before"}


class UnknownCommand(DomainError):
    """No command of that name is known here."""

    status, code = 404, "unknown-command"
    title = {"zh": "没有这个命令", "en": "There is no such command"}


class SignatureRefused(DomainError):
    """The signature is absent, wrong, of an unknown node, or out of its time."""

    status, code = 401, "signature-refused"
    title = {"zh": "签名无效", "en": "The signature is not accepted"}


class WrongNode(DomainError):
    """The command is signed for another node."""

    status, code = 421, "wrong-node"
    title = {"zh": "命令不是发给本节点的", "en": "The command is meant for another node"}


class NotTheHub(DomainError):
    """Only the hub reads at cities: it alone knows who has to do with whom."""

    status, code = 403, "not-the-hub"
    title = {"zh": "只有省级平台可以查询市州节点", "en": "Only the hub may read at a city"}


class BodyTooLarge(DomainError):
    """The body is larger than MAX_BODY_BYTES."""

    status, code = 413, "body-too-large"
    title = {"zh": "请求内容过大", "en": "The body is too large"}


class CommandRefused(DomainError):
    """The receiver's own refusal, as it said it."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(
            _both(problem, "detail"),
            facts=problem.get("facts", {}),
            errors=[
                FieldError(one.get("field", ""), one.get("rule", ""), one.get("text", ""))
                for one in problem.get("errors", [])
            ],
        )
        self.status = status
        self.code = str(problem.get("type", "")).rpartition(":")[2] or DomainError.code
        self.title = _both(problem, "title")


def _both(problem: Mapping[str, Any], member: str) -> dict[str, str]:
    zh = str(problem.get(member, ""))
    return {"zh": zh, "en": str(problem.get(f"{member}_en", zh))}
