"""Writing the register of institutions; it lives at the hub and reaches every city."""

from collections.abc import Iterable, Mapping

from registry.loading import Loaded, load
from registry.organisations.errors import OrganisationUnknown
from registry.organisations.models import Department, Organisation


def load_organisations(rows: Iterable[Mapping[str, str]]) -> Loaded:
    """Bring institutions up to date; rows are keyed by registration number (`code`)."""
    return load(Organisation, rows, key=["code"])


def load_departments(rows: Iterable[Mapping[str, str]]) -> Loaded:
    """Bring departments up to date; `organisation` is a registration number."""
    ids = dict(Organisation.objects.values_list("code", "id"))

    def resolved(row: Mapping[str, str]) -> dict[str, object]:
        number = row["organisation"]
        if number not in ids:
            raise OrganisationUnknown(facts={"code": number})
        rest = {name: value for name, value in row.items() if name != "organisation"}
        return {"organisation_id": ids[number], **rest}

    return load(Department, map(resolved, rows), key=["organisation_id", "code"])
