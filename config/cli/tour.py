"""The tour after a demo's start: what a first user should try, run for real, with what came back."""

import json
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import click
import urllib3

from config.cli.failures import NoAnswer, StepFailed
from config.cli.hospital_client import Answer, HospitalClient
from config.cli.language import said

LINES, ITEMS, TEXT, WIDTH = 26, 3, 70, 130
PATIENCE = 60.0


@dataclass
class Tour:
    """Runs requests and prints them as the curl commands a user would type."""

    names: Mapping[str, str]
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=30)
    )
    number: int = 0

    def step(self, zh: str, en: str) -> None:
        """A numbered headline."""
        self.number += 1
        click.echo()
        click.secho(f"{self.number}. {said(zh, en)}", fg="cyan", bold=True)

    def say(self, command: str) -> None:
        """A command as typed, without running it."""
        click.echo(click.style("$ ", fg="green") + command)

    def get(
        self,
        url: str,
        *,
        bearer: tuple[str, str] | None = None,
        fields: tuple[str, ...] = (),
        until: Callable[[Answer], bool] | None = None,
    ) -> Answer:
        """GET, shown and run; repeated while the answer is not yet what it will be.

        Of a list only the named fields of its items are shown.
        """
        words = ["curl", "-s"]
        headers = {}
        if bearer is not None:
            variable, token = bearer
            words += ["-H", f"Authorization: Bearer ${variable}"]
            headers["Authorization"] = f"Bearer {token}"
        self.say(self._typed([*words, url]))
        answer = self._answer("GET", url, headers)
        give_up = time.monotonic() + PATIENCE
        while until is not None and not until(answer) and time.monotonic() < give_up:
            time.sleep(0.2)
            answer = self._answer("GET", url, headers)
        return self.show(answer, fields)

    def sign_in(self, url: str, login: str, secret: str, variable: str) -> str:
        """A session token by login and password."""
        body = json.dumps({"login": login, "password": secret})
        address = f"{url}/api/v1/sign-in"
        json_type = "Content-Type: application/json"
        typed = self._typed(["curl", "-s", address, "-H", json_type, "-d", body])
        pick = """python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])'"""
        self.say(f"{variable}=$({typed} | {pick})")
        headers = {"Content-Type": "application/json"}
        answer = self._answer("POST", address, headers, body.encode())
        self.show(answer)
        return str(taken(answer)["access_token"])

    def hospital_token(self, client: HospitalClient, command: str, variable: str) -> str:
        """An access token of a hospital system, by a signed assertion."""
        self.say(f"{variable}=$({command})")
        token = client.token()
        click.echo(f"  {token[:12]}…")
        return token

    def show(self, answer: Answer, fields: tuple[str, ...] = ()) -> Answer:
        """Print status and a shortened body."""
        colour = "green" if answer.ok else "yellow"
        click.secho(f"← HTTP {answer.status}", fg=colour)
        body = shortened(_chosen(answer.body, fields))
        lines = body.splitlines() if isinstance(body, str) else list(in_lines(body))
        for line in lines[:LINES]:
            click.echo(f"  {line}")
        if len(lines) > LINES:
            click.echo("  …")
        return answer

    def _typed(self, words: list[str]) -> str:
        """Quoted for a shell, with $HUB, $CITY and the like for what the user has set."""
        return " ".join(map(self._quoted, words))

    def _quoted(self, word: str) -> str:
        for variable, value in self.names.items():
            word = word.replace(value, f"${variable}")
        return f'"{word}"' if "$" in word else shlex.quote(word)

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        try:
            response = self.pool.request(method, url, headers=dict(headers), body=body)
        except urllib3.exceptions.HTTPError as error:
            raise NoAnswer(f"{url} 没有应答：{error}", f"{url} does not answer: {error}") from error
        try:
            return Answer(response.status, json.loads(response.data))
        except ValueError:
            return Answer(response.status, response.data.decode("utf-8", "replace"))


def taken(answer: Answer) -> dict[str, Any]:
    """The body of a good answer; the tour ends where something does not work."""
    if not answer.ok or not isinstance(answer.body, dict):
        raise StepFailed(
            f"演示在此中断：HTTP {answer.status} {answer.body}",
            f"The tour stops here: HTTP {answer.status} {answer.body}",
        )
    return answer.body


def shortened(value: Any) -> Any:
    """The same structure with long lists and texts cut."""
    if isinstance(value, dict):
        return {name: _cut(shortened(part)) for name, part in value.items()}
    if isinstance(value, list):
        kept: list[Any] = [_cut(shortened(part)) for part in value[:ITEMS]]
        return [*kept, f"… +{len(value) - ITEMS}"] if len(value) > ITEMS else kept
    return value


def in_lines(value: Any, indent: str = "") -> Iterator[str]:
    """JSON with everything that fits on one line, so that more is seen at once."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= WIDTH or not isinstance(value, dict | list) or not value:
        yield indent + flat
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    parts = value.items() if isinstance(value, dict) else ((None, part) for part in value)
    yield indent + opening
    for number, (name, part) in enumerate(parts, start=1):
        lines = list(in_lines(part, indent + "  "))
        if name is not None:
            lines[0] = f"{indent}  {json.dumps(name, ensure_ascii=False)}: {lines[0].lstrip()}"
        if number < len(value):
            lines[-1] += ","
        yield from lines
    yield indent + closing


def _chosen(body: Any, fields: tuple[str, ...]) -> Any:
    """A page with only some fields of its items."""
    if not fields or not isinstance(body, dict) or "items" not in body:
        return body
    items = [{name: item[name] for name in fields if name in item} for item in body["items"]]
    return {**body, "items": items}


def _cut(value: Any) -> Any:
    return value[:TEXT] + "…" if isinstance(value, str) and len(value) > TEXT else value
