"""Residents of a city, household by household, as they really are.

How a hospital writes them down is another matter: see `registrations`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from config.model_province import names
from config.model_province.chance import chance_of
from config.model_province.sources import Division, children_of, divisions
from registry.identity_documents import FEMALE, MALE, identity_check_digit

BORN_BY = date(2026, 7, 1)
"""Nobody of the model province was born later."""

CITY_WEIGHTS: Mapping[str, int] = {
    "620100": 436, "620200": 31, "620300": 44, "620400": 151, "620500": 299, "620600": 147, "620700": 113,
    "620800": 185, "620900": 106, "621000": 218, "621100": 252, "621200": 241, "622900": 211, "623000": 69,
}  # fmt: skip
"""Residents of the 2020 census in tens of thousands."""

HAN = "01"
ETHNIC_MIX: Mapping[str, Mapping[str, int]] = {
    "620": {HAN: 94, "03": 4, "04": 1, "11": 1},
    "620525": {HAN: 30, "03": 70},
    "620623": {HAN: 62, "04": 32, "30": 6},
    "620721": {HAN: 56, "38": 1, "48": 33, "04": 10},
    "620923": {HAN: 60, "02": 38, "03": 2},
    "620924": {HAN: 60, "17": 36, "03": 4},
    "622": {HAN: 40, "03": 34, "26": 22, "47": 2, "35": 2},
    "622926": {HAN: 10, "03": 4, "26": 86},
    "622927": {HAN: 46, "03": 30, "26": 10, "47": 10, "35": 4},
    "623": {HAN: 42, "04": 54, "03": 4},
}
"""Ethnic groups (GB/T 3304) by county, else by the first three digits."""

MOBILE_PREFIXES = tuple(
    str(prefix)
    for block in (
        range(130, 140),
        range(150, 160),
        range(175, 179),
        range(180, 190),
        (166, 173, 191, 193),
    )
    for prefix in block
    if prefix not in {134, 154}
)


@dataclass(frozen=True, slots=True)
class Resident:
    """One person of the model province; a newborn may have no identity number yet."""

    key: str
    family_name: str
    given_name: str
    sex: str
    birth_date: date
    ethnic_group: str
    identity_number: str | None
    phone: str
    borrows_phone: bool
    city: str
    township: str
    address: str

    @property
    def name(self) -> str:
        """The whole name, family name first."""
        return self.family_name + self.given_name

    def age_on(self, day: date) -> int:
        """Completed years."""
        passed = (day.month, day.day) >= (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - (not passed)


def residents_of(city: str, *, seed: int) -> Iterator[Resident]:
    """Residents of a city without end; a longer stream begins with the shorter one."""
    taken: set[str] = set()
    for number in count():
        yield from _household(city, number, chance_of(seed, "household", city, number), taken)


def shares(cities: tuple[str, ...], total: int) -> dict[str, int]:
    """How many of `total` residents live in each city, as in the census."""
    weight = sum(CITY_WEIGHTS[city] for city in cities)
    parts = {city: total * CITY_WEIGHTS[city] // weight for city in cities}
    parts[max(cities, key=CITY_WEIGHTS.__getitem__)] += total - sum(parts.values())
    return parts


def _household(city: str, number: int, chance: Random, taken: set[str]) -> Iterator[Resident]:
    """A head, perhaps a spouse, children, and a parent of the head; all under one roof."""
    home = chance.choice(children_of(chance.choice(children_of(city)).code))
    ethnic_group = _ethnic_group(home, chance)
    address = _address(home, chance)
    surname = names.family_name(chance, ethnic_group)
    members = count()

    def member(
        *, age: int, sex: str, family: str, borrowed_phone: str | None, given: str | None = None
    ) -> Resident:
        born = BORN_BY - timedelta(days=int(age * 365.25) + chance.randint(1, 365))
        without_number = age == 0 and chance.random() < 0.4
        return Resident(
            key=f"{city}-{number}-{next(members)}",
            family_name=family,
            given_name=given or names.given_name(chance, sex, ethnic_group, born.year),
            sex=sex,
            birth_date=born,
            ethnic_group=ethnic_group,
            identity_number=None
            if without_number
            else _identity_number(home, born, sex, chance, taken),
            phone=borrowed_phone or _mobile(chance),
            borrows_phone=borrowed_phone is not None,
            city=city,
            township=home.code,
            address=address,
        )

    head = mother = member(
        age=chance.randint(24, 62),
        sex=MALE if chance.random() < 0.7 else FEMALE,
        family=surname,
        borrowed_phone=None,
    )
    yield head
    head_age = head.age_on(BORN_BY)
    if chance.random() < 0.75:
        spouse = member(
            age=max(22, head_age + chance.randint(-4, 3)),
            sex=FEMALE if head.sex == MALE else MALE,
            family=names.family_name(chance, ethnic_group),
            borrowed_phone=head.phone if chance.random() < 0.1 else None,
        )
        mother = spouse if spouse.sex == FEMALE else head
        yield spouse
    for _ in range(chance.choice((0, 0, 1, 1, 1, 2, 2, 3))):
        age = head_age - chance.randint(22, 34)
        if age < 0:
            continue
        sex = MALE if chance.random() < 0.53 else FEMALE
        unnamed = age == 0 and mother.sex == FEMALE and chance.random() < 0.5
        yield member(
            age=age,
            sex=sex,
            family="" if unnamed else surname,
            borrowed_phone=head.phone if age < 14 or chance.random() < 0.1 else None,
            given=f"{mother.name}之{'子' if sex == MALE else '女'}" if unnamed else None,
        )
    if chance.random() < 0.3:
        sex = MALE if chance.random() < 0.45 else FEMALE
        yield member(
            age=min(97, head_age + chance.randint(21, 30)),
            sex=sex,
            family=surname if sex == head.sex == MALE else names.family_name(chance, ethnic_group),
            borrowed_phone=head.phone if chance.random() < 0.5 else None,
        )


def _ethnic_group(home: Division, chance: Random) -> str:
    mix = ETHNIC_MIX.get(home.parent) or ETHNIC_MIX.get(home.code[:3], ETHNIC_MIX["620"])
    return chance.choices(list(mix), list(mix.values()))[0]


def _address(home: Division, chance: Random) -> str:
    county = divisions()[home.parent]
    city = divisions()[county.parent]
    area = city.name if city.name == county.name else city.name + county.name
    if home.name.endswith("街道"):
        line = f"示范小区{chance.randint(1, 30)}号楼{chance.randint(1, 6)}单元{chance.randint(101, 1802)}室"
    else:
        line = f"示范村{chance.randint(1, 9)}社{chance.randint(1, 180)}号"
    return f"甘肃省{area}{home.name}{line}"


def _mobile(chance: Random) -> str:
    return f"{chance.choice(MOBILE_PREFIXES)}{chance.randrange(10**8):08d}"


def _identity_number(home: Division, born: date, sex: str, chance: Random, taken: set[str]) -> str:
    """A number of the home county, used by nobody else of the stream."""
    while True:
        sequence = chance.randrange(500) * 2 + (sex == MALE)
        first_17 = f"{home.parent}{born:%Y%m%d}{sequence:03d}"
        if first_17 not in taken:
            taken.add(first_17)
            return first_17 + identity_check_digit(first_17)
