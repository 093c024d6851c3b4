"""Commands that bring the model province into a node."""

import csv
import gzip
import io
import json

import pytest
from django.core.management import CommandError, call_command

from config.model_province.population import shares
from config.model_province.sources import SAMPLES, rows
from health_records.models import Encounter, Message
from kernel.actor import Role
from registry.accounts.models import Account, HospitalClient
from registry.organisations.models import Department, Organisation
from registry.organisations.services import load_organisations
from registry.patients.models import PatientRegistration
from registry.practitioners.models import Practitioner, PractitionerRole
from registry.terminology.models import CodeSystem, Concept

HOSPITAL = "JQ620104162012111C2201"
JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    """The registers, cut to one township hospital and a few codes."""
    kept = {
        "divisions.csv": lambda row: row["level"] == "city",
        "department_codes.csv": lambda row: row["code"].startswith("A0"),
        "icd10.csv.gz": lambda row: row["code"].startswith("I10"),
        "organisations.csv": lambda row: row["code"] == HOSPITAL,
        "departments.csv": lambda row: row["organisation"] == HOSPITAL,
        "practitioners.csv": lambda row: row["organisation"] == HOSPITAL,
    }
    for name, wanted in kept.items():
        write(tmp_path / name, [row for row in rows(name) if wanted(row)])
    return tmp_path


def write(path, table):
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def load(folder):
    out = io.StringIO()
    call_command("load_registry", str(folder), stdout=out)
    return json.loads(out.getvalue())


def register(monkeypatch, **wanted):
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(wanted)))
    call_command("register_access", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.node("hub")
def test_registers_are_loaded_and_a_repeat_changes_nothing(folder):
    first = load(folder)
    again = load(folder)

    assert first["organisations"] == {"created": 1, "changed": 0, "unchanged": 0}
    assert first["divisions"]["created"] == 14
    assert {step["created"] + step["changed"] for step in again.values()} == {0}
    organisation = Organisation.objects.get()
    assert (organisation.code, organisation.node, organisation.type) == (HOSPITAL, "620100", "C220")
    assert Department.objects.count() == 4
    assert Practitioner.objects.count() == PractitionerRole.objects.count() == 5
    assert not PractitionerRole.objects.filter(department=None).exists()
    assert CodeSystem.objects.count() == 3
    assert Concept.objects.get(code="I10.X11").display == "原发性高血压"


@pytest.mark.node("hub")
def test_a_changed_row_changes_its_row_only(folder):
    load(folder)
    table = list(rows("organisations.csv", folder))
    write(folder / "organisations.csv", [{**table[0], "name": "更名示范卫生院"}])

    done = load(folder)

    assert done["organisations"] == {"created": 0, "changed": 1, "unchanged": 0}
    assert sum(step["changed"] + step["created"] for step in done.values()) == 1
    assert Organisation.objects.get().name == "更名示范卫生院"


@pytest.mark.node("hub")
def test_clients_and_staff_are_registered_once(folder, monkeypatch):
    load(folder)
    client = {"client_id": "his-1", "hospital": HOSPITAL, "public_keys": [JWK]}
    doctor = {
        "login": "clinician",
        "secret": "demo-12345",
        "role": "clinician",
        "name": "王医生",
        "hospital": HOSPITAL,
    }

    for _ in range(2):
        answer = register(monkeypatch, clients=[client], users=[doctor])

    assert answer == {"persons": {}}
    assert HospitalClient.objects.get().organisation.code == HOSPITAL
    account = Account.objects.get()
    assert (account.role, account.audience) == (Role.CLINICIAN, ["620100"])


@pytest.mark.node("hub")
def test_a_resident_nobody_knows_gets_no_account(monkeypatch):
    monkeypatch.setattr("config.management.commands.register_access.PERSON_KNOWN_WITHIN", 0.0)
    resident = {
        "login": "resident",
        "secret": "demo-12345",
        "role": "resident",
        "identity_number": "620102199003070018",
    }

    with pytest.raises(CommandError):
        register(monkeypatch, users=[resident])

    assert not Account.objects.exists()


@pytest.mark.node("city")
@pytest.mark.parametrize("command", ["load_registry", "register_access"])
def test_only_the_hub_keeps_registers(command):
    words = [str(SAMPLES / "registry")] if command == "load_registry" else []

    with pytest.raises(CommandError):
        call_command(command, *words)


WORDS = [
    *("--cities", "620100,620800", "--residents", "40"),
    *("--first", "2026-08-01", "--last", "2026-08-31", "--seed", "5"),
]


def seed(*words):
    out = io.StringIO()
    call_command("seed_city", *(words or WORDS), stdout=out)
    *progress, last = [json.loads(line) for line in out.getvalue().splitlines()]
    assert all(line["done"] <= line["total"] for line in progress)
    return last["result"]


@pytest.fixture
def registers(arrives):
    with arrives():
        load_organisations(rows("organisations.csv"))


@pytest.mark.node("city")
@pytest.mark.usefixtures("registers")
def test_a_city_is_seeded_once():
    first, again = seed(), seed()

    assert first["known"] == 0
    assert again == {"messages": 0, "known": first["messages"], "resources": 0}
    assert Message.objects.count() == first["messages"]
    nodes = Organisation.objects.filter(id__in=Message.objects.values("organisation"))
    assert set(nodes.values_list("node", flat=True)) == {"620100"}
    assert PatientRegistration.objects.count() >= shares(("620100", "620800"), 40)["620100"]
    assert Encounter.objects.count() > 0


@pytest.mark.node("city")
@pytest.mark.usefixtures("registers")
def test_more_residents_are_added_to_those_there():
    seed()
    before = set(PatientRegistration.objects.values_list("id", "version"))

    seed(*(word.replace("40", "60") for word in WORDS))

    after = set(PatientRegistration.objects.values_list("id", "version"))
    assert before < after


@pytest.mark.node("city")
def test_a_city_is_not_seeded_without_the_register():
    with pytest.raises(CommandError, match="not in the register"):
        seed()

    assert not Message.objects.exists()


@pytest.mark.node("hub")
def test_the_hub_is_not_seeded():
    with pytest.raises(CommandError, match="620000"):
        seed()
