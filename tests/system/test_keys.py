"""Keys change while hospitals push and residents read; afterwards the old ones are not needed."""

import threading

from benchmarks.throwaway_province import HUB, until
from config.cli.hospital_client import client_of
from config.model_province.population import residents_of
from tests.system.people import enrol, hospital_of, new_residents, person_of, sign_in
from tests.system.test_homes import FIRST, SECOND

KEYS = "SELECT number, purpose, status FROM keys_datakey WHERE node = %s ORDER BY 1, 2"


def test_rotation_under_load_fails_no_request_and_destroys_the_old_keys(province):
    before = {code: province.rows(code, KEYS, code) for code in (HUB, FIRST, SECOND)}
    seed = 5_000
    [resident], resident_seed = new_residents(SECOND)
    registration = enrol(province, resident, SECOND, resident_seed)
    person = person_of(province, registration)
    reader = sign_in(province, "resident")
    me = reader.json("/api/v1/me/person")["id"]
    stop, failed, done = threading.Event(), [], []

    def work(act) -> None:
        while not stop.is_set():
            try:
                act()
                done.append(1)
            except Exception as error:  # noqa: BLE001 — whatever fails is the finding
                failed.append(repr(error))
                return

    queue = residents_of(FIRST, seed=seed)
    threads = [
        threading.Thread(target=work, args=(act,))
        for act in (
            lambda: enrol(province, next(queue), FIRST, seed),
            lambda: reader.json(f"/api/v1/persons/{me}/timeline"),
        )
    ]
    for thread in threads:
        thread.start()
    rotated = province.jianqiao("keys", "rotate", check=False)
    stop.set()
    for thread in threads:
        thread.join()

    assert rotated.returncode == 0, rotated.stderr
    assert failed == []
    assert len(done) > 10
    for code, old in before.items():
        after = until(lambda code=code: without_retired(province.rows(code, KEYS, code)))
        used = {row[:2] for row in after if row[2] == "active"}
        assert len(used) == 2
        assert not used & {row[:2] for row in old}, code
        until(lambda code=code: empty_where_destroyed(province, code))
    what_was_sealed_before_is_read(province, reader, me, resident, registration)
    found_again = person_of(province, enrol(province, resident, FIRST, resident_seed))
    assert found_again == person, "her number is found by the new index key"


def what_was_sealed_before_is_read(province, reader, me, resident, registration) -> None:
    """A number and a document that came before the rotation."""
    client = client_of(province.home, hospital_of(province, SECOND).code)
    body = client.get(f"/fhir/R4/Patient/{registration}").body
    assert resident.identity_number in [one["value"] for one in body["identifier"]]
    documents = reader.json(f"/api/v1/persons/{me}/timeline?kind=DocumentReference")["items"]
    assert reader.get(f"/api/v1/documents/{documents[0]['id']}/content").status == 200


def without_retired(rows: list) -> list:
    """The rows, once every key is either in use or destroyed."""
    return rows if {status for *_, status in rows} == {"active", "destroyed"} else []


def empty_where_destroyed(province, code: str) -> bool:
    """Whether nothing is left of the destroyed keys, here and, once no copy needs them, at the hub."""
    province.manage(
        HUB, "shell", "-v", "0", "-c",
        "from kernel.keys.rotation import destroy_given_up; destroy_given_up()",
    )  # fmt: skip
    gone = (
        "SELECT bool_and(wrapped = '') FROM keys_datakey WHERE node = %s AND status = 'destroyed'"
    )
    return all(province.rows(at, gone, code) == [(True,)] for at in {code, HUB})
