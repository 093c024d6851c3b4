"""A hospital system at the public door of its city: signs in, posts, tries again."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt
import orjson
import urllib3
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from config.cli.failures import Failure, NoAnswer, NothingHere, SignInRefused
from config.cli.home import Home

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE = 60
RENEW_BEFORE = 30
CONNECTIONS = 4
ATTEMPTS = 7
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0
RETRIED = frozenset({429, 502, 503, 504})
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
FHIR_JSON, PLAIN_JSON = "application/fhir+json", "application/json"
SigningKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
CURVES = {"secp256r1": "ES256", "secp384r1": "ES384"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, decoded body (None where it is not JSON), the bytes themselves, and where they belong."""

    status: int
    body: Any
    data: bytes = b""
    location: str = ""

    @property
    def ok(self) -> bool:
        """Whether the message was taken."""
        return 200 <= self.status < 300


class HospitalClient:
    """Keep-alive connections with a token that renews itself."""

    def __init__(self, url: str, client_id: str, private_key: bytes) -> None:
        self.url = url.rstrip("/")
        self._client_id = client_id
        self._key = signing_key(private_key)
        self._algorithm = algorithm_of(self._key)
        self._pool = urllib3.PoolManager(
            maxsize=CONNECTIONS, retries=False, timeout=urllib3.Timeout(connect=5, read=120)
        )
        self._token = ""
        self._renew_at = 0.0

    def post(self, path: str, body: bytes, *, message_id: str) -> Answer:
        """POST a FHIR body; the message id makes every repeat the same message."""
        headers = {"Content-Type": FHIR_JSON, "Accept": FHIR_JSON, "X-Message-Id": message_id}
        return self._authorised("POST", path, body=body, headers=headers)

    def get(self, path: str) -> Answer:
        """GET a FHIR resource."""
        return self._authorised("GET", path, headers={"Accept": FHIR_JSON})

    def call(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Call the platform's own API, /api/v1."""
        headers = {"Accept": PLAIN_JSON} | ({"Content-Type": PLAIN_JSON} if body else {})
        return self._authorised(method, f"/api/v1{path}", body=body, headers=headers)

    def token(self) -> str:
        """An access token with some life left (RFC 6749 client credentials, RFC 7523)."""
        if time.monotonic() >= self._renew_at:
            answer = self._sent("POST", "/oauth/token", body=self._credentials(), headers=FORM)
            if not answer.ok or not isinstance(answer.body, dict):
                raise SignInRefused(
                    f"{self.url} 拒绝了 {self._client_id} 的登录（{answer.status}）：{answer.body}",
                    f"{self.url} refused to sign in {self._client_id} ({answer.status}): {answer.body}",
                )
            life = float(answer.body.get("expires_in", 60))
            self._token = answer.body["access_token"]
            self._renew_at = time.monotonic() + max(life - RENEW_BEFORE, life / 2)
        return self._token

    def _authorised(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        for final in (False, True):
            signed = {**headers, "Authorization": f"Bearer {self.token()}"}
            answer = self._sent(method, path, body=body, headers=signed)
            if answer.status != 401 or final:
                break
            self._renew_at = 0.0  # revoked, or the node was set up anew
        return answer

    def _credentials(self) -> bytes:
        now = int(time.time())
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": f"{self.url}/oauth/token",
            "iat": now,
            "exp": now + ASSERTION_LIFE,
            "jti": str(uuid4()),
        }
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jwt.encode(claims, self._key, algorithm=self._algorithm),
        }
        return urlencode(form).encode()

    def _sent(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The first final answer; broken connections and busy nodes are tried again."""
        pause, last = FIRST_PAUSE, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            try:
                response = self._pool.request(method, self.url + path, body=body, headers=headers)
            except urllib3.exceptions.HTTPError as error:
                last = str(error)
                continue
            if response.status in RETRIED:
                last = f"HTTP {response.status}"
                continue
            location = response.headers.get("Location", "")
            return Answer(response.status, _decoded(response.data), response.data, location)
        raise NoAnswer(f"{self.url} 没有应答：{last}", f"{self.url} does not answer: {last}")


def signing_key(pem: bytes) -> SigningKey:
    """The private key of a client; other kinds cannot sign a token request."""
    key = load_pem_private_key(pem, password=None)
    if isinstance(key, ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return key
    raise Failure(
        "私钥类型不支持：请使用 Ed25519、P-256、P-384 或 RSA。",
        "Unsupported private key: use Ed25519, P-256, P-384 or RSA.",
    )


def algorithm_of(key: SigningKey) -> str:
    """The JWS algorithm that goes with a private key."""
    match key:
        case ed25519.Ed25519PrivateKey():
            return "EdDSA"
        case rsa.RSAPrivateKey():
            return "PS256"
        case _:
            return CURVES[key.curve.name]


def client_of(home: Home, hospital: str) -> HospitalClient:
    """The client that endpoints.json names for a hospital."""
    endpoints = home.endpoints()
    client = next((row for row in endpoints["clients"] if row["hospital"] == hospital), None)
    if client is None:
        known = ", ".join(row["hospital"] for row in endpoints["clients"]) or "-"
        raise NothingHere(
            f"{home.endpoints_file} 里没有医院 {hospital} 的接入凭据。已有：{known}",
            f"{home.endpoints_file} has no credentials of hospital {hospital}. Known: {known}",
        )
    url = next((row["url"] for row in endpoints["nodes"] if row["code"] == client["city"]), None)
    if url is None:
        raise NothingHere(
            f"{home.endpoints_file} 里没有节点 {client['city']}。",
            f"{home.endpoints_file} has no node {client['city']}.",
        )
    key = home.path / client["private_key_path"]
    try:
        pem = key.read_bytes()
    except OSError as error:
        raise NothingHere(
            f"无法读取私钥 {key}：{error.strerror}", f"Cannot read the key {key}: {error.strerror}"
        ) from error
    return HospitalClient(url, client["client_id"], pem)


def _decoded(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
