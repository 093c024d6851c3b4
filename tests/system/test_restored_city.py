"""Pitfall 1: a city restored from a copy whose slots remember more than its WAL holds."""

import shutil

import pytest

from benchmarks.throwaway_province import HUB, Province, running_province, until
from config.cli.placement import give, server_account
from tests.system.test_pitfalls import FIRST, SECOND, arrives, incoming, write_event


@pytest.fixture
def province(next_ports):
    with running_province(port_base=next_ports()) as running:
        yield running


def test_1_a_restored_city_is_seen_and_reloaded(province: Province):
    kept = write_event(province)
    arrives(province, kept)
    elsewhere = write_event(province, SECOND)
    arrives(province, elsewhere, code=SECOND)
    data = province.home.node(FIRST).postgres.resolve()
    province.jianqiao("down")
    shutil.copytree(data, data.with_name("copy"), symlinks=True)
    province.jianqiao("up", "--detach")
    ghosts = [write_event(province) for _ in range(200)]
    arrives(province, ghosts[-1])
    [(person,)] = province.rows(HUB, NEW_PERSON)
    province.rows(HUB, "UPDATE nodes_node SET name = name || '市' WHERE code = %s", SECOND)
    until(lambda: province.rows(FIRST, "SELECT 1 FROM persons_person WHERE id = %s", person))

    province.jianqiao("down")
    shutil.rmtree(data)
    shutil.copytree(data.with_name("copy"), data, symlinks=True)
    give(data, server_account())
    province.jianqiao("up", "--detach")

    assert not incoming(province).enabled
    assert incoming(province, SECOND).enabled
    assert province.rows(FIRST, "SELECT subenabled FROM pg_subscription") == [(False,)]
    assert province.jianqiao("nodes", "lag", check=False).returncode == 1
    refused = province.jianqiao("nodes", "enrol", FIRST, check=False)
    assert (refused.returncode, f"nodes reload {FIRST}" in refused.stderr) == (20, True)
    assert copies_of_the_hub(province, FIRST) != copies_of_the_hub(province, HUB)
    province.jianqiao("nodes", "reload", FIRST)
    new = write_event(province)
    arrives(province, new)

    at_hub = "SELECT id::text FROM events_event WHERE node = %s ORDER BY id"
    until(lambda: province.rows(HUB, at_hub, FIRST) == province.rows(FIRST, at_hub, FIRST))
    here = [row[0] for row in province.rows(HUB, at_hub, FIRST)]
    assert kept in here
    assert new in here
    assert not set(ghosts) & set(here), "what the copy never held is gone from the hub too"
    assert [row[0] for row in province.rows(HUB, at_hub, SECOND)] == [elsewhere]
    until(lambda: copies_of_the_hub(province, FIRST) == copies_of_the_hub(province, HUB))
    until(lambda: province.jianqiao("nodes", "lag", check=False).returncode == 0)


def copies_of_the_hub(province: Province, at: str) -> dict[str, list]:
    """Count and checksum of what the hub publishes to the first city, as a node holds it."""
    published = province.rows(
        HUB,
        "SELECT tablename, coalesce(rowfilter, 'true') FROM pg_publication_tables"
        " WHERE pubname = ANY(%s)",
        ["province", f"personal_{FIRST}"],
    )
    checksum = (
        "SELECT count(*), md5(string_agg(to_jsonb(t)::text, '' ORDER BY id)) FROM {} t WHERE {}"
    )
    return {table: province.rows(at, checksum.format(table, kept)) for table, kept in published}


NEW_PERSON = (
    "INSERT INTO persons_person (status, created_at, audience)"
    f" VALUES ('active', now(), '{{{FIRST}}}') RETURNING id"
)
