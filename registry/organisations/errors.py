"""What can be wrong with the register of institutions."""

from kernel.problems import DomainError


class OrganisationUnknown(DomainError):
    """No institution has this registration number."""

    status, code = 404, "organisation-unknown"
    title = {"zh": "没有这个医疗机构", "en": "There is no such organisation"}
