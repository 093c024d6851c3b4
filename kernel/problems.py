"""Errors that a client is told of: RFC 9457 problem details with a stable type.

Nothing in a problem names a patient: details and facts hold codes, counts and ids.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:problem:"

Words = Mapping[str, str]
"""A text in both languages, `{"zh": …, "en": …}`."""


@dataclasses.dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with the input: where, which rule, and how to mend it."""

    field: str
    rule: str
    text: str | Words = dataclasses.field(default_factory=dict)


class DomainError(Exception):
    """A refusal or failure with a meaning; subclasses fix status, code and title."""

    status: int = 400
    code: str = "domain-error"
    title: Words = {"zh": "请求无法处理", "en": "The request cannot be processed"}

    def __init__(
        self,
        detail: str | Words = "",
        *,
        facts: Mapping[str, Any] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(self.code)
        self.detail = detail
        self.facts = dict(facts or {})
        self.errors = list(errors)

    def __str__(self) -> str:
        detail = said(self.detail, "en")
        return f"{self.code}: {detail}" if detail else self.code


class InputInvalid(DomainError):
    """The request's content does not have the form it must have."""

    status, code = 422, "input-invalid"
    title = {"zh": "提交的内容不符合要求", "en": "The input is not valid"}


class Unauthenticated(DomainError):
    """Nobody known is asking."""

    status, code = 401, "unauthenticated"
    title = {"zh": "请先登录", "en": "Sign in first"}


class FromAnotherSite(DomainError):
    """A browser sent the session along for a page of another site."""

    status, code = 403, "from-another-site"
    title = {"zh": "请求来自其他网站，已拒绝", "en": "The request comes from another site"}


class StorageAway(DomainError):
    """The database does not answer; nothing is known to have happened, the same call may be repeated."""

    status, code = 503, "storage-away"
    title = {"zh": "数据库暂时不可用，请稍后重试", "en": "The database is away; try again shortly"}


class CopyUnderWay(DomainError):
    """The city's copy of the hub's rows is being loaded: who is asking cannot be told yet."""

    status, code = 503, "copy-under-way"
    title = {
        "zh": "本节点正在重新载入省级数据，暂时无法核对身份，请稍后重试",
        "en": "This node is loading its copy of the hub's data and cannot tell who asks; try again shortly",
    }


class AddressUnknown(DomainError):
    """There is nothing at this address."""

    status, code = 404, "address-unknown"
    title = {"zh": "没有这个地址", "en": "There is nothing at this address"}


class AddressInvalid(DomainError):
    """The address holds a character that stands for nothing."""

    status, code = 400, "address-invalid"
    title = {
        "zh": "地址中含有空字符（%00），请删除",
        "en": "The address holds a NUL character (%00); remove it",
    }


class InternalError(DomainError):
    """Something broke that is not the client's doing."""

    status, code = 500, "internal-error"
    title = {"zh": "系统内部错误", "en": "Internal error"}


def said(text: str | Words, language: str) -> str:
    """The text in a language ('zh…' or else English); Chinese where there is no other."""
    if isinstance(text, str):
        return text
    key = "zh" if language.startswith("zh") else "en"
    return text.get(key) or text.get("zh", "")


def problem_body(error: DomainError, language: str) -> dict[str, Any]:
    """The members of the problem document, absent ones left out."""
    body: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{error.code}",
        "title": said(error.title, language),
        "status": error.status,
    }
    if detail := said(error.detail, language):
        body["detail"] = detail
    if error.facts:
        body["facts"] = error.facts
    if error.errors:
        body["errors"] = [
            {"field": one.field, "rule": one.rule, "text": said(one.text, language)}
            for one in error.errors
        ]
    return body
