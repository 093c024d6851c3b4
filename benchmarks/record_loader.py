"""Fills a city's tables with records straight, as years of pushes would leave them; run as that node.

    python -m benchmarks.record_loader ENTRIES ORGANISATION

A tenth of the patients are the named hospital's, the others of nine that exist by id only. A patient has
100 resources over ten years: 4 visits, 94 entries of seven types, 2 documents. Standard output: a line
of JSON with patients, a page of search values, and the rows loaded.
"""

import random
import sys
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import django
import orjson

PATIENTS_AT_ONCE = 200
OTHERS = 9
OF_A_PATIENT = 100
SAMPLE = 400

ENTRIES = """
WITH made AS (
  INSERT INTO health_records_clinicalentry (organisation_id, resource_type, source_key, identifiers,
    version, digest, recorded_at, changed_at, registration_id, encounter_id, occurred_at,
    status_code, code_system, code, display, categories, value_number, value_unit, value_text)
  SELECT p.organisation, (%(types)s::text[])[1 + n %% 10], 'urn:uuid:' || gen_random_uuid(), '{}', 1,
    '\\x00', t.at, t.at, p.id, p.visits[1 + n %% 4],
    now() - make_interval(days => (3650 * ((hashint4(n) & 1023) / 1024.0))::int, secs => n),
    'final', 'http://loinc.org', 'C' || floor(200 * power(random(), 2))::int, '检验项目',
    ARRAY['http://terminology.hl7.org/CodeSystem/observation-category|laboratory', '=laboratory'],
    random() * 100, 'mmol/L', ''
  FROM unnest(%(ids)s::uuid[], %(organisations)s::uuid[]) WITH ORDINALITY AS w(id, organisation, o)
  CROSS JOIN LATERAL (SELECT w.id, w.organisation,
    (%(visits)s::uuid[])[w.o * 4 - 3 : w.o * 4] AS visits) p
  CROSS JOIN LATERAL (SELECT clock_timestamp() AS at, w.o AS again) t
  CROSS JOIN generate_series(1, 94) n
  ORDER BY w.o, n %% 4
  RETURNING id, resource_type, registration_id, encounter_id, occurred_at, code, changed_at
)
INSERT INTO health_records_resourceversion
  (resource_id, resource_type, version, source, message_id, recorded_at)
SELECT id, resource_type, 1, format(%(source)s, code, code, occurred_at, encounter_id,
  md5(id::text), md5(code), resource_type, registration_id), gen_random_uuid(), changed_at
FROM made
"""
SOURCE = (
    '{"category":[{"coding":[{"code":"laboratory","display":"laboratory","system":'
    '"http://terminology.hl7.org/CodeSystem/observation-category"}]}],"code":{"coding":[{"code":"%s",'
    '"display":"Hemoglobin A1c/Hemoglobin.total in Blood","system":"http://loinc.org"}],"text":"%s '
    'Hemoglobin A1c/Hemoglobin.total in Blood"},"effectiveDateTime":"%s","encounter":{"reference":'
    '"Encounter/%s"},"identifier":[{"system":"urn:lis","value":"%s"}],"meta":{"profile":'
    '["http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab"]},"note":[{"text":"%s"}],'
    '"resourceType":"%s","status":"final","subject":{"reference":"Patient/%s"},"valueQuantity":{"code":'
    '"mmol/L","system":"http://unitsofmeasure.org","unit":"mmol/L","value":6.40}}'
)
VISITS = """
WITH made AS (
  INSERT INTO health_records_{table} (id, organisation_id, resource_type, source_key, identifiers, version,
    digest, recorded_at, changed_at, registration_id, occurred_at, ended_at, status_code, code_system,
    code, display, {more})
  SELECT w.id, w.organisation, '{type}', 'urn:uuid:' || w.id, ARRAY['urn:visit|' || w.id, '=' || w.id],
    1, '\\x00', t.at, t.at, w.patient, t.occurred, t.occurred + interval '30 minutes', 'finished', '',
    '', '门诊', {values}
  FROM unnest(%(visits)s::uuid[], %(of)s::uuid[], %(at)s::uuid[]) AS w(id, patient, organisation)
  CROSS JOIN LATERAL (SELECT clock_timestamp() AS at,
    now() - make_interval(mins => (random() * 5256000)::int) AS occurred, w.id AS again) t
  RETURNING id, registration_id, occurred_at, changed_at
)
INSERT INTO health_records_resourceversion
  (resource_id, resource_type, version, source, message_id, recorded_at)
SELECT id, '{type}', 1, format('{{"class":{{"code":"AMB"}},"period":{{"start":"%%s"}},"resourceType":'
  '"{type}","status":"finished","subject":{{"reference":"Patient/%%s"}}}}', occurred_at,
  registration_id), gen_random_uuid(), changed_at
FROM made
"""
TYPES = [
    *["Observation"] * 4, "Condition", "Procedure", "MedicationRequest", "DiagnosticReport",
    "Immunization", "Claim",
]  # fmt: skip


def main(entries: int, organisation: UUID) -> None:
    """Load so many resources."""
    django.setup()
    from django.db import connection, transaction

    chance = random.Random(7)  # noqa: S311 — data, no secrets
    hospitals = [organisation, *(UUID(int=n + 1) for n in range(OTHERS))]
    loaded, known = 0, []
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        while loaded < entries:
            patients = [(uuid4(), hospitals[n % len(hospitals)]) for n in range(PATIENTS_AT_ONCE)]
            with transaction.atomic():
                known += _patients(patients, chance)
                _records(cursor, patients)
            loaded += PATIENTS_AT_ONCE * OF_A_PATIENT
    own = [one for one in known if one["organisation"] == str(organisation)]
    sample = chance.sample(own, min(SAMPLE, len(own)))
    sys.stdout.write(orjson.dumps({"rows": loaded, "patients": sample}).decode() + "\n")


def _patients(patients: list[tuple[UUID, UUID]], chance: random.Random) -> list[dict[str, str]]:
    from django.utils import timezone

    from health_records.models import ResourceVersion
    from health_records.sealing import seal_values
    from kernel.crypto import blind_indexes_of
    from kernel.homes import uuid7
    from registry.patients.models import PatientRegistration
    from registry.patients.rules import RegistrationFacts, searched_numbers
    from registry.patients.sealing import seal_facts

    rows, versions, told = [], [], []
    now = timezone.now()
    for id_, hospital in patients:
        number = f"MR{id_.hex[:10]}"
        facts = RegistrationFacts(
            name="王" + chance.choice("伟芳娜敏静强磊洋艳勇") + chance.choice("一二三四五六"),
            sex=chance.choice("12"),
            birth_date=date(1940, 1, 1) + timedelta(days=chance.randrange(30_000)),
            phones=(f"139{chance.randrange(10**8):08d}",),
            identifiers=(("urn:mrn", number),),
        )
        rows.append(PatientRegistration(
            id=id_, organisation_id=hospital, local_id=number, source_keys=[str(id_)],
            name=facts.name, sex=facts.sex, birth_date=facts.birth_date,
            sealed=seal_facts(id_, facts), digest=b"\0", recorded_at=now, changed_at=now,
            number_indexes=blind_indexes_of("number", searched_numbers(facts)),
        ))  # fmt: skip
        row_id = uuid7()
        versions.append(ResourceVersion(
            id=row_id, resource_id=id_, resource_type="Patient", version=1, message_id=uuid4(),
            source=(
                f'{{"birthDate":"{facts.birth_date}","gender":"male","identifier":[{{"system":"urn:mrn"'
                f'}}],"name":[{{"text":"{facts.name}"}}],"resourceType":"Patient","telecom":[{{"system":'
                '"phone"}]}'
            ),
            sealed=seal_values(
                row_id, {"/identifier/0/value": number, "/telecom/0/value": facts.phones[0]}
            ),
            recorded_at=now,
        ))  # fmt: skip
        told.append({"id": str(id_), "number": number, "organisation": str(hospital)})
    PatientRegistration.objects.bulk_create(rows)
    ResourceVersion.objects.bulk_create(versions)
    return told


def _records(cursor: Any, patients: list[tuple[UUID, UUID]]) -> None:
    """Visits, documents and entries of these patients."""
    for table, type_, each, more, values in (
        ("document", "DocumentReference", 2, "title, content_type, parts", "'', '', 0"),
        ("encounter", "Encounter", 4, "class_code", "'AMB'"),
    ):
        visits = [uuid4() for _ in range(each * len(patients))]
        cursor.execute(
            VISITS.format(table=table, type=type_, more=more, values=values),
            {
                "visits": visits,
                "of": [id_ for id_, _ in patients for _ in range(each)],
                "at": [hospital for _, hospital in patients for _ in range(each)],
            },
        )
    cursor.execute(ENTRIES, {
        "types": TYPES, "source": SOURCE, "visits": visits,
        "ids": [id_ for id_, _ in patients],
        "organisations": [hospital for _, hospital in patients],
    })  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]), UUID(sys.argv[2]))
