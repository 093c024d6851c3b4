"""Patients as hospitals know them."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Collate, Lower

from kernel.homes import CityModel
from registry.organisations.models import Organisation


class PatientRegistration(CityModel):
    """A patient of one hospital under the number the hospital gave (患者登记).

    Numbers of documents and phones are only in `sealed`; the indexes are keyed hashes of the strongest
    document and the first phone, and of all numbers by which a patient is searched. The second columns
    are filled while the index key changes. `source_keys` are the ids by which the hospital's messages
    called it, the newest last; they belong to the messages, so two registrations may share one.
    """

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    local_id = models.TextField()
    source_keys = ArrayField(models.TextField(), default=list, db_default=[])
    name = models.TextField(blank=True, default="")
    sex = models.TextField(blank=True, default="")  # GB/T 2261.1
    birth_date = models.DateField(null=True, blank=True)
    sealed = models.BinaryField(null=True)
    identity_index = models.BinaryField(null=True, db_index=True)
    identity_index_next = models.BinaryField(null=True, db_index=True)
    phone_index = models.BinaryField(null=True, db_index=True)
    phone_index_next = models.BinaryField(null=True, db_index=True)
    number_indexes = ArrayField(models.BinaryField(), null=True)
    number_indexes_next = ArrayField(models.BinaryField(), null=True)
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
            GinIndex(
                name="registration_source_keys", fields=["source_keys"], opclasses=["array_ops"]
            ),
            models.Index(
                name="registration_changed", fields=["organisation", "changed_at", "id"]
            ),
            models.Index(
                name="registration_birth_date", fields=["organisation", "birth_date"]
            ),
            models.Index(
                F("organisation"), Collate(Lower("name"), "C"),
                name="registration_name",
            ),
            GinIndex(
                name="registration_numbers", fields=["number_indexes"],
                condition=Q(number_indexes__isnull=False), opclasses=["array_ops"],
            ),
            GinIndex(
                name="registration_numbers_next", fields=["number_indexes_next"],
                condition=Q(number_indexes_next__isnull=False), opclasses=["array_ops"],
            ),
        ]  # fmt: skip

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
