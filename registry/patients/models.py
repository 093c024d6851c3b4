"""Patients as hospitals know them."""

from django.db import models

from kernel.homes import CityModel
from registry.organisations.models import Organisation


class PatientRegistration(CityModel):
    """A patient of one hospital under the number the hospital gave (患者登记).

    Numbers of documents and phones are only in `sealed`; the indexes are keyed hashes of the strongest
    document and the first phone. The second pair of columns is filled while the index key changes.
    """

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    local_id = models.TextField()
    source_key = models.TextField(blank=True, default="")  # how the hospital's messages name it
    name = models.TextField(blank=True, default="")
    sex = models.TextField(blank=True, default="")  # GB/T 2261.1
    birth_date = models.DateField(null=True, blank=True)
    sealed = models.BinaryField(null=True)
    identity_index = models.BinaryField(null=True, db_index=True)
    identity_index_next = models.BinaryField(null=True, db_index=True)
    phone_index = models.BinaryField(null=True, db_index=True)
    phone_index_next = models.BinaryField(null=True, db_index=True)
    digest = models.BinaryField()
    version = models.PositiveIntegerField(default=1)
    recorded_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    deleted = models.BooleanField(default=False, db_default=False)  # recorded in error

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="registration_number_once", fields=["organisation", "local_id"]
            ),
        ]
        indexes = [
            models.Index(name="registration_source_key", fields=["organisation", "source_key"]),
        ]

    def __str__(self) -> str:
        return f"registration {self.id}"


class RegistrationVersion(CityModel):
    """What the hospital said in one version of a registration; never changed."""

    registration = models.ForeignKey(
        PatientRegistration, models.CASCADE, db_index=False, related_name="versions"
    )
    version = models.PositiveIntegerField()
    name = models.TextField(blank=True, default="")
    sex = models.TextField(blank=True, default="")
    birth_date = models.DateField(null=True, blank=True)
    sealed = models.BinaryField(null=True)
    message_id = models.UUIDField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="registration_version_once", fields=["registration", "version"]
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.version} of {self.registration_id}"
