"""Everything the institutions of one city send about a population."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

import orjson

from config.model_province.activity import visits_of
from config.model_province.bundles import bundle_of, enrolment_of
from config.model_province.coding import Json
from config.model_province.population import Resident, residents_of, shares
from config.model_province.sources import Hospital, divisions, hospitals, hospitals_of

ENROLLED_TOGETHER = 25


@dataclass(frozen=True, slots=True)
class Traffic:
    """Which population, over which days; `cities` in the order of their codes."""

    cities: tuple[str, ...]
    residents: int
    first: date
    last: date
    seed: int


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as an institution sends it; the id as the door reads it from the bundle."""

    hospital: Hospital
    message_id: str
    body: bytes


def messages_of(city: str, traffic: Traffic) -> Iterator[Sent]:
    """First every resident of the city is put on file near home, then come the visits by time."""
    everybody = list(_everybody(traffic))
    yield from _enrolments([one for one in everybody if one.city == city], traffic.seed)
    visits = [
        visit
        for resident in everybody
        for visit in visits_of(
            resident,
            first=traffic.first,
            last=traffic.last,
            cities=traffic.cities,
            seed=traffic.seed,
        )
        if visit.hospital.node == city
    ]
    for visit in sorted(visits, key=lambda visit: (visit.starts, visit.key)):
        yield _sent(visit.hospital, bundle_of(visit, seed=traffic.seed))


def _enrolments(residents: Iterable[Resident], seed: int) -> Iterator[Sent]:
    """Lists of equal length for each institution; only its last one may be shorter."""
    of_hospital: dict[str, list[Resident]] = defaultdict(list)
    for resident in residents:
        of_hospital[near_home(resident).code].append(resident)
    for code, listed in of_hospital.items():
        hospital = hospitals()[code]
        for number, start in enumerate(range(0, len(listed), ENROLLED_TOGETHER)):
            part = listed[start : start + ENROLLED_TOGETHER]
            yield _sent(hospital, enrolment_of(part, hospital, number=number, seed=seed))


def near_home(resident: Resident) -> Hospital:
    """The community health centre of people who live in a street, else the township's (基层首诊)."""
    wanted = "B100" if divisions()[resident.township].name.endswith("街道") else "C220"
    return next(hospital for hospital in hospitals_of(resident.city) if hospital.type == wanted)


def count_of(city: str, traffic: Traffic) -> int:
    """About how many messages will come, for a progress bar."""
    own = shares(traffic.cities, traffic.residents)[city]
    days = (traffic.last - traffic.first).days + 1
    return own // ENROLLED_TOGETHER + round(own * days * 5 / 365)


def _everybody(traffic: Traffic) -> Iterator[Resident]:
    for city, share in shares(traffic.cities, traffic.residents).items():
        yield from islice(residents_of(city, seed=traffic.seed), share)


def _sent(hospital: Hospital, bundle: Json) -> Sent:
    identifier = bundle["identifier"]
    message_id = f"{identifier['system']}|{identifier['value']}"
    return Sent(hospital, message_id, orjson.dumps(bundle))
