"""Writing the register of practitioners; it lives at the hub and reaches every city."""

from collections.abc import Iterable, Mapping

from registry.loading import Loaded, load
from registry.organisations.errors import OrganisationUnknown
from registry.organisations.models import Department, Organisation
from registry.practitioners.models import Practitioner, PractitionerRole


def load_practitioners(rows: Iterable[Mapping[str, str]]) -> Loaded:
    """Bring practitioners and their posts up to date; the counts are of the posts.

    A row has `certificate, name, sex, organisation` (registration number), `department` (standard
    code), `code` and `title`.
    """
    listed = list(rows)
    people = ({name: row[name] for name in ("certificate", "name", "sex")} for row in listed)
    load(Practitioner, people, key=["certificate"])
    practitioners = dict(Practitioner.objects.values_list("certificate", "id"))
    organisations = dict(Organisation.objects.values_list("code", "id"))
    departments = {
        (organisation, standard): id_
        for organisation, standard, id_ in Department.objects.order_by("-code").values_list(
            "organisation_id", "standard", "id"
        )
    }

    def post(row: Mapping[str, str]) -> dict[str, object]:
        organisation = organisations.get(row["organisation"])
        if organisation is None:
            raise OrganisationUnknown(facts={"code": row["organisation"]})
        return {
            "practitioner_id": practitioners[row["certificate"]],
            "organisation_id": organisation,
            "department_id": departments.get((organisation, row["department"])),
            "code": row["code"],
            "title": row["title"],
        }

    return load(PractitionerRole, map(post, listed), key=["organisation_id", "code"])
