"""Changing keys: every row is written anew, every look-up goes on, the old key goes."""

import io
import json
import threading
import time
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.conf import settings as node
from django.core.management import CommandError, call_command
from django.db import connection

from kernel import crypto
from kernel.keys import ring, rotation, services
from kernel.keys.errors import RotationHalted
from kernel.keys.models import DataKey, KeyPurpose
from kernel.keys.states import Status
from tests.keys import wiring
from tests.keys.wiring import Sample, find, identity, write, write_once

pytestmark = pytest.mark.django_db(transaction=True)

NUMBERS = [f"6201021990010{n:04}X" for n in range(20)]


def raw(value):
    return bytes(value)


def own():
    return sorted(
        DataKey.objects.filter(node=node.NODE_CODE).values_list("purpose", "number", "status")
    )


def rotated():
    return [
        ("data", 1, "destroyed"),
        ("data", 2, "active"),
        ("index", 1, "destroyed"),
        ("index", 2, "active"),
    ]


def everything_is_under(number):
    head = crypto.header(node.NODE_CODE, number)
    return all(raw(row.sealed)[:7] == head for row in Sample.objects.exclude(sealed=None))


def test_everything_is_written_anew_and_the_old_keys_go(samples):
    for number in NUMBERS:
        write(number)
    empty = Sample()
    empty.save(force_insert=True)
    old_index = crypto.blind_index("identity", NUMBERS[0])
    old_data = ring.data_key(node.NODE_CODE, 1)

    assert rotation.rotate(grace=0) == {"sealed": 20, "indexed": 20}

    assert own() == rotated()
    assert everything_is_under(2)
    for number in NUMBERS:
        (row,) = find(number)
        assert identity(row) == number
        assert raw(row.identity_index) == crypto.blind_index("identity", number)
        assert row.identity_index_next is None
    assert crypto.blind_index("identity", NUMBERS[0]) != old_index
    assert crypto.blind_indexes("identity", NUMBERS[0]) == [
        crypto.blind_index("identity", NUMBERS[0])
    ]
    assert old_data not in ring.for_writing().data.values()
    assert {bytes(key.wrapped) for key in DataKey.objects.filter(number=1)} == {b""}
    empty.refresh_from_db()
    assert (empty.sealed, empty.identity_index, empty.identity_index_next) == (None, None, None)


def test_it_can_be_done_again_and_again(samples):
    write(NUMBERS[0])

    rotation.rotate(grace=0)
    rotation.rotate(grace=0)

    assert own()[1:3] == [("data", 2, "destroyed"), ("data", 3, "active")]
    assert [identity(row) for row in find(NUMBERS[0])] == [NUMBERS[0]]


@pytest.mark.parametrize(
    "step", ["reseal", "fill_next", "_activate", "swap", "destroy_unneeded", "_settle"]
)
@pytest.mark.parametrize("call", [1, 2])
def test_a_rotation_cut_off_anywhere_is_finished_by_the_next(samples, monkeypatch, step, call):
    for number in NUMBERS:
        write(number)
    real, calls = getattr(rotation, step), []

    def cut_off(*args):
        calls.append(args)
        if len(calls) == call:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(rotation, step, cut_off)
    try:
        rotation.rotate(grace=0)
    except KeyboardInterrupt:
        for number in NUMBERS:
            assert [identity(row) for row in find(number)] == [number]
        monkeypatch.undo()
        restore_table(samples, monkeypatch)
        rotation.rotate(grace=0)

    assert own() == rotated()
    assert everything_is_under(2)
    for number in NUMBERS:
        assert [identity(row) for row in find(number)] == [number]
    assert not Sample.objects.exclude(identity_index_next=None).exists()


def restore_table(samples, monkeypatch):
    """`undo` took the samples' patch away too; put it back."""

    def get_model(label):
        return Sample if label == "samples.Sample" else apps.get_model(label)

    monkeypatch.setattr(rotation, "apps", SimpleNamespace(get_model=get_model))


def test_a_row_that_does_not_open_keeps_its_key(samples, caplog):
    write(NUMBERS[0])
    broken = write(NUMBERS[1])
    Sample.objects.filter(id=broken.id).update(sealed=raw(broken.sealed)[:-1] + b"?")

    rotation.rotate(grace=0)

    assert own()[0] == ("data", 1, "retired")
    assert str(broken.id) in caplog.text
    assert [identity(row) for row in find(NUMBERS[0])] == [NUMBERS[0]]


def test_another_cipher_takes_over_by_rotation(samples, settings):
    write(NUMBERS[0])
    settings.FIELD_CIPHER = "SM4-GCM"

    rotation.rotate(grace=0)

    (row,) = find(NUMBERS[0])
    assert raw(row.sealed)[1] == crypto.SM4
    assert identity(row) == NUMBERS[0]


def test_a_value_changed_meanwhile_is_not_overwritten(samples, monkeypatch):
    row = write(NUMBERS[0])
    real = rotation._sealed_anew

    def change_meanwhile(sealed, rows):
        for one in real(sealed, rows):
            newer = crypto.seal(b"newer", context=wiring.context(row.bound_id))
            Sample.objects.filter(id=row.id).update(sealed=newer)
            yield one

    monkeypatch.setattr(rotation, "_sealed_anew", change_meanwhile)

    rotation.rotate(grace=0)

    row.refresh_from_db()
    assert identity(row) == "newer"


def test_one_rotation_at_a_time(samples):
    ready, go_on = threading.Event(), threading.Event()

    def hold():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [rotation.ROTATION_LOCK])
        ready.set()
        go_on.wait(120)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    assert ready.wait(120)
    with pytest.raises(RotationHalted):
        rotation.rotate(grace=0)
    with pytest.raises(CommandError, match="另一个轮换正在进行"):
        call_command("rotate_keys", "--grace", "0", stdout=io.StringIO())
    go_on.set()
    other.join()

    assert own() == [("data", 1, "active"), ("index", 1, "active")]


def test_a_rotation_lets_go_of_its_lock(samples):
    rotation.rotate(grace=0)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        assert cursor.fetchone() == (0,)


def test_the_operator_rotates(samples):
    write(NUMBERS[0])
    out = io.StringIO()

    call_command("rotate_keys", "--grace", "0", stdout=out)

    assert json.loads(out.getvalue()) == {"sealed": 1, "indexed": 1}


def test_rows_written_twice_at_the_end_of_a_rotation_do_not_spoil_the_next(samples):
    row = write(NUMBERS[0])
    Sample.objects.update(identity_index_next=row.identity_index)

    rotation.rotate(grace=0)

    assert [identity(one) for one in find(NUMBERS[0])] == [NUMBERS[0]]
    row.refresh_from_db()
    assert raw(row.identity_index) == crypto.blind_index("identity", NUMBERS[0])


GRACE = 2.0
"""Ten times as long as a thread keeps its ring here: a busy machine may hold up a writer."""


def until_more(done, number, workers):
    """Wait until so many more are done, or a worker has failed."""
    enough = len(done) + number
    while len(done) < enough and all(worker.is_alive() for worker in workers):
        time.sleep(0.01)


class Rings(threading.local):
    """A ring for each thread, as each process has one."""

    held: ring.Ring | None = None
    read_at = 0.0


def test_writers_and_readers_notice_nothing(samples, monkeypatch):
    """Threads that each have their own, stale ring write and look up while the keys change."""
    rings = Rings()

    def for_writing():
        if rings.held is None or time.monotonic() - rings.read_at >= 0.2:
            rings.held, rings.read_at = ring.Ring.read(), time.monotonic()
        return rings.held

    monkeypatch.setattr(ring, "for_writing", for_writing)
    for number in NUMBERS * 5:
        write(number)
    stop, failures, written = threading.Event(), [], []

    def work(name):
        n = 0
        try:
            while not stop.is_set():
                n += 1
                number = f"{name}{n:08}"
                row = write(number)
                written.append(number)
                found = find(number)
                assert [one.id for one in found] == [row.id], number
                assert identity(found[0]) == number
                old = NUMBERS[n % len(NUMBERS)]
                assert len(find(old)) == 5, old
                time.sleep(0.002)
        except Exception as error:
            failures.append(error)
            raise
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=(name,)) for name in ("a", "b", "c")]
    for worker in workers:
        worker.start()
    until_more(written, 15, workers)
    rotation.rotate(grace=GRACE)
    until_more(written, 15, workers)
    stop.set()
    for worker in workers:
        worker.join()

    assert failures == []
    assert own() == rotated()
    assert everything_is_under(2)
    assert len(written) >= 30
    for number in written:
        assert len(find(number)) == 1, number
    assert not services.own_keys(KeyPurpose.DATA).filter(status=Status.RETIRED).exists()


def test_a_unique_value_stays_unique_while_the_keys_change(samples, monkeypatch):
    rings = Rings()

    def for_writing():
        if rings.held is None or time.monotonic() - rings.read_at >= 0.2:
            rings.held, rings.read_at = ring.Ring.read(), time.monotonic()
        return rings.held

    monkeypatch.setattr(ring, "for_writing", for_writing)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE jianqiao_owner")
        for column in ("identity_index", "identity_index_next"):
            cursor.execute(f"CREATE UNIQUE INDEX ON samples_sample ({column})")
        cursor.execute("SET ROLE jianqiao_app")
    for number in NUMBERS:
        write(number)
    stop, rounds = threading.Event(), []

    def work():
        while not stop.is_set():
            for number in NUMBERS:
                write_once(number)
            rounds.append(1)
        connection.close()

    real = rotation.swap

    def slowly(pair):
        time.sleep(0.3)
        return real(pair)

    monkeypatch.setattr(rotation, "swap", slowly)
    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    until_more(rounds, 5, workers)
    rotation.rotate(grace=GRACE)
    until_more(rounds, 5, workers)
    stop.set()
    for worker in workers:
        worker.join()

    assert own() == rotated()
    assert Sample.objects.count() == len(NUMBERS)
    assert [len(find(number)) for number in NUMBERS] == [1] * len(NUMBERS)
    assert len(rounds) >= 10


def test_a_transaction_that_does_not_end_halts_it(samples, monkeypatch):
    """The serving role sees its own sessions only, and the tests log in as another; so say it."""
    write(NUMBERS[0])
    monkeypatch.setattr(rotation, "older_transactions", lambda cursor, moment: 1)
    monkeypatch.setattr(rotation, "LONGEST_WAIT_SECONDS", 0)

    with pytest.raises(RotationHalted):
        rotation.rotate(grace=0)

    assert [identity(row) for row in find(NUMBERS[0])] == [NUMBERS[0]]
    monkeypatch.setattr(rotation, "older_transactions", lambda cursor, moment: 0)
    rotation.rotate(grace=0)
    assert own() == rotated()
