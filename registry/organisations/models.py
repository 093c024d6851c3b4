"""Institutions of the province and their departments."""

from django.db import models
from django.db.models import Q

from kernel.homes import ProvinceModel
from registry.organisations.states import Status


class Level(models.TextChoices):
    """Level of a hospital (等级: 一级、二级、三级、未定级)."""

    FIRST = "1"
    SECOND = "2"
    THIRD = "3"
    NONE = "9"


class Grade(models.TextChoices):
    """Grade within the level (特等、甲等、乙等、丙等、未评)."""

    SPECIAL = "T"
    A = "A"
    B = "B"
    C = "C"
    NONE = "N"


class Organisation(ProvinceModel):
    """A medical institution (医疗机构), known by its registration number.

    `node` is the city whose node takes its records; nobody else may.
    """

    code = models.TextField(unique=True)
    uscc = models.TextField(blank=True, default="", db_index=True)
    name = models.TextField()
    second_name = models.TextField(blank=True, default="")
    type = models.TextField()  # WS 218
    level = models.TextField(choices=Level, default=Level.NONE)
    grade = models.TextField(choices=Grade, default=Grade.NONE)
    management = models.TextField(blank=True, default="")
    status = models.TextField(choices=Status, default=Status.OPEN)
    node = models.TextField()
    division = models.TextField()  # GB/T 2260
    address = models.TextField(blank=True, default="")
    phone = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="organisation_status_known", condition=Q(status__in=Status.values)
            ),
            models.CheckConstraint(
                name="organisation_level_known", condition=Q(level__in=Level.values)
            ),
            models.CheckConstraint(
                name="organisation_grade_known", condition=Q(grade__in=Grade.values)
            ),
            models.CheckConstraint(
                name="organisation_node_is_a_city", condition=Q(node__regex=r"^\d{4}00$")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Department(ProvinceModel):
    """A department of an institution (科室); `standard` is its code in CT08.00.002."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="departments", db_index=False
    )
    code = models.TextField()
    standard = models.TextField(blank=True, default="")
    name = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="department_code_once", fields=["organisation", "code"]),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"
