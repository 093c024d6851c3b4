"""Fictional institutions of real kinds and levels in every city, and who works there."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from config.model_province import names
from config.model_province.chance import chance_of
from config.model_province.sources import (
    Division,
    children_of,
    cities,
    department_names,
    divisions,
)
from registry.identity_documents import FEMALE, MALE, organisation_code_check, uscc_check

HAN = "01"
STATE_OWNED, NON_PROFIT, OPEN = "11", "1", "0"
"""Economic type, management type and status of WS 218 institutions."""

SMALL = ("A02", "A01", "A03", "A50")
COUNTY = ("A03", "A04", "A05", "A07", "A10", "A11", "A13", "A16", "A20", "A30", "A32", "A50")
CHINESE_MEDICINE = (
    *("A50.01", "A50.02", "A50.03", "A50.04", "A50.05", "A50.10", "A50.13", "A50.14", "A52"),
    *("A03", "A20", "A30", "A32"),
)
GREAT = (
    *(
        "A03.01",
        "A03.02",
        "A03.03",
        "A03.04",
        "A03.06",
        "A03.07",
        "A04.01",
        "A04.02",
        "A04.03",
        "A04.04",
    ),
    *(
        "A05.01",
        "A05.02",
        "A07",
        "A10",
        "A11",
        "A12",
        "A13",
        "A15",
        "A16",
        "A17",
        "A19",
        "A20",
        "A21",
    ),
    *("A26", "A28", "A30", "A31", "A32.02", "A32.05", "A32.06", "A50"),
)
"""Departments by CT08.00.002."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the institutions of one kind have in common."""

    suffix: str
    type: str
    level: str
    grade: str
    departments: tuple[str, ...]
    doctors: int
    titles: Mapping[str, int]


TITLES = {"231": 2, "232": 3, "233": 5, "234": 4}
SMALL_TITLES = {"232": 1, "233": 3, "234": 4, "235": 2}
"""GB/T 8561 titles (chief, deputy chief, attending, resident, assistant) and how often each."""

KINDS = (
    Kind("桥安第一示范医院", "A100", "3", "A", GREAT, 46, TITLES),
    Kind("桥安中医示范医院", "A210", "3", "B", CHINESE_MEDICINE, 20, TITLES),
    Kind("桥安示范医院", "A100", "2", "A", COUNTY, 16, TITLES),
    Kind("桥安示范卫生院", "C220", "1", "A", SMALL, 5, SMALL_TITLES),
    Kind("桥安示范社区卫生服务中心", "B100", "9", "N", SMALL, 5, SMALL_TITLES),
)


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """One line of organisations.csv."""

    code: str
    uscc: str
    name: str
    type: str
    level: str
    grade: str
    management: str
    status: str
    node: str
    division: str
    address: str
    phone: str


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """One line of departments.csv."""

    organisation: str
    code: str
    standard: str
    name: str


@dataclass(frozen=True, slots=True)
class PractitionerRow:
    """One line of practitioners.csv."""

    organisation: str
    department: str
    code: str
    certificate: str
    name: str
    sex: str
    title: str


def organisations() -> Iterator[tuple[OrganisationRow, Kind]]:
    """Five institutions in each of the fourteen cities."""
    for city in cities():
        for number, kind in enumerate(KINDS, start=1):
            yield _organisation(city, kind, number), kind


def _organisation(city: Division, kind: Kind, number: int) -> OrganisationRow:
    """Letters JQ begin the organisation code, so that no real institution can have it."""
    place = _place(city, kind)
    county = place.code[:6]
    body = f"JQ{city.code[:4]}{number:02d}"
    organisation_code = body + organisation_code_check(body)
    credit_body = f"12{county}{organisation_code}"
    return OrganisationRow(
        code=f"{organisation_code}{county}{STATE_OWNED}{kind.type}{NON_PROFIT}",
        uscc=credit_body + uscc_check(credit_body),
        name=_short(place) + kind.suffix,
        type=kind.type,
        level=kind.level,
        grade=kind.grade,
        management=NON_PROFIT,
        status=OPEN,
        node=city.code,
        division=place.code,
        address=f"{city.name}{'' if place is city else _full(place)}示范路{number}号",
        phone=f"0000-{city.code[2:4]}{number:02d}120",
    )


def _place(city: Division, kind: Kind) -> Division:
    """Great hospitals carry the city's name, the others that of their county, township or street."""
    counties = children_of(city.code)
    rural = next((county for county in counties[1:] if county.name.endswith("县")), counties[-1])
    match kind.type, kind.level:
        case "A100", "2":
            return rural if rural is not counties[0] else city
        case "C220", _:
            return next(t for t in children_of(rural.code) if t.name.endswith(("镇", "乡")))
        case "B100", _:
            return next(t for t in children_of(counties[0].code) if t.name.endswith("街道"))
        case _:
            return city


def _full(place: Division) -> str:
    """County, or county and township."""
    county = divisions()[place.code[:6]]
    return place.name if place is county else county.name + place.name


def _short(place: Division) -> str:
    """How an institution's name calls its place: 临夏州, 永登县城关镇, 酒泉路."""
    name = place.name if place.level in {"city", "county"} else _full(place)
    for long, short in (
        ("回族自治州", "州"),
        ("藏族自治州", "州"),
        ("办事处街道", ""),
        ("街道", ""),
    ):
        name = name.removesuffix(long) + short if name.endswith(long) else name
    return name


def departments() -> Iterator[DepartmentRow]:
    """Departments of every institution; the local code is the institution's own running number."""
    for organisation, kind in organisations():
        for number, standard in enumerate(kind.departments, start=1):
            name = department_names()[standard].removesuffix("专业")
            yield DepartmentRow(organisation.code, f"{number:03d}", standard, name)


def practitioners() -> Iterator[PractitionerRow]:
    """Doctors of every institution, at least one in each of its clinical departments."""
    for order, (organisation, kind) in enumerate(organisations(), start=1):
        chance = chance_of("practitioners", organisation.code)
        for number in range(1, kind.doctors + 1):
            sex = MALE if chance.random() < 0.55 else FEMALE
            yield PractitionerRow(
                organisation=organisation.code,
                department=kind.departments[(number - 1) % len(kind.departments)],
                code=f"{number:04d}",
                certificate=f"9{order:04d}{number:010d}",
                name=names.family_name(chance)
                + names.given_name(chance, sex, HAN, chance.randint(1966, 1998)),
                sex=sex,
                title=chance.choices(list(kind.titles), list(kind.titles.values()))[0],
            )


def tables() -> dict[str, list[dict[str, str]]]:
    """The generated tables of samples/registry by file name."""
    return {
        "organisations.csv": [asdict(row) for row, _ in organisations()],
        "departments.csv": [asdict(row) for row in departments()],
        "practitioners.csv": [asdict(row) for row in practitioners()],
    }
