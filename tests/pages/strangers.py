"""A patient of another hospital of the doctor's city, whose system signs in for the occasion."""

import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import OKPAlgorithm

from benchmarks.throwaway_province import HUB, Province, until
from config.cli.failures import SignInRefused
from config.cli.hospital_client import HospitalClient
from config.model_province.bundles import as_bytes, enrolment_of
from config.model_province.population import Resident
from config.model_province.sources import hospitals_of


def enrolled_elsewhere(province: Province, resident: Resident, city: str, *, seed: int) -> str:
    """Put a resident on file at a second hospital of the city; the registration's id."""
    hospital = hospitals_of(city)[1]
    key = Ed25519PrivateKey.generate()
    name = f"his-{hospital.code}"
    jwk = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    client = {"client_id": name, "hospital": hospital.code, "public_keys": [jwk]}
    province.manage(HUB, "register_access", feed=json.dumps({"clients": [client]}))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    system = HospitalClient(province.url(city), name, pem)
    until(lambda: _is_known(system))
    bundle = enrolment_of([resident], hospital, number=1, seed=seed)
    answer = system.post("/fhir/R4", as_bytes(bundle), message_id=bundle["identifier"]["value"])
    assert answer.ok, answer
    location = answer.body["entry"][0]["response"]["location"]
    return str(location).split("/")[1]


def _is_known(system: HospitalClient) -> bool:
    """Whether the client's key has reached the city."""
    try:
        system.token()
    except SignInRefused:
        return False
    return True
