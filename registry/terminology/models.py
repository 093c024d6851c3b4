"""Code systems and their concepts."""

from django.db import models

from kernel.homes import ProvinceModel


class CodeSystem(ProvinceModel):
    """A code system (代码系统), known by its canonical address."""

    url = models.TextField(unique=True)
    name = models.TextField()
    version = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.url


class Concept(ProvinceModel):
    """A code with its meaning; `parent` is the code right above it, if the system has levels."""

    system = models.ForeignKey(CodeSystem, models.PROTECT, related_name="concepts", db_index=False)
    code = models.TextField()
    display = models.TextField()
    parent = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="concept_code_once", fields=["system", "code"]),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.display}"
