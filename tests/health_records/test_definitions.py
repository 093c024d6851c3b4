"""The compiled definitions: what is in them, and how they are made."""

import gzip
import json
import zipfile

import pytest

from health_records.formats.fhir.definitions import COMPILED
from health_records.formats.fhir.definitions.compile import compile_definitions, main, packed
from health_records.formats.fhir.resource_types import RESOURCE_TYPES
from health_records.formats.fhir.validation.primitives import PRIMITIVES
from health_records.formats.fhir.validation.structure import check_of, definitions

XMLNS = 'xmlns="http://hl7.org/fhir"'


def element(path, *, types=(), least=0, most="1", more=""):
    listed = "".join(f'<type><code value="{one}"/></type>' for one in types)
    return (
        f'<element><path value="{path}"/><min value="{least}"/><max value="{most}"/>'
        f"{listed}{more}</element>"
    )


def structure(name, *elements, kind="resource", derivation="specialization", type_=None):
    return (
        f'<StructureDefinition><name value="{name}"/><kind value="{kind}"/><abstract value="false"/>'
        f'<type value="{type_ or name}"/><derivation value="{derivation}"/>'
        f"<snapshot>{''.join(elements)}</snapshot></StructureDefinition>"
    )


def rule(key, severity="error"):
    return f'<constraint><key value="{key}"/><severity value="{severity}"/></constraint>'


def bound(value_set, strength="required"):
    return f'<binding><strength value="{strength}"/><valueSet value="{value_set}|4.0.1"/></binding>'


def concepts(*codes):
    return "".join(f'<concept><code value="{one}"/></concept>' for one in codes)


def value_set(url, compose):
    return f'<ValueSet><url value="{url}"/>{compose}</ValueSet>'


TYPES = structure(
    "string",
    '<element><path value="string.value"/><extension url="http://x/regex"><valueString value="\\S+"/></extension></element>',
    kind="primitive-type",
) + structure("Quantity", element("Quantity"), element("Quantity.code", types=["code"]), kind="complex-type") + structure(
    "SimpleQuantity", element("Quantity"), element("Quantity.code", types=["code"], most="0"),
    kind="complex-type", derivation="constraint", type_="Quantity",
) + structure("Profile", element("Patient"), derivation="constraint", type_="Patient")  # fmt: skip

RESOURCES = structure(
    "Visit",
    element("Visit", more=rule("vis-1") + rule("vis-2", "warning")),
    element("Visit.id", types=["http://hl7.org/fhirpath/System.String"]),
    element("Visit.note", more='<type><extension url="http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type">'
            '<valueUrl value="markdown"/></extension><code value="http://hl7.org/fhirpath/System.String"/></type>'),
    element("Visit.status", types=["code"], least=1, more=bound("urn:all") + '<isModifier value="true"/><isSummary value="true"/>'),
    element("Visit.kind", types=["code"], more=bound("urn:elsewhere") + '<isModifier value="false"/><isSummary value="false"/>'),
    element("Visit.colour", types=["code"], more=bound("urn:all", "example")),
    element("Visit.who", more='<type><code value="Reference"/><targetProfile value="http://x/Patient"/>'
            '<targetProfile value="http://x/Group"/></type>'),
    element("Visit.any", more='<type><code value="Reference"/><targetProfile value="http://x/Resource"/></type>'),
    element("Visit.dose[x]", more='<type><code value="Quantity"/><profile value="http://x/SimpleQuantity"/></type>'
            '<type><code value="string"/></type>'),
    element("Visit.part", types=["BackboneElement"], most="*", more=rule("vis-3")),
    element("Visit.part.name", types=["string"], more=rule("ele-1") + rule("vis-4")),
    element("Visit.part.inner", most="*", more='<contentReference value="#Visit.part"/>'),
)  # fmt: skip

TERMS = (
    '<CodeSystem><url value="urn:s"/><content value="complete"/>'
    '<concept><code value="a"/><concept><code value="b"/></concept></concept>'
    '<concept><code value="c"/><property><code value="subsumedBy"/><valueCode value="b"/></property></concept>'
    '<concept><code value="d"/></concept></CodeSystem>'
    f'<CodeSystem><url value="urn:part"/><content value="fragment"/>{concepts("x")}</CodeSystem>'
    + value_set("urn:all", '<compose><include><system value="urn:s"/></include>'
                '<exclude><system value="urn:s"/><concept><code value="d"/></concept></exclude></compose>')
    + value_set("urn:elsewhere", '<compose><include><system value="urn:ietf:bcp:13"/></include></compose>')
)  # fmt: skip


def zipped(path, *, resources=RESOURCES, terms=TERMS):
    contents = {
        "profiles-types.xml": TYPES, "profiles-resources.xml": resources,
        "valuesets.xml": terms, "v3-codesystems.xml": "", "v2-tables.xml": "",
    }  # fmt: skip
    with zipfile.ZipFile(path, "w") as made:
        for name, content in contents.items():
            made.writestr(name, f"<Bundle {XMLNS}>{content}</Bundle>")
    return path


@pytest.fixture
def archive(tmp_path):
    return zipped(tmp_path / "definitions.zip")


def test_what_is_made_of_definitions(archive):
    made = compile_definitions(archive)

    assert made["primitives"] == {"string": "\\S+"}
    assert made["types"]["Visit"] == {
        "rules": ["vis-1"],
        "elements": {
            "id": {"types": ["id"]},
            "note": {"types": ["markdown"]},
            "status": {
                "types": ["code"],
                "min": 1,
                "codes": "urn:all",
                "summary": True,
                "modifier": True,
            },
            "kind": {"types": ["code"]},
            "colour": {"types": ["code"]},
            "who": {"types": ["Reference"], "targets": ["Group", "Patient"]},
            "any": {"types": ["Reference"]},
            "dose[x]": {"types": ["SimpleQuantity", "string"]},
            "part": {"types": ["Visit.part"], "max": "*"},
        },
    }
    assert made["types"]["Visit.part"] == {
        "rules": ["vis-3"],
        "elements": {
            "name": {"types": ["string"], "rules": ["vis-4"]},
            "inner": {"types": ["Visit.part"], "max": "*"},
        },
    }
    assert made["types"]["SimpleQuantity"]["elements"] == {"code": {"types": ["code"], "max": "0"}}
    assert "Profile" not in made["types"]
    assert made["value_sets"] == {"urn:all": {"urn:s": ["a", "b", "c"]}}
    assert made["not_enumerable"] == ["urn:elsewhere"]
    assert made["about"]["licence"] == "CC0-1.0"


def test_the_same_definitions_give_the_same_bytes(archive, tmp_path):
    target = tmp_path / "made.json.gz"

    main(archive, target)

    assert target.read_bytes() == packed(compile_definitions(archive))
    assert json.loads(gzip.decompress(target.read_bytes())) == compile_definitions(archive)


def include(inner):
    return f"<compose><include>{inner}</include></compose>"


def filtered(operation, code, property_="concept"):
    return (
        f'<system value="urn:s"/><filter><property value="{property_}"/><op value="{operation}"/>'
        f'<value value="{code}"/></filter>'
    )


@pytest.mark.parametrize(
    ("compose", "codes"),
    [
        (include(filtered("is-a", "b")), {"urn:s": ["b", "c"]}),
        (include(filtered("descendent-of", "a")), {"urn:s": ["b", "c"]}),
        (include(filtered("=", "a", "status")), None),
        (include('<valueSet value="urn:all"/>'), {"urn:s": ["a", "b", "c"]}),
        (include('<valueSet value="urn:all"/>' + filtered("is-a", "d")), {"urn:s": []}),
        (include('<valueSet value="urn:nowhere"/>'), None),
        (include('<system value="urn:part"/>'), None),
        (include(f'<system value="urn:any"/>{concepts("y", "z")}'), {"urn:any": ["y", "z"]}),
        ("", None),
    ],
)  # fmt: skip
def test_value_sets(compose, codes, tmp_path):
    path = zipped(
        tmp_path / "definitions.zip",
        resources=RESOURCES.replace("urn:elsewhere", "urn:wanted"),
        terms=TERMS + value_set("urn:wanted", compose),
    )

    assert compile_definitions(path)["value_sets"].get("urn:wanted") == codes


def test_what_we_keep_is_whole():
    about, types = definitions()["about"], definitions()["types"]
    values = definitions()["value_sets"]

    assert (about["licence"], COMPILED.stat().st_size < 500_000) == ("CC0-1.0", True)
    assert types.keys() >= RESOURCE_TYPES
    assert RESOURCE_TYPES | {"Resource", "DomainResource"} == set(
        values["http://hl7.org/fhir/ValueSet/resource-types"]["http://hl7.org/fhir/resource-types"]
    )
    assert definitions()["primitives"].keys() == PRIMITIVES.keys()
    assert values["http://hl7.org/fhir/ValueSet/administrative-gender"] == {
        "http://hl7.org/fhir/administrative-gender": ["male", "female", "other", "unknown"]
    }
    assert types["Encounter"]["elements"]["class"] == {
        "types": ["Coding"], "min": 1, "summary": True,
    }  # fmt: skip


def test_every_type_can_be_checked():
    for name in definitions()["types"]:
        assert callable(check_of(name))
