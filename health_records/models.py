"""What hospitals pushed: messages, resources with typed columns, and every version as it came.

The JSON of a resource lives in its versions only; the typed tables are the current view. Columns named
`…_code` hold the source's own codes.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from health_records.states import MessageState
from kernel.homes import CityModel, LocalModel, ProvinceModel
from registry.organisations.models import Organisation
from registry.patients.models import PatientRegistration


class Message(LocalModel):
    """A message as it came, and what was answered; both compressed, then sealed.

    `request` is what the request line and head said of a resource that came alone, as
    Bundle.entry.request would say it; sealed too, for a condition may name a person. `rules` and `types`
    say what a refused message broke, and in resources of which types.
    """

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    message_id = models.TextField()
    sha256 = models.BinaryField()
    state = models.TextField(choices=MessageState)
    raw = models.BinaryField()
    answer = models.BinaryField()
    answer_status = models.PositiveSmallIntegerField()
    request = models.BinaryField(null=True)
    rules = ArrayField(models.TextField(), default=list, db_default=[])
    types = ArrayField(models.TextField(), default=list, db_default=[])
    resources = models.PositiveIntegerField(default=0)
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="message_once", fields=["organisation", "message_id"]),
            models.CheckConstraint(
                name="message_state_known", condition=Q(state__in=MessageState.values)
            ),
        ]
        indexes = [
            models.Index(
                name="message_refused", fields=["organisation", "id"],
                condition=Q(state=MessageState.REFUSED),
            ),
            GinIndex(
                name="message_rules", fields=["rules"], condition=Q(state=MessageState.REFUSED)
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"message {self.id}, {self.state}"


class Attempt(LocalModel):
    """What came of a message, each time it came: the numbers by which a hospital's feed is judged.

    A row of its own instead of counters, which messages of one hospital would queue for. `rules` is
    `{rule: how often}`; `delay_seconds` from the last event told of to its arrival; `present` of `wanted`
    elements were there; of the `patients` so many have a valid identity number, and a phone. `counted`: it
    is in its `FeedDay`.
    """

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    at = models.DateTimeField()
    accepted = models.BooleanField()
    stored = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    rules = models.JSONField(default=dict)
    delay_seconds = models.FloatField(null=True)
    wanted = models.PositiveIntegerField(default=0)
    present = models.PositiveIntegerField(default=0)
    patients = models.PositiveIntegerField(default=0)
    identified = models.PositiveIntegerField(default=0)
    reachable = models.PositiveIntegerField(default=0)
    counted = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [
            models.Index(name="attempt_of_hospital", fields=["organisation", "at"]),
            models.Index(name="attempt_uncounted", fields=["id"], condition=Q(counted=False)),
        ]

    def __str__(self) -> str:
        return f"attempt of {self.organisation_id} at {self.at}"


class FeedDay(CityModel):
    """What came of a hospital's messages on one day, counted in its city: what the hub knows of its feed.

    Everything in it can be added up over days and hospitals. `delays` is `{size: how many messages}`, a
    size being what `intake.median_of` takes; so many of the `delayed` ones came `within_a_day`.
    """

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    day = models.DateField()
    accepted = models.PositiveBigIntegerField()
    refused = models.PositiveBigIntegerField()
    resources_stored = models.PositiveBigIntegerField()
    resources_refused = models.PositiveBigIntegerField()
    rules = models.JSONField(default=dict)
    delays = models.JSONField(default=dict)
    delayed = models.PositiveBigIntegerField()
    within_a_day = models.PositiveBigIntegerField()
    wanted = models.PositiveBigIntegerField()
    present = models.PositiveBigIntegerField()
    patients = models.PositiveBigIntegerField()
    identified = models.PositiveBigIntegerField()
    reachable = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="feed_day_once", fields=["organisation", "day"]),
        ]
        indexes = [models.Index(name="feed_day_of_day", fields=["day"])]

    def __str__(self) -> str:
        return f"feed of {self.organisation_id} on {self.day}"


class PushedResource(CityModel):
    """What every resource has: whose it is, how the source names it, and the current version.

    `deleted`: the source took it back, and its type has no status to say so.
    """

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    resource_type = models.TextField()
    source_key = models.TextField()
    identifiers = ArrayField(models.TextField(), default=list)  # system|value, and =value alone
    version = models.PositiveIntegerField()
    digest = models.BinaryField()
    recorded_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    deleted = models.BooleanField(default=False, db_default=False)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                name="%(class)s_source_once",
                fields=["organisation", "resource_type", "source_key"],
            ),
        ]
        indexes = [
            GinIndex(
                name="%(class)s_identifiers", fields=["identifiers"],
                condition=~Q(identifiers=[]), opclasses=["array_ops"],
            ),
            models.Index(
                name="%(class)s_changed",
                fields=["organisation", "resource_type", "changed_at", "id"],
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.resource_type}/{self.id}"


class ClinicalResource(PushedResource):
    """What belongs to a patient's record: when, what and in which state.

    `ended_at` is the last moment of what lasts, or is only known to the day; one without an end ends
    at `columns.OPEN_END`, save a visit, which is simply not over. A resource that says no time has
    `occurred_at` = `changed_at`. Further codings and categories are
    `system|code`, and `=code` alone.
    """

    registration = models.ForeignKey(
        PatientRegistration, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    occurred_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    status_code = models.TextField(blank=True, default="")
    code_system = models.TextField(blank=True, default="")
    code = models.TextField(blank=True, default="")
    display = models.TextField(blank=True, default="")
    more_codes = ArrayField(models.TextField(), null=True)
    categories = ArrayField(models.TextField(), null=True)

    class Meta(PushedResource.Meta):
        abstract = True
        indexes = [
            *PushedResource.Meta.indexes,
            models.Index(
                F("registration"), F("occurred_at").desc(), F("id").desc(),
                name="%(class)s_timeline",
            ),
        ]  # fmt: skip


class Encounter(ClinicalResource):
    """A visit or stay (就诊)."""

    class_code = models.TextField(blank=True, default="")

    class Meta(ClinicalResource.Meta):
        indexes = [
            *ClinicalResource.Meta.indexes,
            models.Index(
                F("organisation"), F("occurred_at").desc(), F("id").desc(), name="encounter_date"
            ),
            models.Index(name="encounter_end", fields=["organisation", "ended_at"]),
        ]  # fmt: skip


class ClinicalEntry(ClinicalResource):
    """Any other resource: conditions, results, orders, procedures, allergies, immunisations …"""

    encounter = models.ForeignKey(
        Encounter, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    value_number = models.FloatField(null=True)
    value_unit = models.TextField(blank=True, default="")
    value_text = models.TextField(blank=True, default="")

    class Meta(ClinicalResource.Meta):
        indexes = [
            *ClinicalResource.Meta.indexes,
            models.Index(
                F("organisation"), F("code"), F("occurred_at").desc(), F("id").desc(),
                name="clinicalentry_code", condition=~Q(code=""),
            ),
            models.Index(
                name="clinicalentry_lasting", fields=["organisation", "code", "ended_at"],
                condition=Q(ended_at__isnull=False) & ~Q(code=""),
            ),
            GinIndex(
                name="clinicalentry_more_codes", fields=["more_codes"],
                condition=Q(more_codes__isnull=False), opclasses=["array_ops"],
            ),
        ]  # fmt: skip


class Document(ClinicalResource):
    """The index entry of a document (文档索引); its content stays in the city."""

    encounter = models.ForeignKey(
        Encounter, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    title = models.TextField(blank=True, default="")
    content_type = models.TextField(blank=True, default="")
    parts = models.PositiveSmallIntegerField(default=0)

    class Meta(ClinicalResource.Meta):
        pass


class SourceParty(PushedResource):
    """An organisation, practitioner, role or place in the hospital's own words.

    `registry_id` is what the registry holds under the same number: an institution, a practitioner, a post
    (PractitionerRole) or a department (Location, HealthcareService).
    """

    name = models.TextField(blank=True, default="")
    registry_id = models.UUIDField(null=True)

    class Meta(PushedResource.Meta):
        pass


class ResourceVersion(CityModel):
    """A resource as it was pushed; what identifies people is cut out of `source` into `sealed`.

    `source` is JSON with sorted keys, as text: it is read whole, and parsing it as jsonb at both ends
    of the stream costs more than storing it. `sealed` is `{JSON pointer: value}`. References are
    rewritten to our own ids. A `deleted` version says that the source took the resource back; it has no
    content.
    """

    resource_id = models.UUIDField()
    resource_type = models.TextField()
    version = models.PositiveIntegerField()
    source = models.TextField()
    sealed = models.BinaryField(null=True)
    message_id = models.UUIDField()
    recorded_at = models.DateTimeField()
    deleted = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="resource_version_once", fields=["resource_id", "version"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource_type}/{self.resource_id} version {self.version}"


class DocumentContent(LocalModel):
    """The data of an attachment, compressed and sealed; never leaves the city except when asked for.

    `is_base64` tells that `content` holds the decoded bytes; else it holds the base64 as it was sent, with
    its blanks and line ends.
    """

    resource_id = models.UUIDField()
    version = models.PositiveIntegerField()
    part = models.PositiveSmallIntegerField()
    pointer = models.TextField()
    content_type = models.TextField(blank=True, default="")
    is_base64 = models.BooleanField(default=True)
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="document_content_once", fields=["resource_id", "version", "part"]
            ),
        ]

    def __str__(self) -> str:
        return f"part {self.part} of {self.resource_id}"


class RecordSetting(ProvinceModel):
    """A number of the rules about records that the province may set; see `rules.SETTINGS`."""

    name = models.TextField(unique=True)
    value = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"
