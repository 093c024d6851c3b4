"""What a vendor is told: path, rule and how to mend it, in Chinese and English."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from health_records.formats.fhir.validation.invariants import INVARIANTS
from kernel.problems import DomainError, said

RULE_SYSTEM = "urn:jianqiao:fhir-rule"
MOST_ISSUES = 100
MOST_ISSUES_KEPT = 10_000
"""Of a message; each further entry keeps its first one, so that neither memory nor an answer swells."""
LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its FHIR issue type, HTTP status, and text with `{value}`."""

    type: str
    status: int
    zh: str
    en: str


RULES: Mapping[str, Rule] = {
    "json": Rule("structure", 400, "不是合法的 JSON：{value}。请检查编码（UTF-8）与语法", "Not valid JSON: {value}. Check encoding (UTF-8) and syntax"),
    "json-character": Rule("structure", 400, "文本中含有不允许的字符（\\u0000 或不成对的代理字符）。请删除后重发", "A text holds a forbidden character (\\u0000 or a lone surrogate). Remove it and send again"),
    "json-duplicate-key": Rule("structure", 400, "同一对象中属性“{value}”重复。每个属性只能出现一次", "The property “{value}” occurs twice in one object. Keep one"),
    "json-depth": Rule("structure", 400, "嵌套超过 {value} 层。请减少嵌套", "Nested deeper than {value} levels. Nest less"),
    "json-number": Rule("value", 400, "数字超出范围：最长 100 个字符，最大约 1.8e308。请改正", "A number is out of range: 100 characters at most, no larger than 1.8e308. Correct it"),
    "too-large": Rule("too-long", 413, "消息超过 {value} 字节。请拆分为多个 Bundle", "The message exceeds {value} bytes. Split it into several Bundles"),
    "encoding": Rule("not-supported", 415, "不支持的 Content-Encoding：{value}。请使用 gzip 或不压缩", "Content-Encoding {value} is not supported. Use gzip or none"),
    "gzip": Rule("structure", 400, "gzip 内容已损坏", "The gzip content is damaged"),
    "media-type": Rule("not-supported", 415, "不支持的 Content-Type：{value}。请使用 application/fhir+json", "Content-Type {value} is not supported. Use application/fhir+json"),
    "object": Rule("structure", 422, "此处应为 JSON 对象", "This must be a JSON object"),
    "resource-type": Rule("structure", 422, "“{value}”不是 FHIR R4 的资源类型。请改正 resourceType", "“{value}” is no FHIR R4 resource type. Correct resourceType"),
    "type-unknown": Rule("not-supported", 404, "地址中的“{value}”不是 FHIR R4 的资源类型。请改正地址", "“{value}” in the address is no FHIR R4 resource type. Correct the address"),
    "resource-kept": Rule("not-supported", 422, "“{value}”只用于传参，R4 不将其作为资源保存。请推送其中的资源", "“{value}” carries parameters; R4 keeps none as a resource. Push the resources in it"),
    "bundle-type": Rule("not-supported", 422, "Bundle.type 为“{value}”。请使用 transaction 或 batch", "Bundle.type is “{value}”. Use transaction or batch"),
    "bundle-expected": Rule("structure", 422, "此地址只接收 Bundle，收到“{value}”。单个资源请 POST 到 /fhir/R4/<类型>", "Only a Bundle is taken here, not “{value}”. POST a single resource to /fhir/R4/<type>"),
    "entry-list": Rule("structure", 422, "entry 应为非空数组。没有内容时请删除该属性", "entry must be a non-empty array. Leave it out where there is nothing"),
    "subsetted": Rule("value", 422, "资源带有 SUBSETTED 标签，不完整，不能保存。请读取完整的资源（不带 _summary、_elements），再修改", "The resource bears the tag SUBSETTED: it is not whole. Read it whole (without _summary, _elements), then change that"),
    "request-required": Rule("required", 422, "缺少 request.method 或 request.url。请补充", "request.method or request.url is missing. Add it"),
    "request-method": Rule("not-supported", 422, "不支持的 request.method：“{value}”。请使用 POST、PUT、DELETE、GET 或 HEAD；代替 PATCH，请用 PUT 送回整个资源", "request.method “{value}” is not supported. Use POST, PUT, DELETE, GET or HEAD; instead of PATCH put the whole resource"),
    "request-url": Rule("value", 422, "request.url“{value}”与方法或资源不符。POST 用“类型”；PUT、DELETE 用“类型/id”或“类型?identifier=系统|值”", "request.url “{value}” does not fit the method or the resource. POST takes “Type”; PUT and DELETE “Type/id” or “Type?identifier=system|value”"),
    "put-id": Rule("value", 400, "PUT 的资源须带 id，且与地址中的 id“{value}”相同。请改正其中之一", "What is PUT must have an id, the same as the id “{value}” of the address. Correct one of them"),
    "read-url": Rule("value", 422, "不能读取“{value}”。GET、HEAD 用“类型/id”“类型/id/_history”“类型?参数”等，均从 /fhir/R4/ 算起", "“{value}” cannot be read. GET and HEAD take “Type/id”, “Type/id/_history”, “Type?parameters” and the like, from /fhir/R4/ on"),
    "read-many": Rule("too-costly", 413, "消息含有超过 {value} 条 GET。请拆分为多个 Bundle", "The message has more than {value} GETs. Split it into several Bundles"),
    "read-enough": Rule("too-costly", 413, "本消息的读取结果过大或耗时过长，此条未读取。请在另一个 Bundle 中读取", "What this message reads is too large or takes too long; this one was not read. Read it by another Bundle"),
    "condition": Rule("not-supported", 422, "不支持的条件“{value}”。条件只能由 identifier=系统|值 与 _id=… 组成，用 & 连接", "The condition “{value}” is not supported. Conditions are made of identifier=system|value and _id=…, joined by &"),
    "condition-many": Rule("multiple-matches", 412, "条件“{value}”匹配到多个资源。请使用唯一标识", "The condition “{value}” matches several resources. Use a unique identifier"),
    "condition-differs": Rule("conflict", 422, "条件匹配到的资源不是“{value}”。请去掉资源中的编号，或改正条件", "The resource that the condition matches is not “{value}”. Leave out the id or number, or correct the condition"),
    "if-match": Rule("conflict", 412, "当前版本为 {value}，与 If-Match 不符。请先读取当前版本，再修改", "The current version is {value}, not the one of If-Match. Read the current version, then change that"),
    "if-match-form": Rule("value", 400, "If-Match“{value}”不合规。请使用 W/\"版本号\"", "If-Match “{value}” is not valid. Use W/\"version\""),
    "in-use": Rule("conflict", 409, "不能删除“{value}”：仍有记录属于该患者。请先删除或更正这些记录", "“{value}” cannot be deleted: records belong to this patient. Delete or correct them first"),
    "deleted": Rule("deleted", 410, "该资源已由来源机构撤销（{value}）。可读取其历史版本", "The source took this resource back ({value}). Its earlier versions can be read"),
    "full-url": Rule("value", 422, "fullUrl“{value}”不合规：须为绝对地址，与资源类型和 id 一致，且不含版本", "The fullUrl “{value}” is not valid: an absolute address that agrees with type and id of the resource, without a version"),
    "format": Rule("not-supported", 406, "不支持的输出格式“{value}”。请使用 application/fhir+json", "The format “{value}” is not supported. Use application/fhir+json"),
    "resource-once": Rule("duplicate", 422, "同一资源在消息中出现两次：“{value}”。请合并为一个", "The same resource occurs twice in the message: “{value}”. Make them one"),
    "id-form": Rule("value", 422, "id“{value}”不合规。只能含字母、数字、“-”、“.”，最长 64 位", "The id “{value}” is not valid: letters, digits, “-” and “.”, 64 at most"),
    "key-length": Rule("too-long", 422, "编号“{value}”过长。资源编号、患者编号、fullUrl 以及用作条件的标识最长 255 个字符", "“{value}” is too long. Ids, patient numbers, fullUrls and identifiers of conditions have 255 characters at most"),
    "attachment-many": Rule("too-long", 413, "消息含有超过 {value} 个附件。请拆分为多条消息", "The message has more than {value} attachments. Split it into several messages"),
    "entry-many": Rule("too-long", 413, "消息含有超过 {value} 条 entry。请拆分为多个 Bundle", "The message has more than {value} entries. Split it into several Bundles"),
    "id-names-nobody": Rule("security", 422, "编号形如身份证号或手机号（13–19 开头的 11 位数字），不得使用。请改用医院内部编号（类型 MR 的 identifier）；若内部编号恰为此形，请加带“-”的前缀，如 MR-", "This looks like an identity number or a mobile number (11 digits, the first two 13 to 19), which must not be an id. Use the hospital's own number (identifier of type MR); one that only looks like this takes a prefix with “-”, such as MR-"),
    "reference-resolves": Rule("not-found", 422, "引用“{value}”指向的资源不存在。请在同一 Bundle 中包含它，或先推送它", "The reference “{value}” leads to nothing. Put its target in this Bundle, or push it first"),
    "reference-unique": Rule("multiple-matches", 422, "引用“{value}”匹配到多个资源。请使用唯一标识", "The reference “{value}” matches several resources. Use a unique identifier"),
    "reference-form": Rule("not-supported", 422, "引用“{value}”的写法不受支持。请用 类型/id（id 只含字母、数字、“-”、“.”，最长 64 位）、entry 的 fullUrl，或 类型?identifier=系统|值", "The reference “{value}” is of an unsupported form. Use Type/id (letters, digits, “-” and “.”, 64 at most), the fullUrl of an entry, or Type?identifier=system|value"),
    "date": Rule("value", 422, "“{value}”不是有效的日期。请使用 YYYY-MM-DD 或带时区的 YYYY-MM-DDThh:mm:ss+08:00", "“{value}” is no valid date. Use YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss+08:00 with an offset"),
    "element-unknown": Rule("structure", 422, "R4 中没有属性“{value}”。请检查拼写，或改用 extension", "R4 knows no property “{value}” here. Check its spelling, or use an extension"),
    "required": Rule("required", 422, "缺少必填的“{value}”。请补充", "“{value}” is required. Add it"),
    "choice-once": Rule("structure", 422, "“{value}”只能以一种类型给出。请只保留一个", "“{value}” may be given in one type only. Keep one"),
    "array": Rule("structure", 422, "此处应为数组。请用 [ ] 括起，即使只有一项", "This must be an array. Put it in [ ], even if there is one only"),
    "array-empty": Rule("structure", 422, "数组不得为空。没有内容时请删除该属性", "An array must not be empty. Leave the property out"),
    "no-array": Rule("structure", 422, "此处只能有一项，不得为数组。请去掉 [ ]", "There can be one only, so no array. Remove the [ ]"),
    "object-empty": Rule("structure", 422, "对象不得为空。没有内容时请删除该属性", "An object must not be empty. Leave the property out"),
    "null": Rule("structure", 422, "不得使用 null。没有内容时请删除该属性", "null is not allowed. Leave the property out"),
    "not-string": Rule("structure", 422, "此处应为 JSON 字符串。请加双引号", "This must be a JSON string. Put it in double quotes"),
    "not-number": Rule("value", 422, "此处应为 JSON 数字。请去掉引号", "This must be a JSON number. Remove the quotes"),
    "not-integer": Rule("value", 422, "此处应为整数，不带引号与小数", "This must be a whole number, without quotes or decimals"),
    "not-boolean": Rule("value", 422, "此处应为 true 或 false，不带引号", "This must be true or false, without quotes"),
    "integer-range": Rule("value", 422, "整数须在 {value} 之间", "The number must be within {value}"),
    "text-empty": Rule("value", 422, "文本不得为空。没有内容时请删除该属性", "A text must not be empty. Leave the property out"),
    "text-characters": Rule("value", 422, "文本中含有控制字符。请删除", "The text holds control characters. Remove them"),
    "element-id": Rule("value", 422, "元素的 id“{value}”中不得有空格。请改正，并改正指向它的引用", "The element id “{value}” must not hold blanks. Correct it, and what refers to it"),
    "text-length": Rule("too-long", 422, "文本超过 {value} 个字符。请改用附件", "The text exceeds {value} characters. Use an attachment"),
    "code-form": Rule("value", 422, "代码“{value}”首尾不得有空格，中间不得连续空格", "The code “{value}” must not begin or end with a blank, nor hold two in a row"),
    "uri-form": Rule("value", 422, "地址“{value}”中不得有空格", "The address “{value}” must not hold blanks"),
    "uuid-form": Rule("value", 422, "“{value}”不是小写的 urn:uuid", "“{value}” is no urn:uuid in small letters"),
    "oid-form": Rule("value", 422, "“{value}”不是 urn:oid", "“{value}” is no urn:oid"),
    "instant": Rule("value", 422, "“{value}”不是完整的时刻。请使用 YYYY-MM-DDThh:mm:ss+08:00", "“{value}” is no whole instant. Use YYYY-MM-DDThh:mm:ss+08:00"),
    "time": Rule("value", 422, "“{value}”不是时间。请使用 hh:mm:ss", "“{value}” is no time. Use hh:mm:ss"),
    "base64": Rule("value", 422, "内容不是合法的 base64。请重新编码", "The content is no base64. Encode it again"),
    "xhtml": Rule("structure", 422, "叙述 div 不是合法的 XML：{value}。请修正标签", "The div is not well-formed XML: {value}. Mend its tags"),
    "code-unknown": Rule("code-invalid", 422, "代码“{value}”不在规定的值集中。请改用值集中的代码", "The code “{value}” is not in the required value set. Use a code of that set"),
    "code-required": Rule("code-invalid", 422, "此处必须给出规定值集中的代码", "A code of the required value set must be given"),
    "coding-system": Rule("value", 422, "system“{value}”须为代码系统的绝对地址（不得为值集）", "The system “{value}” must be the absolute address of a code system, not of a value set"),
    "reference-target": Rule("structure", 422, "引用的资源类型不允许：{value}", "The reference leads to a type that is not allowed: {value}"),
    "reference-type": Rule("value", 422, "type 与引用所指的类型不一致：{value}。请改正或删除 type", "type does not agree with the reference: {value}. Correct type or leave it out"),
    "contained-id": Rule("duplicate", 422, "contained 中 id“{value}”重复。请给每个资源各自的 id", "Several contained resources have the id “{value}”. Give each its own"),
    "our-code": Rule("code-invalid", 422, "平台代码表中没有“{value}”。请改用表中的代码", "The platform's tables do not know “{value}”. Use a code of the table"),
    "dom-2": Rule("invariant", 422, "被包含的资源不得再包含资源", "A contained resource must not contain others"),
    "dom-4": Rule("invariant", 422, "被包含的资源不得有 meta.versionId 与 meta.lastUpdated", "A contained resource has neither meta.versionId nor meta.lastUpdated"),
    "dom-5": Rule("invariant", 422, "被包含的资源不得有 meta.security", "A contained resource has no meta.security"),
    "ext-1": Rule("invariant", 422, "extension 须有值或下级 extension，且只能有其一", "An extension has a value or extensions, one of them"),
    "ref-1": Rule("invariant", 422, "contained 中没有“{value}”。请包含它或改正引用", "Nothing contained is called “{value}”. Contain it, or correct the reference"),
    "txt-1": Rule("invariant", 422, "叙述中不得有“{value}”。只能使用 R4 允许的 XHTML 元素与属性", "The narrative must not hold “{value}”: only XHTML elements and attributes that R4 allows"),
    "txt-2": Rule("invariant", 422, "叙述不得没有内容", "The narrative must have content"),
    "message-id": Rule("value", 400, "消息编号不合规：须为 1–200 个可见字符，且不得为身份证号或手机号", "The message id is not valid: 1 to 200 visible characters, no identity or phone number"),
    "search-parameter": Rule("not-supported", 400, "不支持检索参数“{value}”，已忽略。支持的参数见 /fhir/R4/metadata", "The search parameter “{value}” is not supported and was ignored. See /fhir/R4/metadata for those that are"),
    "search-modifier": Rule("not-supported", 400, "该检索参数不支持修饰符“:{value}”，已忽略", "This search parameter does not take the modifier “:{value}”; it was ignored"),
    "search-sort": Rule("not-supported", 400, "不支持按“{value}”排序，已忽略。可用 _sort=date、-date、_lastUpdated 或 _id 之一", "Sorting by “{value}” is not supported and was ignored. Use one of _sort=date, -date, _lastUpdated, _id"),
    "search-include": Rule("not-supported", 400, "不支持 _include“{value}”，已忽略。可用值见 /fhir/R4/metadata 的 searchInclude", "_include “{value}” is not supported and was ignored. See searchInclude in /fhir/R4/metadata"),
    "search-value": Rule("value", 400, "参数的值“{value}”不合规，请改正", "The value “{value}” of the parameter is not valid; correct it"),
    "search-broad": Rule("too-costly", 400, "检索范围过大：“{value}”。请加上 patient、encounter、identifier、_id、code 或 _lastUpdated", "The search is too broad: “{value}”. Add patient, encounter, identifier, _id, code or _lastUpdated"),
    "form-type": Rule("not-supported", 415, "不支持的 Content-Type：{value}。检索表单请使用 application/x-www-form-urlencoded", "Content-Type {value} is not supported. A search form takes application/x-www-form-urlencoded"),
    "search-form": Rule("structure", 400, "检索条件无法读取。请使用 UTF-8 的 application/x-www-form-urlencoded", "The search cannot be read. Use application/x-www-form-urlencoded in UTF-8"),
    "history-parameter": Rule("not-supported", 400, "历史不支持参数“{value}”。可用 _count 与 _since", "Histories do not take the parameter “{value}”. Use _count and _since"),
    "history-own": Rule("forbidden", 403, "只有医院系统可以读取本院推送的全部 {value} 的历史。请读取单个资源的历史：{value}/<id>/_history", "Only a hospital's system reads the history of every {value}, of those that its hospital pushed. Read that of one resource: {value}/<id>/_history"),
    "history-broad": Rule("too-costly", 400, "{value} 的历史太长。请用 _since 限定起始时间", "The history of {value} is too long. Say from when on by _since"),
    "history-whole": Rule("not-supported", 501, "不支持全部类型的历史。请按类型读取：/fhir/R4/<类型>/_history", "The history of all types is not supported. Read that of a type: /fhir/R4/<type>/_history"),
    "not-found": Rule("not-found", 404, "未找到", "Not found"),
    "patch": Rule("not-supported", 405, "不支持 PATCH（JSON Patch、FHIRPath Patch）。请先读取资源，修改后用 PUT 送回整个资源", "PATCH (JSON Patch, FHIRPath Patch) is not supported. Read the resource, change it, and PUT it back whole"),
    "method": Rule("not-supported", 405, "此地址不支持方法 {value}", "This address does not take {value}"),
    **{key: Rule("invariant", 422, one.zh, one.en) for key, one in INVARIANTS.items()},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong, where."""

    rule: str
    path: str = ""
    value: str = ""

    @property
    def status(self) -> int:
        """HTTP status that this issue alone would give."""
        return RULES[self.rule].status


class MessageRefused(Exception):
    """The input was refused whole: so many resources, for issues in those of these types."""

    def __init__(
        self, issues: Sequence[Issue], types: Iterable[str] = (), resources: int = 1
    ) -> None:
        super().__init__(", ".join(sorted({issue.rule for issue in issues})))
        self.issues, self.types, self.resources = list(issues), set(types), resources

    @property
    def status(self) -> int:
        """HTTP status of the answer."""
        return min((issue.status for issue in self.issues), default=422)


def refuse(rule: str, path: str = "", value: str = "") -> MessageRefused:
    """A refusal for one reason, to be raised."""
    return MessageRefused([Issue(rule, path, value)])


def outcome(issues: Sequence[Issue], language: str) -> dict[str, Any]:
    """The OperationOutcome that lists them."""
    shown = [_shown(issue, language) for issue in issues[:MOST_ISSUES]]
    if (more := len(issues) - MOST_ISSUES) > 0:
        text = {"zh": f"另有 {more} 个问题未列出", "en": f"{more} more issues are not listed"}
        shown.append(_issue("information", "informational", "", "", said(text, language)))
    return {"resourceType": "OperationOutcome", "issue": shown}


def remark(zh: str, en: str, language: str) -> dict[str, Any]:
    """An OperationOutcome that says only how it went."""
    text = said({"zh": zh, "en": en}, language)
    told = _issue("information", "informational", "", "", text)
    return {"resourceType": "OperationOutcome", "issue": [told]}


def warnings(issues: Sequence[Issue], language: str) -> dict[str, Any]:
    """The OperationOutcome that says what of a request was not heeded."""
    shown = outcome(issues, language)
    for one in shown["issue"]:
        one["severity"] = "warning"
    return shown


def outcome_of(error: DomainError, language: str) -> dict[str, Any]:
    """The OperationOutcome of any refusal of the platform."""
    kind = {401: "login", 403: "forbidden", 404: "not-found", 409: "duplicate"}
    text = said(error.title, language)
    if detail := said(error.detail, language):
        text = f"{text}：{detail}" if language.startswith("zh") else f"{text}: {detail}"
    if error.facts:
        text += " (" + ", ".join(f"{name}: {value}" for name, value in error.facts.items()) + ")"
    issue = _issue("error", kind.get(error.status, "processing"), error.code, "", text)
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _shown(issue: Issue, language: str) -> dict[str, Any]:
    rule = RULES[issue.rule]
    value = issue.value if len(issue.value) <= LONGEST_VALUE else issue.value[:LONGEST_VALUE] + "…"
    text = (rule.zh if language.startswith("zh") else rule.en).replace("{value}", value)
    return _issue("error", rule.type, issue.rule, issue.path, text)


def _issue(severity: str, type_: str, rule: str, path: str, text: str) -> dict[str, Any]:
    made: dict[str, Any] = {"severity": severity, "code": type_, "details": {"text": text}}
    if rule:
        made["details"]["coding"] = [{"system": RULE_SYSTEM, "code": rule}]
    if path:
        made["expression"] = [path]
    return made
