"""Reading the register of institutions."""

from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from django.db.models import Q, QuerySet

from kernel.access import context
from kernel.access.context import Proof
from kernel.actor import Actor
from registry.organisations.errors import OrganisationUnknown
from registry.organisations.models import Department, Organisation

MOST_REMEMBERED = 1024
IS_AS_IT_WAS = """EXISTS (
  SELECT FROM organisations_organisation o
  WHERE o.id = %(institution)s AND o.code = %(institution_code)s AND o.node = %(institution_city)s)"""


def organisations_visible_to(actor: Actor) -> QuerySet[Organisation]:
    """The directory, open to whoever is signed in, in order of registration number."""
    return Organisation.objects.order_by("code")


def organisation_by_code(code: str) -> Organisation:
    """The institution with this registration number; OrganisationUnknown when there is none."""
    found = Organisation.objects.filter(code=code).first()
    if found is None:
        raise OrganisationUnknown(facts={"code": code})
    return found


def organisation_names(ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names by id."""
    return dict(Organisation.objects.filter(id__in=set(ids)).values_list("id", "name"))


def organisations_by_id(ids: Iterable[UUID]) -> dict[UUID, Organisation]:
    """Institutions by id."""
    return Organisation.objects.in_bulk(set(ids))


def organisation(organisation_id: UUID) -> Organisation | None:
    """An institution; while somebody is recognised from memory it comes from memory too, and the statement
    that writes the request's audit row asks whether it still has this number and city.
    """
    request = context.current()
    if request is None or request.proof is None:
        return Organisation.objects.filter(pk=organisation_id).first()
    found = _remembered(organisation_id)
    if found is None:
        _remembered.cache_clear()
        return None
    values = {
        "institution": str(found.id), "institution_code": found.code,
        "institution_city": found.node,
    }  # fmt: skip
    request.proof = request.proof.along_with(Proof(IS_AS_IT_WAS, values, _remembered.cache_clear))
    return found


@lru_cache(maxsize=MOST_REMEMBERED)
def _remembered(organisation_id: UUID) -> Organisation | None:
    return Organisation.objects.filter(pk=organisation_id).first()


def ids_by_number(numbers: Iterable[str]) -> dict[str, UUID]:
    """Ids by registration number or unified social credit code."""
    wanted = set(numbers) - {""}
    found: dict[str, UUID] = {}
    rows = Organisation.objects.filter(Q(code__in=wanted) | Q(uscc__in=wanted))
    for id_, code, uscc in rows.values_list("id", "code", "uscc"):
        found |= {code: id_, uscc: id_}
    return {number: id_ for number, id_ in found.items() if number in wanted}


def department_ids(organisation_id: UUID, codes: Iterable[str]) -> dict[str, UUID]:
    """Ids of an institution's departments by the codes that it gave them."""
    rows = Department.objects.filter(organisation_id=organisation_id, code__in=set(codes))
    return dict(rows.values_list("code", "id"))
