"""A door for `jianqiao push` and its like."""

import json
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.cli import hospital_client
from tests.cli.door_server import HOSPITAL, DoorServer


@pytest.fixture(params=["ed25519", "p256"])
def key(request):
    if request.param == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture
def door(key, tmp_path, monkeypatch):
    monkeypatch.setattr(hospital_client, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(hospital_client, "LONGEST_PAUSE", 0.002)
    home = tmp_path / "home"
    server = DoorServer(key, home)
    (home / "clients").mkdir(parents=True)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (home / "clients/one.pem").write_bytes(pem)
    endpoints = {
        "nodes": [{"code": "620100", "url": server.url}],
        "clients": [
            {
                "hospital": HOSPITAL,
                "city": "620100",
                "client_id": "client-1",
                "private_key_path": str(home / "clients/one.pem"),
            }
        ],
        "users": [],
    }
    (home / "endpoints.json").write_text(json.dumps(endpoints))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
