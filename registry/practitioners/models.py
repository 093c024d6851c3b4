"""Doctors, nurses and pharmacists, and where they work."""

from django.db import models

from kernel.homes import ProvinceModel
from registry.organisations.models import Department, Organisation


class Practitioner(ProvinceModel):
    """Somebody licensed to practise (执业人员), known by the number of the certificate."""

    certificate = models.TextField(unique=True)
    name = models.TextField()
    sex = models.TextField(blank=True, default="")  # GB/T 2261.1

    def __str__(self) -> str:
        return f"{self.certificate} {self.name}"


class PractitionerRole(ProvinceModel):
    """A post of a practitioner at an institution; `title` by GB/T 8561 (职称)."""

    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="roles")
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="practitioner_roles", db_index=False
    )
    department = models.ForeignKey(
        Department, models.PROTECT, related_name="practitioner_roles", null=True, blank=True
    )
    code = models.TextField()
    title = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="practitioner_role_code_once", fields=["organisation", "code"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"
