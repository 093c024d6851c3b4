"""How fast hospitals' records go in, all the way: checked, sealed, stored, audited, at the hub and linked.

The bundles are real Synthea patients (samples/), each many times under other names and numbers. The
reference is COPY of the very rows that were stored into tables with the same indexes.
"""

import bz2
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from queue import Empty, SimpleQueue
from statistics import median
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import orjson

from benchmarks.report import Figure, Report
from benchmarks.throwaway_province import HUB, Province, running_province, until
from config.cli.demo_access import demo_hospitals
from config.cli.hospital_client import client_of

CITIES = 2
CLIENTS = 8
SYNTHEA = Path(__file__).parents[1] / "samples" / "fhir" / "synthea"
PEER = 917.0
"""Resources/s of HAPI FHIR 8.8 on two such cores, tuned for ingest, without validation."""

PEER_BYTES = 9_300.0
UUIDS = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECURITY_NUMBER = re.compile(rb"999-\d\d-\d{4}")
FAMILY = re.compile(rb'("family": ?")([A-Za-z\']+)\d*"')
NAMESPACE = UUID("6a1c5f0e-6200-5000-8000-000000917000")
TABLES = (
    "patients_patientregistration", "patients_registrationversion", "health_records_encounter",
    "health_records_clinicalentry", "health_records_document", "health_records_sourceparty",
    "health_records_resourceversion",
)  # fmt: skip
STORED = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname = ANY(%s)"
UNLINKED = """
SELECT count(*) FROM patients_patientregistration r WHERE NOT EXISTS (
  SELECT FROM persons_identitylink l WHERE l.registration_id = r.id AND l.ended_at IS NULL)
"""


def run(*, quick: bool, cities: int, port_base: int, say: Callable[[str], None]) -> Report:
    """Push some rounds of bundles at one city and look at what became of them."""
    copies, rounds, long_run = (2, 1, 200) if quick else (40, 3, 20_000)
    report = Report("ingest", conditions={"clients": CLIENTS, "rounds": rounds})
    with running_province(port_base=port_base, cities=cities, web_workers=2) as province:
        province.jianqiao("demo", "--no-wait", "--residents", "0")
        hospital = demo_hospitals(province.home)[0]
        door = Door(province, hospital.node, hospital.code)
        shared, people = _inputs()
        _push(door, shared)
        ours, floor = [], []
        for number in range(rounds):
            bundles = [_copy(one, shared, number * copies + copy) for copy in range(copies)
                       for one in people]  # fmt: skip
            resources = sum(len(orjson.loads(one)["entry"]) for one in bundles)
            before = _versions(province, hospital.node)
            began = time.perf_counter()
            _push(door, bundles)
            answered = time.perf_counter() - began
            until(lambda: _is_settled(province, hospital.node), 300)
            ours.append(resources / (time.perf_counter() - began))
            stored = _versions(province, hospital.node) - before
            floor.append(stored / _copy_seconds(province, hospital.node, stored))
            say(
                f"round {number + 1}: {resources} resources, {stored} versions stored,"
                f" answered {resources / answered:.0f}/s, settled {ours[-1]:.0f}/s,"
                f" COPY {floor[-1]:.0f}/s"
            )
        stored = _versions(province, hospital.node)
        size = province.rows(hospital.node, STORED, list(TABLES))[0][0]
        first, last = _memory_over(door, province, hospital.node, long_run, people[0], shared)
    rate, copied = median(ours), median(floor)
    report.conditions |= {"long_run_bundles": long_run}
    report.figures += [
        Figure("resources", "1/s", rate, copied, "COPY of the same rows", 0.15, False, "ratio"),
        Figure("beside_peer", "1/s", rate, PEER, "HAPI FHIR 8.8 without validation", 6, False, "ratio"),
        Figure("disk", "B/resource", float(size) / stored, PEER_BYTES, "HAPI FHIR 8.8", 1, True, "ratio"),
        Figure("web_memory", "MB", last, first, "after the first tenth", 1.1, True, "ratio"),
    ]  # fmt: skip
    return report


class Door:
    """The public door of a city, for one hospital."""

    def __init__(self, province: Province, node: str, hospital: str) -> None:
        self.place = urlsplit(province.url(node))
        self.client = client_of(province.home, hospital)

    def post(self, connection: HTTPConnection, body: bytes) -> None:
        """One transaction, answered with 200."""
        headers = {
            "Authorization": f"Bearer {self.client.token()}", "Prefer": "return=minimal",
            "Content-Type": "application/fhir+json",
        }  # fmt: skip
        connection.request("POST", "/fhir/R4", body=body, headers=headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(said[:2_000].decode())

    def connect(self) -> HTTPConnection:
        """A connection that is kept."""
        return HTTPConnection(self.place.hostname or "", self.place.port, timeout=120)


def _push(door: Door, bundles: Sequence[bytes]) -> None:
    """All bundles over a few connections at once."""
    door.client.token()
    left: SimpleQueue[bytes] = SimpleQueue()
    for one in bundles:
        left.put(one)
    failures: list[BaseException] = []

    def work() -> None:
        connection = door.connect()
        try:
            while not failures:
                door.post(connection, left.get_nowait())
        except Empty:
            pass
        except BaseException as error:  # noqa: BLE001 — raised again by the caller
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(min(CLIENTS, len(bundles)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _inputs() -> tuple[list[bytes], list[bytes]]:
    """The bundles that others refer to, and those of one patient each."""
    files = sorted(SYNTHEA.glob("*.json.bz2"))
    shared = [bz2.decompress(one.read_bytes()) for one in files if one.name.startswith("0-")]
    return shared, [bz2.decompress(one.read_bytes()) for one in files if one.name[:2] != "0-"]


def _copy(bundle: bytes, shared: Sequence[bytes], number: int) -> bytes:
    """Another patient with the same history."""
    kept = {found for one in shared for found in UUIDS.findall(one)}
    made: dict[bytes, bytes] = {}

    def other(match: re.Match[bytes]) -> bytes:
        old = match[0]
        if old in kept:
            return old
        if old not in made:
            made[old] = str(uuid5(NAMESPACE, f"{number}/{old.decode()}")).encode()
        return made[old]

    renamed = FAMILY.sub(rb'\g<1>\g<2>%d"' % number, UUIDS.sub(other, bundle))
    return SECURITY_NUMBER.sub(b"9%02d-%02d-%04d" % (number % 90, number % 97, number), renamed)


def _versions(province: Province, node: str) -> int:
    (count,) = province.rows(node, "SELECT count(*) FROM health_records_resourceversion")[0]
    return int(count)


def _is_settled(province: Province, node: str) -> bool:
    """Whether the hub has every version, and a link for every registration."""
    here = "SELECT count(*) FROM health_records_resourceversion WHERE node = %s"
    if province.rows(HUB, here, node)[0][0] != _versions(province, node):
        return False
    return bool(province.rows(HUB, UNLINKED)[0][0] == 0)


def _copy_seconds(province: Province, node: str, versions: int) -> float:
    """How long COPY takes for what the last round stored, into tables with the same indexes."""
    seconds = 0.0
    with province.cursor(node, "owner") as cursor:
        cursor.execute(
            "SELECT min(recorded_at) FROM (SELECT recorded_at FROM health_records_resourceversion"
            " ORDER BY recorded_at DESC LIMIT %s) AS last", [versions],
        )  # fmt: skip
        (since,) = cursor.fetchone()
        for table in TABLES:
            cursor.execute("DROP TABLE IF EXISTS bench_copied")
            cursor.execute(f"CREATE TABLE bench_copied (LIKE {table} INCLUDING ALL)")
            rows = _Rows()
            cursor.copy_expert(
                cursor.mogrify(
                    f"COPY (SELECT * FROM {table} WHERE recorded_at >= %s) TO STDOUT",  # noqa: S608
                    [since],
                ).decode(),
                rows,
            )
            began = time.perf_counter()
            cursor.copy_expert("COPY bench_copied FROM STDIN", rows.reader())
            seconds += time.perf_counter() - began
        cursor.execute("DROP TABLE bench_copied")
    return seconds


class _Rows:
    """Rows in COPY's text form, in memory."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        """Take a part."""
        self.parts.append(part)
        return len(part)

    def reader(self) -> "_Rows":
        """Itself, to be read from the start."""
        self.left: Iterator[bytes] = iter(self.parts)
        return self

    def read(self, size: int = 0) -> bytes:
        """The next part; nothing at the end."""
        return next(self.left, b"")


def _memory_over(
    door: Door, province: Province, node: str, bundles: int, person: bytes, shared: Sequence[bytes]
) -> tuple[float, float]:
    """Memory of the city's web processes after a tenth of many small bundles, and after all."""
    small = orjson.loads(person)
    small["entry"] = [
        one for one in small["entry"] if one["resource"]["resourceType"] == "Patient"
    ]  # fmt: skip
    body = orjson.dumps(small)
    first = 0.0
    for part in range(10):
        size = bundles // 10
        start = 1_000_000 + part * size
        _push(door, [_copy(body, shared, start + one) for one in range(size)])
        if part == 0:
            first = _web_memory(province, node)
    return first, _web_memory(province, node)


def _web_memory(province: Province, node: str) -> float:
    return sum(
        float(process["pss_bytes"]) / (1 << 20)
        for one in province.status()["nodes"] if one["code"] == node
        for process in one["processes"] if process["process"] == "web"
    )  # fmt: skip
