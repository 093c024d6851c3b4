"""Reading the register of practitioners."""

from collections.abc import Iterable
from uuid import UUID

from registry.practitioners.models import Practitioner, PractitionerRole


def ids_by_certificate(numbers: Iterable[str]) -> dict[str, UUID]:
    """Ids by number of the practising certificate."""
    wanted = set(numbers) - {""}
    rows = Practitioner.objects.filter(certificate__in=wanted)
    return dict(rows.values_list("certificate", "id"))


def role_ids(organisation_id: UUID, codes: Iterable[str]) -> dict[str, UUID]:
    """Ids of an institution's posts by the codes that it gave them."""
    rows = PractitionerRole.objects.filter(organisation_id=organisation_id, code__in=set(codes))
    return dict(rows.values_list("code", "id"))


def post_of(organisation_id: UUID, code: str) -> PractitionerRole | None:
    """The post of this code at an institution."""
    return PractitionerRole.objects.filter(organisation_id=organisation_id, code=code).first()
