"""Reading the register of practitioners."""

from collections.abc import Iterable
from uuid import UUID

from registry.practitioners.models import Practitioner


def ids_by_certificate(numbers: Iterable[str]) -> dict[str, UUID]:
    """Ids by number of the practising certificate."""
    wanted = set(numbers) - {""}
    rows = Practitioner.objects.filter(certificate__in=wanted)
    return dict(rows.values_list("certificate", "id"))
