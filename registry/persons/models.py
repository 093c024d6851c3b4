"""The master patient index: human beings, and which registrations are theirs."""

from django.db import models
from django.db.models import Q

from kernel.homes import LocalModel, PersonalModel
from registry.persons.states import LIVE, LinkStatus, Status


class Person(PersonalModel):
    """A human being (居民主索引); a merged one resolves through its survivor.

    The audience is the cities of all live links.
    """

    status = models.TextField(choices=Status, default=Status.ACTIVE)
    survivor = models.ForeignKey(
        "self", models.PROTECT, db_constraint=False, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="person_status_known", condition=Q(status__in=Status.values)
            ),
            models.CheckConstraint(
                name="person_merged_has_survivor",
                condition=Q(status=Status.MERGED, survivor__isnull=False)
                | (~Q(status=Status.MERGED) & Q(survivor__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"person {self.id}"


class IdentityLink(PersonalModel):
    """A registration is this person's (交叉索引), how surely, and why; nothing identifying in it."""

    registration_id = models.UUIDField()
    registration_node = models.TextField()
    registration_version = models.PositiveIntegerField()
    person = models.ForeignKey(Person, models.PROTECT, db_constraint=False, related_name="links")
    status = models.TextField(choices=LinkStatus)
    score = models.FloatField()
    explanation = models.JSONField(default=dict)
    model_version = models.TextField()
    decided_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="identity_link_one_live",
                fields=["registration_id"],
                condition=Q(status__in=LIVE),
            ),
            models.CheckConstraint(
                name="identity_link_status_known", condition=Q(status__in=LinkStatus.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registration_id} → {self.person_id}, {self.status}"


class PersonDemographics(LocalModel):
    """Who a person is, at the hub only; numbers are in `sealed` and, hashed, in PersonIdentifier."""

    person = models.OneToOneField(
        Person, models.CASCADE, db_constraint=False, related_name="demographics"
    )
    name = models.TextField(blank=True, default="")
    name_key = models.TextField(blank=True, default="")
    sex = models.TextField(blank=True, default="")
    birth_date = models.DateField(null=True, blank=True)
    source_registration_id = models.UUIDField()
    sealed = models.BinaryField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(name="demographics_name_birth", fields=["name_key", "birth_date"]),
        ]

    def __str__(self) -> str:
        return f"demographics of {self.person_id}"


class PersonIdentifier(LocalModel):
    """A number of a person as the hub's keyed hash; `kind` is a document type or `phone`.

    A disputed number is shown by somebody whose name is another's than its holder's.
    """

    person = models.ForeignKey(
        Person, models.CASCADE, db_constraint=False, related_name="identifiers"
    )
    kind = models.TextField()
    index = models.BinaryField()
    index_next = models.BinaryField(null=True)
    sealed = models.BinaryField()
    disputed = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="person_identifier_one_holder",
                fields=["kind", "index"],
                condition=~Q(kind="phone") & Q(disputed=False),
            ),
            models.UniqueConstraint(
                name="person_identifier_once", fields=["person", "kind", "index"]
            ),
            # The same two rules for the second column, or a change of keys could break them.
            models.UniqueConstraint(
                name="person_identifier_next_holder",
                fields=["kind", "index_next"],
                condition=~Q(kind="phone") & Q(disputed=False),
            ),
            models.UniqueConstraint(
                name="person_identifier_next_once", fields=["person", "kind", "index_next"]
            ),
        ]
        indexes = [
            models.Index(name="person_identifier_index", fields=["index"]),
            models.Index(
                name="person_identifier_next",
                fields=["index_next"],
                condition=Q(index_next__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.person_id}"
