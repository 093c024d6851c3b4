"""Chinese personal names with the frequencies of real family names."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from itertools import accumulate
from random import Random

from config.model_province.sources import SAMPLES, rows

CUSTOMS = {
    "04": "tibetan",
    "02": "mongol",
    "17": "kazakh",
    "03": "hui",
    "26": "hui",
    "47": "hui",
    "35": "hui",
}
"""Ethnic groups (GB/T 3304) whose names follow a custom of their own."""

WITHOUT_FAMILY_NAME = frozenset({"tibetan", "mongol", "kazakh"})
HUI_FAMILY = (
    "马",
    "马",
    "马",
    "马",
    "丁",
    "杨",
    "李",
    "张",
    "苏",
    "罗",
    "白",
    "海",
    "妥",
    "喇",
    "穆",
)
DOTTED = {"tibetan": 0.2, "mongol": 0.2, "kazakh": 1.0}
"""How often the household register writes a middle dot between the two parts."""

WHOLE_NAME = 0.5
"""How often a Han name is one in fashion, rather than put together of two characters."""


@cache
def _family_names() -> tuple[tuple[str, ...], tuple[int, ...]]:
    table = [
        (row["name"], int(row["weight"])) for row in rows("family_names.csv", SAMPLES / "names")
    ]
    return tuple(name for name, _ in table), tuple(accumulate(weight for _, weight in table))


@cache
def _given_names() -> Mapping[tuple[str, str, str], Mapping[int, list[str]]]:
    """(custom, sex, part) → year of birth from which they are in fashion → names."""
    table: dict[tuple[str, str, str], dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows("given_names.csv", SAMPLES / "names"):
        table[row["custom"], row["sex"], row["part"]][int(row["since"])].append(row["name"])
    return table


def family_name(chance: Random, ethnic_group: str = "01") -> str:
    """A family name, as often as it is met; empty where names have none."""
    custom = CUSTOMS.get(ethnic_group)
    if custom in WITHOUT_FAMILY_NAME:
        return ""
    if custom == "hui":
        return chance.choice(HUI_FAMILY)
    names, cumulative = _family_names()
    return chance.choices(names, cum_weights=cumulative)[0]


def given_name(chance: Random, sex: str, ethnic_group: str, born: int) -> str:
    """The part of the name that is the person's own, after the fashion of the year of birth."""
    custom = CUSTOMS.get(ethnic_group, "han")
    if custom == "hui" and chance.random() >= WHOLE_NAME:
        custom = "han"

    def pick(part: str) -> str:
        fashions = _given_names()[custom, sex, part]
        return chance.choice(fashions[max(year for year in fashions if year <= born)])

    if custom in DOTTED:
        dot = "·" if chance.random() < DOTTED[custom] else ""
        return f"{pick('first')}{dot}{pick('last')}"
    if custom == "hui" or chance.random() < WHOLE_NAME:
        return pick("whole")
    return pick("first") + pick("last")
