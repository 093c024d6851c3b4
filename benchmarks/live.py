"""How soon the commission's wall hears of a push: from its answer until the event of the stream is here."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count, islice
from typing import Any

import orjson
import urllib3

from benchmarks.report import Figure, Report, percentile
from benchmarks.throwaway_province import HUB, Province, running_province, until
from config.cli.demo_access import demo_hospitals
from config.cli.hospital_client import client_of
from config.cli.totp import code_now
from config.model_province.activity import BEIJING, Visit, visit_to
from config.model_province.bundles import as_bytes, bundle_of
from config.model_province.chance import chance_of
from config.model_province.population import BORN_BY, residents_of
from config.model_province.sources import Hospital

CITIES = 2
SEED = 41
PUSHES, PUSHES_QUICK = 100, 8
BETWEEN = 0.37
"""Seconds between two pushes: no multiple of what counts and looks, so that they fall anywhere."""
LIMIT = 2.0
EVENT = b"event: figures"


@dataclass
class Listener:
    """Somebody at the stream: what was told last, and when."""

    told: list[tuple[float, int]] = field(default_factory=list)
    come: threading.Condition = field(default_factory=threading.Condition)

    def listen(self, url: str, token: str) -> None:
        """Hear events until the stream ends."""
        answer = urllib3.PoolManager().request(
            "GET", url, headers={"Authorization": f"Bearer {token}"}, preload_content=False,
            timeout=urllib3.Timeout(read=60),
        )  # fmt: skip
        rest = b""
        with suppress(urllib3.exceptions.ProtocolError):  # the province is stopped in the end
            while chunk := answer.read1(1 << 16):
                *frames, rest = (rest + chunk).split(b"\n\n")
                for frame in frames:
                    self._hear(frame)

    def _hear(self, frame: bytes) -> None:
        if EVENT not in frame:
            return
        figures = orjson.loads(frame.rpartition(b"data: ")[2])
        with self.come:
            self.told.append((time.monotonic(), figures["total"]["visits"]))
            self.come.notify_all()

    def heard(self, visits: int) -> float:
        """When so many visits were first told of."""
        with self.come:
            self.come.wait_for(lambda: self.told and self.told[-1][1] >= visits, timeout=60)
            return next(at for at, told in self.told if told >= visits)


def run(*, quick: bool, cities: int, port_base: int, say: Callable[[str], None]) -> Report:
    """Push visits that begin now, one after the other, and listen at the hub's stream."""
    pushes = PUSHES_QUICK if quick else PUSHES
    report = Report("live", conditions={"cities": cities, "pushes": pushes})
    with running_province(port_base=port_base, cities=cities) as province:
        province.jianqiao("demo", "--no-wait", "--residents", "0")
        listener = _listening(province)
        until(lambda: listener.told)
        delays = list(_delays(province, listener, pushes))
    say(f"longest {max(delays):.2f} s of {pushes}")
    report.figures += [
        Figure("p50", "s", percentile(delays, 50), LIMIT, "what was promised", LIMIT),
        Figure("p99", "s", percentile(delays, 99), LIMIT, "what was promised", LIMIT),
    ]
    return report


def _listening(province: Province) -> Listener:
    users = province.endpoints["users"]
    analyst = next(one for one in users if one["role"] == "commission_analyst")
    body = {
        "login": analyst["login"],
        "password": analyst["secret"],
        "code": code_now(analyst["totp_secret"]),
    }
    signed = urllib3.request("POST", f"{analyst['url']}/api/v1/sign-in", json=body)
    url = province.home.node(HUB).variables()["STREAM_URL"] + "/api/v1/figures/stream"
    listener = Listener()
    words = (url, orjson.loads(signed.data)["access_token"])
    threading.Thread(target=listener.listen, args=words, daemon=True).start()
    return listener


def _delays(province: Province, listener: Listener, pushes: int) -> Iterator[float]:
    hospital = demo_hospitals(province.home)[0]
    client, told = client_of(province.home, hospital.code), listener.told[-1][1]
    for number, visit in enumerate(islice(_visits(hospital), pushes), start=1):
        bundle: dict[str, Any] = bundle_of(visit, seed=SEED)
        answer = client.post("/fhir/R4", as_bytes(bundle), message_id=bundle["identifier"]["value"])
        answered = time.monotonic()
        if not answer.ok:
            raise RuntimeError(f"refused: {answer}")
        yield max(listener.heard(told + number) - answered, 0.0)
        time.sleep(BETWEEN)


def _visits(hospital: Hospital) -> Iterator[Visit]:
    """Visits of this minute, each of another resident."""
    adults = (one for one in residents_of(hospital.node, seed=SEED) if one.age_on(BORN_BY) > 30)
    for resident in adults:
        now = datetime.fromtimestamp(time.time() // 60 * 60, BEIJING)
        tries = (visit_to(hospital, resident, now.date(), chance_of(SEED, str(n))) for n in count())
        yield replace(next(one for one in tries if one is not None), starts=now)
