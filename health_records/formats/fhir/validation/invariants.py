"""The invariants of R4 that a hospital's data can break and one resource alone can decide.

Each is applied wherever the definitions put its key; `docs/validation.md` says which are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from health_records.formats.fhir.validation.conditions import (
    UCUM,
    Holds,
    Json,
    all_of,
    below,
    coded,
    distinct,
    exactly_one,
    forbidden_if,
    given,
    in_order,
    in_ucum,
    needs,
    not_both,
    only_if,
    required_if,
    some,
    together,
)


@dataclass(frozen=True, slots=True)
class Invariant:
    """A condition and what is said to who breaks it."""

    holds: Holds
    zh: str
    en: str


TIMED, ABATED, VALUED = given("timing[x]"), given("abatement[x]"), given("value[x]")


def _whole_count(node: Json) -> bool:
    value = node.get("value")
    whole = value is None or type(value) is int or "." not in getattr(value, "text", ".")
    return in_ucum(node) and node.get("code") in {None, "1"} and whole


def _positive_age(node: Json) -> bool:
    return in_ucum(node) and ("value" not in node or node["value"] > 0)


def _duration(node: Json) -> bool:
    return "code" not in node or (node.get("system") == UCUM and "value" in node)


def _range(node: Json) -> bool:
    low, high = node.get("low") or {}, node.get("high") or {}
    if "value" not in low or "value" not in high or low.get("code") != high.get("code"):
        return True
    return bool(low["value"] <= high["value"])


def _ratio(node: Json) -> bool:
    both = ("numerator" in node) is ("denominator" in node)
    return both and ("numerator" in node or "extension" in node)


def _not_negative(name: str) -> Holds:
    return lambda node: bool(node.get(name, 0) >= 0)


def _offset(node: Json) -> bool:
    when = node.get("when")
    return "offset" not in node or bool(when and not {"C", "CM", "CD", "CV"} & set(when))


def _trigger(node: Json) -> bool:
    type_ = node.get("type")
    if type_ == "named-event":
        return "name" in node
    if type_ == "periodic":
        return TIMED(node)
    return not str(type_).startswith("data-") or "data" in node


def _allergy_is_error(node: Json) -> bool:
    return coded(node, "verificationStatus", "allergyintolerance-verification", "entered-in-error")


def _condition_is_error(node: Json) -> bool:
    return coded(node, "verificationStatus", "condition-ver-status", "entered-in-error")


def _abated(node: Json) -> bool:
    over = ("resolved", "remission", "inactive")
    return not ABATED(node) or coded(node, "clinicalStatus", "condition-clinical", *over)


def _no_component_repeats_the_code(node: Json) -> bool:
    if not VALUED(node):
        return True
    own = node["code"].get("coding") or ()
    return not any(
        coding in own
        for component in node.get("component") or ()
        for coding in component["code"].get("coding") or ()
    )


def _prediction(node: Json) -> bool:
    return bool(node.get("probabilityDecimal", 0) <= 100)


def _concepts_once(node: Json) -> bool:
    codes = [one["code"] for one in below(node, "concept") if "code" in one]
    return len(codes) == len(set(codes))


def _questions_once(node: Json) -> bool:
    links = [one["linkId"] for one in below(node, "item") if "linkId" in one]
    return len(links) == len(set(links))


def _one_preferred(node: Json) -> bool:
    types = [one.get("type") for one in node["uniqueId"] if one.get("preferred") is True]
    return len(types) == len(set(types))


def _no_home(node: Json) -> bool:
    return node.get("use") != "home"


def _absolute(name: str) -> Holds:
    return lambda node: ":" in node.get(name, ":")


def _entries_once(node: Json) -> bool:
    if node.get("type") == "history":
        return True
    names = [
        (one["fullUrl"], ((one.get("resource") or {}).get("meta") or {}).get("versionId"))
        for one in node.get("entry") or ()
        if "fullUrl" in one
    ]
    return len(names) == len(set(names))


def _first_is(type_: str) -> Holds:
    def holds(node: Json) -> bool:
        first = (node.get("entry") or [{}])[0]
        return bool((first.get("resource") or {}).get("resourceType") == type_)

    return holds


def _if_document(condition: Holds) -> Holds:
    return lambda node: node.get("type") != "document" or condition(node)


WITH_REQUEST = frozenset({"batch", "transaction", "history"})
WITH_RESPONSE = frozenset({"batch-response", "transaction-response", "history"})
ENTRY_TYPES = ("boolean", "decimal", "integer", "string", "text", "url", "open-choice")
CHOICES = (
    "choice",
    "open-choice",
    "decimal",
    "integer",
    "date",
    "dateTime",
    "time",
    "string",
    "quantity",
)

INVARIANTS: Mapping[str, Invariant] = {
    # parts that many resources share
    "qty-3": Invariant(needs("code", "system"), "数量有单位代码 code 时必须给出 system", "A quantity with a code needs the system of the code"),
    "age-1": Invariant(_positive_age, "年龄须大于零，有数值时须有 UCUM 单位代码", "An age must be positive, in UCUM, with a code"),
    "cnt-3": Invariant(_whole_count, "计数须为整数，单位代码为“1”（UCUM）", "A count must be whole, with the UCUM code “1”"),
    "dis-1": Invariant(in_ucum, "距离须使用 UCUM 单位代码", "A distance must be in UCUM, with a code"),
    "drt-1": Invariant(_duration, "时长有单位代码时，system 须为 UCUM 且须有数值", "A duration with a code needs a value, and UCUM as its system"),
    "att-1": Invariant(needs("data", "contentType"), "附件有 data 时必须给出 contentType", "An attachment with data needs contentType"),
    "cpt-2": Invariant(needs("value", "system"), "联系方式有 value 时必须给出 system（如 phone）", "A contact point with a value needs its system (such as phone)"),
    "exp-1": Invariant(some("expression", "reference"), "请给出 expression 或 reference", "Give expression or reference"),
    "per-1": Invariant(lambda node: in_order(node.get("start"), node.get("end")), "start 不得晚于 end", "start must not be after end"),
    "rng-2": Invariant(_range, "low 不得大于 high", "low must not exceed high"),
    "rat-1": Invariant(_ratio, "分子与分母须同时给出", "Give numerator and denominator, or neither of them and an extension"),
    "tim-1": Invariant(needs("duration", "durationUnit"), "有 duration 时必须给出 durationUnit", "duration needs durationUnit"),
    "tim-2": Invariant(needs("period", "periodUnit"), "有 period 时必须给出 periodUnit", "period needs periodUnit"),
    "tim-4": Invariant(_not_negative("duration"), "duration 不得为负", "duration must not be negative"),
    "tim-5": Invariant(_not_negative("period"), "period 不得为负", "period must not be negative"),
    "tim-6": Invariant(needs("periodMax", "period"), "有 periodMax 时必须给出 period", "periodMax needs period"),
    "tim-7": Invariant(needs("durationMax", "duration"), "有 durationMax 时必须给出 duration", "durationMax needs duration"),
    "tim-8": Invariant(needs("countMax", "count"), "有 countMax 时必须给出 count", "countMax needs count"),
    "tim-9": Invariant(_offset, "offset 只能与 when 同用，且 when 不得为 C、CM、CD、CV", "offset needs when, other than C, CM, CD and CV"),
    "tim-10": Invariant(not_both("timeOfDay", "when"), "timeOfDay 与 when 只能给出一个", "Give timeOfDay or when, not both"),
    "trd-1": Invariant(not_both("data", "timing[x]"), "data 与 timing 只能给出一个", "Give data or timing, not both"),
    "trd-2": Invariant(needs("condition", "data"), "有 condition 时必须给出 data", "condition needs data"),
    "trd-3": Invariant(_trigger, "触发类型要求相应的 name、timing 或 data", "The type of the trigger needs its name, timing or data"),
    "drq-1": Invariant(exactly_one("path", "searchParam"), "path 与 searchParam 须且只能给出一个", "Give path or searchParam, one of them"),
    "drq-2": Invariant(exactly_one("path", "searchParam"), "path 与 searchParam 须且只能给出一个", "Give path or searchParam, one of them"),
    # clinical
    "ait-1": Invariant(lambda node: _allergy_is_error(node) or "clinicalStatus" in node, "除 entered-in-error 外必须给出 clinicalStatus", "clinicalStatus is required unless verificationStatus is entered-in-error"),
    "ait-2": Invariant(lambda node: not (_allergy_is_error(node) and "clinicalStatus" in node), "entered-in-error 时不得给出 clinicalStatus", "clinicalStatus must not be given when verificationStatus is entered-in-error"),
    "cpl-3": Invariant(not_both("detail", "reference"), "detail 与 reference 只能给出一个", "Give detail or reference, not both"),
    "con-1": Invariant(some("summary", "assessment"), "分期须有 summary 或 assessment", "A stage needs summary or assessment"),
    "con-2": Invariant(some("code", "detail"), "依据须有 code 或 detail", "Evidence needs code or detail"),
    "con-4": Invariant(_abated, "有 abatement 时 clinicalStatus 须为 resolved、remission 或 inactive", "With an abatement, clinicalStatus must be resolved, remission or inactive"),
    "con-5": Invariant(lambda node: not (_condition_is_error(node) and "clinicalStatus" in node), "entered-in-error 时不得给出 clinicalStatus", "clinicalStatus must not be given when verificationStatus is entered-in-error"),
    "fhs-1": Invariant(not_both("age[x]", "born[x]"), "age 与 born 只能给出一个", "Give age or born, not both"),
    "fhs-2": Invariant(needs("estimatedAge", "age[x]"), "有 estimatedAge 时必须给出 age", "estimatedAge needs age"),
    "gol-1": Invariant(needs("detail[x]", "measure"), "有 detail 时必须给出 measure", "detail needs measure"),
    "imm-1": Invariant(some("documentType", "reference"), "宣教材料须有 documentType 或 reference", "Education needs documentType or reference"),
    "imr-1": Invariant(some("vaccineCode", "targetDisease"), "建议须有 vaccineCode 或 targetDisease", "A recommendation needs vaccineCode or targetDisease"),
    "mad-1": Invariant(some("dose", "rate[x]"), "用量须有 dose 或 rate", "A dosage needs dose or rate"),
    "mdd-1": Invariant(lambda node: in_order(node.get("whenPrepared"), node.get("whenHandedOver")), "whenHandedOver 不得早于 whenPrepared", "whenHandedOver must not be before whenPrepared"),
    "msq-3": Invariant(lambda node: node.get("coordinateSystem") in {0, 1}, "coordinateSystem 只能为 0 或 1", "coordinateSystem must be 0 or 1"),
    "msq-5": Invariant(together("chromosome", "genomeBuild"), "chromosome 与 genomeBuild 须同时给出", "Give chromosome and genomeBuild together"),
    "msq-6": Invariant(exactly_one("genomeBuild", "referenceSeqId", "referenceSeqPointer", "referenceSeqString"), "参考序列只能以一种方式给出", "Give the reference sequence in one way only"),
    "obs-3": Invariant(some("low", "high", "text"), "参考范围须有 low、high 或 text", "A reference range needs low, high or text"),
    "obs-6": Invariant(not_both("dataAbsentReason", "value[x]"), "有结果值时不得给出 dataAbsentReason", "dataAbsentReason must not be given together with a value"),
    "obs-7": Invariant(_no_component_repeats_the_code, "组件代码与检查代码相同时不得再给出结果值", "No value where a component has the code of the observation itself"),
    "prr-1": Invariant(needs("orderDetail", "code"), "有 orderDetail 时必须给出 code", "orderDetail needs code"),
    "ras-2": Invariant(_prediction, "概率不得超过 100", "A probability must not exceed 100"),
    "rqg-1": Invariant(exactly_one("resource", "action"), "resource 与 action 须且只能给出一个", "Give resource or action, one of them"),
    # people, institutions, appointments
    "app-1": Invariant(some("type", "actor"), "参与者须有 type 或 actor", "A participant needs type or actor"),
    "app-2": Invariant(together("start", "end"), "start 与 end 须同时给出", "Give start and end together"),
    "app-3": Invariant(lambda node: ("start" in node and "end" in node) or node.get("status") in {"proposed", "cancelled", "waitlist"}, "除 proposed、cancelled、waitlist 外必须给出 start 与 end", "start and end are required unless the appointment is proposed, cancelled or on the waitlist"),
    "app-4": Invariant(only_if("cancelationReason", "status", "no-show", "cancelled"), "仅 no-show 或 cancelled 可有 cancelationReason", "cancelationReason is for no-show and cancelled appointments only"),
    "apr-1": Invariant(some("participantType", "actor"), "请给出 participantType 或 actor", "Give participantType or actor"),
    "org-1": Invariant(some("identifier", "name"), "机构须有 identifier 或 name", "An organisation needs an identifier or a name"),
    "org-2": Invariant(_no_home, "机构地址的 use 不得为 home", "An address of an organisation is never of use home"),
    "org-3": Invariant(_no_home, "机构联系方式的 use 不得为 home", "A contact point of an organisation is never of use home"),
    "pat-1": Invariant(some("name", "telecom", "address", "organization"), "联系人须有姓名、电话、地址或机构", "A contact needs a name, telecom, address or organisation"),
    "grp-1": Invariant(only_if("member", "actual", True), "仅 actual 为 true 时可有 member", "Members are for actual groups only"),
    "ipn-1": Invariant(some("identifier", "name"), "请给出 identifier 或 name", "Give an identifier or a name"),
    # consent, money, questionnaires, lists
    "ppc-1": Invariant(some("policy", "policyRule"), "请给出 policy 或 policyRule", "Give policy or policyRule"),
    "ces-1": Invariant(exactly_one("category", "productOrService"), "category 与 productOrService 须且只能给出一个", "Give category or productOrService, one of them"),
    "cmp-1": Invariant(some("text", "entry", "section"), "章节须有 text、entry 或 section", "A section needs text, entries or sections"),
    "cmp-2": Invariant(not_both("emptyReason", "entry"), "有 entry 时不得给出 emptyReason", "emptyReason is for sections without entries"),
    "lnk-1": Invariant(lambda node: len(node.get("item") or ()) > 1, "须至少有两项 item", "Two items at least"),
    "lst-1": Invariant(not_both("emptyReason", "entry"), "有 entry 时不得给出 emptyReason", "emptyReason is for lists without entries"),
    "lst-2": Invariant(lambda node: node.get("mode") == "changes" or not any("deleted" in one for one in node.get("entry") or ()), "仅 changes 列表可有 deleted", "deleted is for lists of mode changes only"),
    "lst-3": Invariant(lambda node: node.get("mode") == "working" or not any("date" in one for one in node.get("entry") or ()), "仅 working 列表的条目可有 date", "Dates of entries are for lists of mode working only"),
    "qrs-1": Invariant(not_both("answer", "item"), "item 中 answer 与 item 只能给出一个", "An item has answers or items, not both"),
    "que-1": Invariant(all_of(required_if("item", "type", "group"), forbidden_if("item", "type", "display")), "group 必须有 item，display 不得有 item", "A group needs items, a display has none"),
    "que-2": Invariant(_questions_once, "linkId 在问卷内不得重复", "Every linkId occurs once in a questionnaire"),
    "que-3": Invariant(forbidden_if("code", "type", "display"), "display 不得有 code", "A display has no code"),
    "que-4": Invariant(not_both("answerOption", "answerValueSet"), "answerOption 与 answerValueSet 只能给出一个", "Give answerOption or answerValueSet, not both"),
    "que-5": Invariant(all_of(only_if("answerOption", "type", *CHOICES), only_if("answerValueSet", "type", *CHOICES)), "此类型的问题不得列出答案", "A question of this type lists no answers"),
    "que-6": Invariant(all_of(forbidden_if("required", "type", "display"), forbidden_if("repeats", "type", "display")), "display 不得有 required 或 repeats", "A display has neither required nor repeats"),
    "que-8": Invariant(forbidden_if("initial", "type", "group", "display"), "group 与 display 不得有 initial", "A group or display has no initial value"),
    "que-9": Invariant(forbidden_if("readOnly", "type", "display"), "display 不得有 readOnly", "A display has no readOnly"),
    "que-10": Invariant(only_if("maxLength", "type", *ENTRY_TYPES), "此类型的问题不得有 maxLength", "A question of this type has no maxLength"),
    "que-11": Invariant(not_both("answerOption", "initial"), "有 answerOption 时不得有 initial", "A question with answerOption has no initial"),
    "que-12": Invariant(lambda node: len(node.get("enableWhen") or ()) < 3 or "enableBehavior" in node, "多个 enableWhen 须给出 enableBehavior", "Several enableWhen need enableBehavior"),
    "que-13": Invariant(lambda node: node.get("repeats") is True or len(node.get("initial") or ()) < 2, "仅可重复的问题可有多个 initial", "Several initial values are for repeating questions only"),
    "que-7": Invariant(lambda node: node.get("operator") != "exists" or "answerBoolean" in node, "operator 为 exists 时答案须为 boolean", "The operator exists takes a boolean answer"),
    "sev-1": Invariant(not_both("name", "query"), "name 与 query 只能给出一个", "Give name or query, not both"),
    # bundles
    "bdl-1": Invariant(only_if("total", "type", "searchset", "history"), "仅 searchset 与 history 可有 total", "total is for searchset and history only"),
    "bdl-2": Invariant(lambda node: node.get("type") == "searchset" or not any("search" in one for one in node.get("entry") or ()), "仅 searchset 的条目可有 search", "search is for searchset only"),
    "bdl-3": Invariant(lambda node: all(("request" in one) == (node.get("type") in WITH_REQUEST) for one in node.get("entry") or ()), "仅 batch、transaction、history 的条目有且必须有 request", "Entries of batch, transaction and history have a request, others have none"),
    "bdl-4": Invariant(lambda node: all(("response" in one) == (node.get("type") in WITH_RESPONSE) for one in node.get("entry") or ()), "仅响应与 history 的条目有且必须有 response", "Entries of responses and history have a response, others have none"),
    "bdl-5": Invariant(some("resource", "request", "response"), "条目须有 resource、request 或 response", "An entry needs a resource, request or response"),
    "bdl-7": Invariant(_entries_once, "fullUrl 在 Bundle 内不得重复", "Every fullUrl occurs once in a Bundle"),
    "bdl-8": Invariant(lambda node: "/_history/" not in node.get("fullUrl", ""), "fullUrl 不得指向某一版本", "fullUrl must not name a version"),
    "bdl-9": Invariant(_if_document(lambda node: {"system", "value"} <= (node.get("identifier") or {}).keys()), "document 必须有带 system 与 value 的 identifier", "A document needs an identifier with system and value"),
    "bdl-10": Invariant(_if_document(some("timestamp")), "document 必须有 timestamp", "A document needs a timestamp"),
    "bdl-11": Invariant(_if_document(_first_is("Composition")), "document 的第一项须为 Composition", "The first entry of a document is its Composition"),
    "bdl-12": Invariant(lambda node: node.get("type") != "message" or _first_is("MessageHeader")(node), "message 的第一项须为 MessageHeader", "The first entry of a message is its MessageHeader"),
    # definitions
    "cpb-1": Invariant(some("rest", "messaging", "document"), "请给出 rest、messaging 或 document", "Give rest, messaging or document"),
    "cpb-2": Invariant(some("description", "software", "implementation"), "请给出 description、software 或 implementation", "Give description, software or implementation"),
    "cpb-7": Invariant(distinct("document", "profile", "mode"), "document 的 profile 与 mode 不得重复", "Every profile and mode of documents occurs once"),
    "cpb-9": Invariant(distinct("resource", "type"), "同一类型只能出现一次", "Every type occurs once"),
    "cpb-12": Invariant(distinct("searchParam", "name"), "同一检索参数只能出现一次", "Every search parameter occurs once"),
    "cpb-14": Invariant(required_if("implementation", "kind", "instance"), "instance 必须有 implementation", "An instance needs implementation"),
    "cpb-15": Invariant(all_of(forbidden_if("implementation", "kind", "capability"), required_if("software", "kind", "capability")), "capability 须有 software，不得有 implementation", "A capability has software and no implementation"),
    "cpb-16": Invariant(all_of(forbidden_if("implementation", "kind", "requirements"), forbidden_if("software", "kind", "requirements")), "requirements 不得有 implementation 与 software", "Requirements have neither implementation nor software"),
    "csd-1": Invariant(_concepts_once, "代码在代码系统内不得重复", "Every code occurs once in a code system"),
    "cmd-1": Invariant(lambda node: "comment" in node or node.get("equivalence") not in {"narrower", "inexact"}, "narrower 与 inexact 须有 comment", "narrower and inexact need a comment"),
    "cmd-2": Invariant(required_if("code", "mode", "fixed"), "fixed 必须有 code", "The mode fixed needs a code"),
    "cmd-3": Invariant(required_if("url", "mode", "other-map"), "other-map 必须有 url", "The mode other-map needs a url"),
    "nsd-1": Invariant(lambda node: node.get("kind") != "root" or all(one.get("type") != "uuid" for one in node["uniqueId"]), "root 不得以 uuid 标识", "A root has no uuid"),
    "nsd-2": Invariant(_one_preferred, "同类标识只能有一个 preferred", "One preferred identifier of a type"),
    "opd-1": Invariant(some("type", "part"), "参数须有 type 或 part", "A parameter needs type or parts"),
    "opd-2": Invariant(only_if("searchType", "type", "string"), "仅 string 参数可有 searchType", "searchType is for strings only"),
    "opd-3": Invariant(only_if("targetProfile", "type", "Reference", "canonical"), "仅引用类参数可有 targetProfile", "targetProfile is for references only"),
    "spd-1": Invariant(needs("xpath", "xpathUsage"), "有 xpath 时必须给出 xpathUsage", "xpath needs xpathUsage"),
    "spd-2": Invariant(only_if("chain", "type", "reference"), "仅 reference 类参数可有 chain", "chain is for references only"),
    "sdf-2": Invariant(some("name", "uri"), "映射须有 name 或 uri", "A mapping needs name or uri"),
    "sdf-4": Invariant(lambda node: node.get("abstract") is True or "baseDefinition" in node, "非抽象定义必须有 baseDefinition", "baseDefinition is required unless abstract"),
    "sdf-6": Invariant(some("snapshot", "differential"), "请给出 snapshot 或 differential", "Give snapshot or differential"),
    "smp-1": Invariant(needs("element", "context"), "有 element 时必须给出 context", "element needs context"),
    "smp-2": Invariant(needs("context", "contextType"), "有 context 时必须给出 contextType", "context needs contextType"),
    "tcp-2": Invariant(some("description", "software", "implementation"), "请给出 description、software 或 implementation", "Give description, software or implementation"),
    "tcp-3": Invariant(required_if("implementation", "kind", "instance"), "instance 必须有 implementation", "An instance needs implementation"),
    "tcp-4": Invariant(all_of(forbidden_if("implementation", "kind", "capability"), required_if("software", "kind", "capability")), "capability 须有 software，不得有 implementation", "A capability has software and no implementation"),
    "tcp-5": Invariant(all_of(forbidden_if("implementation", "kind", "requirements"), forbidden_if("software", "kind", "requirements")), "requirements 不得有 implementation 与 software", "Requirements have neither implementation nor software"),
    "vsd-1": Invariant(some("valueSet", "system"), "请给出 valueSet 或 system", "Give valueSet or system"),
    "vsd-2": Invariant(all_of(needs("concept", "system"), needs("filter", "system")), "有 concept 或 filter 时必须给出 system", "concept and filter need a system"),
    "vsd-3": Invariant(not_both("concept", "filter"), "concept 与 filter 只能给出一个", "Give concept or filter, not both"),
    "vsd-6": Invariant(some("code", "display"), "请给出 code 或 display", "Give code or display"),
    "vsd-9": Invariant(lambda node: "code" in node or node.get("abstract") is True, "非抽象项必须有 code", "A code is required unless abstract"),
    "vsd-10": Invariant(needs("code", "system"), "有 code 时必须给出 system", "A code needs its system"),
    # in no definition, but an error of the reference validator all the same
    "full-url": Invariant(_absolute("fullUrl"), "fullUrl 须为绝对地址（如 urn:uuid:…）", "fullUrl must be absolute (such as urn:uuid:…)"),
    "include-system": Invariant(_absolute("system"), "system 须为绝对地址", "system must be absolute"),
}  # fmt: skip
