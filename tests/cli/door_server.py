"""A door of a hospital's city that remembers what it was sent and answers as it is told."""

import json
from collections.abc import Callable
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import jwt

from config.cli import hospital_client

HOSPITAL = "JQ620101762010011A1001"


def transaction(*kinds, identifier=None, kind="transaction"):
    bundle = {"resourceType": "Bundle", "type": kind}
    if identifier:
        bundle["identifier"] = {"system": "urn:x", "value": identifier}
    bundle["entry"] = [{"resource": {"resourceType": k}} for k in kinds]
    return json.dumps(bundle).encode()


def resolved(stored, content):
    """The answer of a door that takes what refers to something stored, or to something it brings."""
    resources = [one["resource"] for one in content.get("entry", [])] or [content]
    brought = {f"{one['resourceType']}/{one['id']}" for one in resources}
    wanted = {
        one["partOf"][place]["reference"]
        for one in resources
        for place in range(len(one["partOf"]))
    }
    if missing := wanted - brought - stored:
        issues = [
            {
                "code": "not-found",
                "details": {"coding": [{"code": "reference-resolves"}], "text": one},
            }
            for one in sorted(missing)
        ]
        return 422, {"resourceType": "OperationOutcome", "issue": issues}
    stored |= brought
    if "entry" not in content:
        return 201, content
    taken = [{"response": {"status": "201 Created"}} for _ in resources]
    return 200, {"resourceType": "Bundle", "type": "transaction-response", "entry": taken}


class Keeper:
    """What a door keeps: takes everything in, refers by its own ids, gives it back as `altered` says."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.names: dict[str, str] = {}
        self.altered: Callable[[Any], Any] = lambda resource: resource

    def take(self, body):
        """Status, answer and Location."""
        content = json.loads(body.decode("utf-8-sig"), parse_float=Decimal)
        if content.get("type") not in {"transaction", "batch"}:
            location = self._keep([{"resource": content}])[0]
            return 201, self.read(location), location
        taken = [
            {"response": {"status": "201 Created", "location": one}}
            for one in self._keep(content["entry"])
        ]
        return 200, {"resourceType": "Bundle", "type": "batch-response", "entry": taken}, ""

    def read(self, location):
        """The resource at a place, None when there is none."""
        resource = self.kept.get(location)
        return resource and self.altered(json.loads(resource, parse_float=Decimal))

    def _keep(self, entries):
        places = []
        for entry in entries:
            resource, full_url = entry["resource"], entry.get("fullUrl")
            type_ = resource["resourceType"]
            place = f"{type_}/{uuid4()}"
            self.names |= {one: place for one in (full_url, f"{type_}/{resource.get('id')}") if one}
            for one in resource.get("identifier", []):
                self.names[f"{type_}?identifier={one['system']}|{one['value']}"] = place
            places.append(place)
        for entry, place in zip(entries, places, strict=True):
            server_owned = {"versionId": "1", "lastUpdated": "2026-11-21T08:00:00.000+08:00"}
            content = self._referring(entry["resource"]) | {"id": place.partition("/")[2]}
            content["meta"] = content.get("meta", {}) | server_owned
            self.kept[f"{place}/_history/1"] = written(content)
        return [f"{place}/_history/1" for place in places]

    def _referring(self, node):
        if isinstance(node, list):
            return [self._referring(one) for one in node]
        if not isinstance(node, dict):
            return node
        return {
            key: self.names.get(value, value) if key == "reference" else self._referring(value)
            for key, value in reversed(node.items())
        }


def written(content):
    """JSON with decimals as they were written."""
    numbers: dict[str, str] = {}

    def number(value):
        numbers[f'"number {len(numbers)}"'] = str(value)
        return f"number {len(numbers) - 1}"

    text = json.dumps(content, default=number)
    for name, value in numbers.items():
        text = text.replace(name, value)
    return text


def procedure(folder, name, *targets):
    parts = [{"reference": f"Procedure/{target}"} for target in targets]
    (folder / f"{name}.json").write_text(
        json.dumps({"resourceType": "Procedure", "id": name, "partOf": parts})
    )


class DoorServer(ThreadingHTTPServer):
    """What the door remembers, and what it is told to do."""

    daemon_threads = True

    def __init__(self, key: Any, home: Path) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key, self.home, self.life = key, home, 300.0
        self.script: list[Any] = []
        self.refuses = 0
        self.resolves = False
        self.keeper: Keeper | None = None
        self.stored: set[str] = set()
        self.signed_in: list[str] = []
        self.received: list[tuple[str, str, bytes]] = []
        self.tokens: list[str] = []


class Door(BaseHTTPRequestHandler):
    """Signs in, remembers every message, answers as its server's `script` says."""

    protocol_version = "HTTP/1.1"
    server: DoorServer

    def do_GET(self):
        found = self.server.keeper.read(self.path.removeprefix("/fhir/R4/"))
        return self.answer(200 if found else 404, found or {"resourceType": "OperationOutcome"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        if self.path == "/oauth/token":
            if server.refuses:
                return self.answer(server.refuses, {"error": "invalid_client"})
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            claims = jwt.decode(
                form["client_assertion"],
                server.key.public_key(),
                algorithms=["EdDSA", "ES256"],
                audience=f"{server.url}/oauth/token",
            )
            assert form["grant_type"] == "client_credentials"
            assert form["client_assertion_type"] == hospital_client.ASSERTION_TYPE
            assert claims["iss"] == claims["sub"] == "client-1"
            server.signed_in.append(claims["jti"])
            return self.answer(
                200, {"access_token": f"t{len(server.signed_in)}", "expires_in": server.life}
            )
        server.received.append((self.path, self.headers["X-Message-Id"], body))
        server.tokens.append(self.headers["Authorization"])
        step = server.script.pop(0) if server.script else "take"
        if step == "take" and server.keeper:
            return self.answer(*server.keeper.take(body))
        if step == "take" and server.resolves:
            return self.answer(*resolved(server.stored, json.loads(body)))
        if step == "drop":
            self.close_connection = True
            return None
        if isinstance(step, int):
            return self.answer(step, {"title": "no"})
        if isinstance(step, tuple):
            return self.answer(*step)
        content = json.loads(body)
        entries = content.get("entry", [])
        if content.get("type") in {"transaction", "batch"}:
            taken = [{"response": {"status": "201 Created"}} for _ in entries]
            return self.answer(
                200,
                {"resourceType": "Bundle", "type": f"{content['type']}-response", "entry": taken},
            )
        return self.answer(201, content)

    def answer(self, status, content, location=""):
        data = written(content).encode()
        self.send_response(status)
        if location:
            self.send_header("Location", f"{self.server.url}/fhir/R4/{location}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        pass
