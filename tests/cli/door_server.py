"""A door of a hospital's city that remembers what it was sent and answers as it is told."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

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
        self.stored: set[str] = set()
        self.signed_in: list[str] = []
        self.received: list[tuple[str, str, bytes]] = []
        self.tokens: list[str] = []


class Door(BaseHTTPRequestHandler):
    """Signs in, remembers every message, answers as its server's `script` says."""

    protocol_version = "HTTP/1.1"
    server: DoorServer

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

    def answer(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        pass
