"""Which search parameters a type of resource takes, and what each means here. Data only.

A parameter is offered where its element in the R4 definitions is the one that our column holds; what is
broader is said in `NOTES`. References that `_include` follows are compiled from the definitions:
see `references.py`.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from health_records.formats.fhir.resource_types import KINDS, NOT_KEPT, RESOURCE_TYPES
from health_records.incoming import Kind


class Meaning(StrEnum):
    """What a parameter is compared with."""

    ID = "id"
    LAST_UPDATED = "last_updated"
    IDENTIFIER = "identifier"
    PATIENT = "patient"
    ENCOUNTER = "encounter"
    CODE = "code"
    CATEGORY = "category"
    STATUS = "status"
    DATE = "date"
    NAME = "name"
    PHONE = "phone"
    GENDER = "gender"
    BIRTH_DATE = "birth_date"


TYPES: Mapping[Meaning, str] = {
    Meaning.ID: "token",
    Meaning.LAST_UPDATED: "date",
    Meaning.IDENTIFIER: "token",
    Meaning.PATIENT: "reference",
    Meaning.ENCOUNTER: "reference",
    Meaning.CODE: "token",
    Meaning.CATEGORY: "token",
    Meaning.STATUS: "token",
    Meaning.DATE: "date",
    Meaning.NAME: "string",
    Meaning.PHONE: "token",
    Meaning.GENDER: "token",
    Meaning.BIRTH_DATE: "date",
}
"""FHIR's type of a parameter."""

ALL: Mapping[str, Meaning] = {"_id": Meaning.ID, "_lastUpdated": Meaning.LAST_UPDATED}

OF_PATIENTS: Mapping[str, Meaning] = {
    "identifier": Meaning.IDENTIFIER,
    "name": Meaning.NAME,
    "phone": Meaning.PHONE,
    "gender": Meaning.GENDER,
    "birthdate": Meaning.BIRTH_DATE,
}

DRAFTS = frozenset([
    "MedicinalProduct", "MedicinalProductAuthorization", "MedicinalProductContraindication",
    "MedicinalProductIndication", "MedicinalProductIngredient", "MedicinalProductInteraction",
    "MedicinalProductManufactured", "MedicinalProductPackaged", "MedicinalProductPharmaceutical",
    "MedicinalProductUndesirableEffect", "ObservationDefinition", "OperationOutcome",
    "BiologicallyDerivedProduct", "SubstanceNucleicAcid", "SubstancePolymer", "SubstanceProtein",
    "SubstanceReferenceInformation", "SubstanceSourceMaterial", "SubstanceSpecification",
])  # fmt: skip
"""Types of which R4 leaves open how they are searched."""

WITHOUT_IDENTIFIER = DRAFTS | frozenset([
    "AdverseEvent", "AuditEvent", "Binary", "CapabilityStatement", "CatalogEntry", "CompartmentDefinition",
    "GraphDefinition", "ImplementationGuide", "Linkage", "MedicationKnowledge", "MessageHeader",
    "NamingSystem", "OperationDefinition", "Provenance", "SearchParameter", "Subscription",
    "TerminologyCapabilities", "VerificationResult",
])  # fmt: skip

PATIENTS: Mapping[str, tuple[str, ...]] = {
    "Account": ("patient", "subject"), "AdverseEvent": ("subject",),
    "AllergyIntolerance": ("patient",), "Basic": ("patient", "subject"),
    "BodyStructure": ("patient",), "CarePlan": ("patient", "subject"),
    "CareTeam": ("patient", "subject"), "ChargeItem": ("patient", "subject"),
    "Claim": ("patient",), "ClaimResponse": ("patient",),
    "ClinicalImpression": ("patient", "subject"), "Communication": ("patient", "subject"),
    "CommunicationRequest": ("patient", "subject"), "Composition": ("patient", "subject"),
    "Condition": ("patient", "subject"), "Consent": ("patient",),
    "Contract": ("patient", "subject"), "Coverage": ("patient", "beneficiary"),
    "CoverageEligibilityRequest": ("patient",), "CoverageEligibilityResponse": ("patient",),
    "DetectedIssue": ("patient",), "Device": ("patient",),
    "DeviceRequest": ("patient", "subject"), "DeviceUseStatement": ("patient", "subject"),
    "DiagnosticReport": ("patient", "subject"), "DocumentManifest": ("patient", "subject"),
    "DocumentReference": ("patient", "subject"), "Encounter": ("patient", "subject"),
    "EpisodeOfCare": ("patient",), "ExplanationOfBenefit": ("patient",),
    "FamilyMemberHistory": ("patient",), "Flag": ("patient", "subject"),
    "Goal": ("patient", "subject"), "GuidanceResponse": ("patient", "subject"),
    "ImagingStudy": ("patient", "subject"), "Immunization": ("patient",),
    "ImmunizationEvaluation": ("patient",), "ImmunizationRecommendation": ("patient",),
    "Invoice": ("patient", "subject"), "List": ("patient", "subject"),
    "MeasureReport": ("patient", "subject"), "Media": ("patient", "subject"),
    "MedicationAdministration": ("patient", "subject"),
    "MedicationDispense": ("patient", "subject"), "MedicationRequest": ("patient", "subject"),
    "MedicationStatement": ("patient", "subject"), "MolecularSequence": ("patient",),
    "NutritionOrder": ("patient",), "Observation": ("patient", "subject"),
    "Procedure": ("patient", "subject"), "Provenance": ("patient",),
    "QuestionnaireResponse": ("patient", "subject"), "RelatedPerson": ("patient",),
    "RequestGroup": ("patient", "subject"), "ResearchSubject": ("patient", "individual"),
    "RiskAssessment": ("patient", "subject"), "ServiceRequest": ("patient", "subject"),
    "Specimen": ("patient", "subject"), "SupplyDelivery": ("patient",),
    "Task": ("patient", "subject"), "VisionPrescription": ("patient",),
}  # fmt: skip

ENCOUNTERS: Mapping[str, str] = dict.fromkeys([
    "CarePlan", "CareTeam", "ClinicalImpression", "Communication", "CommunicationRequest",
    "Composition", "Condition", "DeviceRequest", "DiagnosticReport", "DocumentReference", "Flag",
    "ImagingStudy", "List", "Media", "MedicationRequest", "NutritionOrder", "Observation",
    "Procedure", "QuestionnaireResponse", "RequestGroup", "RiskAssessment", "ServiceRequest", "Task",
    "VisionPrescription",
], "encounter") | dict.fromkeys(
    ["MedicationAdministration", "MedicationDispense", "MedicationStatement"], "context"
)  # fmt: skip

CODES: Mapping[str, str] = dict.fromkeys([
    "AllergyIntolerance", "Basic", "ChargeItem", "Condition", "DetectedIssue", "DeviceRequest",
    "DiagnosticReport", "Group", "List", "Medication", "MedicationAdministration",
    "MedicationDispense", "MedicationKnowledge", "MedicationRequest", "MedicationStatement",
    "Observation", "Procedure", "RequestGroup", "ServiceRequest", "Substance", "Task",
], "code") | {
    "Composition": "type", "Coverage": "type", "Device": "type", "DocumentReference": "type",
    "Immunization": "vaccine-code", "Specimen": "type",
}  # fmt: skip

CATEGORIES = frozenset([
    "AdverseEvent", "AllergyIntolerance", "CarePlan", "CareTeam", "Communication",
    "CommunicationRequest", "Composition", "Condition", "Consent", "DiagnosticReport",
    "DocumentReference", "Goal", "MedicationRequest", "MedicationStatement", "Observation",
    "Procedure", "ResearchStudy", "ServiceRequest", "Substance", "SupplyRequest",
])  # fmt: skip

DATES: Mapping[str, str] = dict.fromkeys([
    "AdverseEvent", "CarePlan", "CareTeam", "Composition", "DiagnosticReport",
    "DocumentReference", "Encounter", "EpisodeOfCare", "FamilyMemberHistory", "Flag",
    "Immunization", "ImmunizationRecommendation", "Invoice", "List", "MeasureReport", "Observation",
    "Procedure", "RiskAssessment",
], "date") | {
    "Appointment": "date", "Condition": "onset-date", "MedicationAdministration": "effective-time",
    "MedicationRequest": "authoredon", "MedicationStatement": "effective",
}  # fmt: skip

CLINICAL_STATUS = frozenset({"AllergyIntolerance", "Condition"})
WITHOUT_STATUS = CLINICAL_STATUS | DRAFTS | frozenset([
    "AdverseEvent", "AppointmentResponse", "AuditEvent", "Basic", "Binary", "BodyStructure", "CatalogEntry",
    "ChargeItem", "CoverageEligibilityResponse", "DetectedIssue", "DeviceDefinition", "DeviceMetric",
    "DeviceUseStatement", "Flag", "Goal", "Group", "GuidanceResponse", "ImmunizationRecommendation",
    "Linkage", "MessageHeader", "MolecularSequence", "Person", "Provenance", "RelatedPerson",
    "RiskAssessment", "Schedule", "SpecimenDefinition", "TestReport", "VerificationResult",
])  # fmt: skip

NOTES: Mapping[Meaning, str] = {
    Meaning.CODE: "Every coding counts. Without patient or encounter, code (date) leads.",
    Meaning.DATE: "When it happened; where the element is absent, the next that says so.",
    Meaning.ENCOUNTER: "Among what belongs to the patient of the encounter.",
    Meaning.NAME: "Beginning of the whole name, as it is written.",
    Meaning.PHONE: "The whole number; blanks, dashes and +86 do not matter.",
    Meaning.IDENTIFIER: "At the hub, patients by hospital number or identity document only.",
}
"""What the capability statement adds."""


@cache
def parameters_of(resource_type: str) -> Mapping[str, Meaning]:
    """The parameters of a type by name."""
    kind = KINDS.get(resource_type, Kind.ENTRY)
    found = dict(ALL)
    if kind is Kind.REGISTRATION:
        return {**found, **OF_PATIENTS}
    if resource_type not in WITHOUT_IDENTIFIER:
        found["identifier"] = Meaning.IDENTIFIER
    if kind is Kind.PARTY:
        return found
    found |= dict.fromkeys(PATIENTS.get(resource_type, ()), Meaning.PATIENT)
    for names, meaning in (
        (ENCOUNTERS, Meaning.ENCOUNTER), (CODES, Meaning.CODE), (DATES, Meaning.DATE)
    ):  # fmt: skip
        if resource_type in names:
            found[names[resource_type]] = meaning
    if resource_type in CATEGORIES:
        found["category"] = Meaning.CATEGORY
    if resource_type in CLINICAL_STATUS:
        found["clinical-status"] = Meaning.STATUS
    elif resource_type not in WITHOUT_STATUS:
        found["status"] = Meaning.STATUS
    return found


SEARCHED = RESOURCE_TYPES - NOT_KEPT
"""The types that can be searched."""
