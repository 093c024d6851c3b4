"""Who looked at a person's record, in words."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db.models import Q, QuerySet

from kernel.audit.models import AuditRow
from registry.accounts.selectors import names_of_actors
from registry.organisations.selectors import organisation_names
from registry.persons.models import IdentityLink

Words = tuple[str, str]

ROLES: Mapping[str, Words] = {
    "resident": ("本人", "The resident"),
    "clinician": ("医务人员", "Clinician"),
    "hospital_system": ("医院信息系统", "Hospital system"),
    "commission_analyst": ("卫生健康委分析人员", "Health commission analyst"),
    "operator": ("平台运维人员", "Platform operator"),
    "node": ("平台节点", "Platform node"),
}
ACTIONS: Mapping[str, Words] = {
    "record.read": ("查看记录", "Read a record"),
    "record.search": ("检索记录", "Searched records"),
    "record.write": ("推送记录", "Pushed records"),
    "timeline.read": ("查看健康档案时间轴", "Read the timeline"),
    "document.read": ("查看文档内容", "Read a document"),
    "access_log.read": ("查看访问记录", "Read the access log"),
    "person.read": ("查看个人主索引", "Read the person index"),
    "account.read": ("查看账号信息", "Read the account"),
    "patient.search": ("查找患者", "Searched for patients"),
    "patient.read": ("打开患者概览", "Opened the patient's overview"),
    "emergency_access.open": ("紧急调阅", "Opened the record in an emergency"),
    "binding.write": ("绑定账号", "Bound an account"),
}
PURPOSES: Mapping[str, Words] = {
    "TREAT": ("诊疗", "Treatment"),
    "PATRQT": ("本人请求", "At the person's request"),
    "PUBHLTH": ("公共卫生", "Public health"),
    "HOPERAT": ("医疗机构运营", "Health-care operations"),
    "ETREAT": ("紧急调阅", "Emergency access"),
    "HSYSADMIN": ("系统管理", "System administration"),
}
OUTCOMES: Mapping[str, Words] = {
    "allowed": ("已允许", "Allowed"),
    "refused": ("已拒绝", "Refused"),
}


def accesses_to(person_ids: Sequence[UUID], links: Sequence[IdentityLink]) -> QuerySet[AuditRow]:
    """Audit rows about a person or one of its registrations, newest first."""
    registrations = [link.registration_id for link in links]
    about = Q(person_id__in=person_ids) | Q(registration_id__in=registrations)
    return AuditRow.objects.filter(about).order_by("-id")


def in_words(rows: Iterable[AuditRow], language: str) -> list[dict[str, object]]:
    """The rows as a resident reads them."""
    listed = list(rows)
    organisations = organisation_names(row.organisation_id for row in listed if row.organisation_id)
    people = names_of_actors(row.actor_id for row in listed)
    return [
        {
            "id": row.id,
            "at": row.at,
            "who": people.get(row.actor_id, ""),
            "role": _said(ROLES, row.actor_role, language),
            "role_code": row.actor_role,
            "organisation": organisations.get(row.organisation_id, "")
            if row.organisation_id else "",
            "action": _said(ACTIONS, row.action, language),
            "action_code": row.action,
            "resource_type": row.resource_type,
            "purpose": _said(PURPOSES, row.purpose, language),
            "purpose_code": row.purpose,
            "outcome": _said(OUTCOMES, row.outcome, language),
            "outcome_code": row.outcome,
            "node": row.node,
        }
        for row in listed
    ]  # fmt: skip


def _said(words: Mapping[str, Words], code: str, language: str) -> str:
    chinese, english = words.get(code, (code, code))
    return chinese if language.startswith("zh") else english
