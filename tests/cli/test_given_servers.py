"""A given server is checked for everything at once, and each fault says how to mend it."""

import pytest

from config.cli import given_servers
from config.cli.failures import ServerUnfit
from config.cli.topology import GivenServers, Node

FIT = {
    "server_version_num": "180006",
    "wal_level": "logical",
    "track_commit_timestamp": "on",
    "max_slot_wal_keep_size": "4GB",
    **{name: str(least) for name, least in given_servers.LOGICAL_SETTINGS.items()},
}


class Cursor:
    """Answers the questions of the check as a server with these settings would."""

    def __init__(self, settings, *, template=("UTF8", "c", "C.UTF-8"), chinese=True, trigrams=True):
        self.settings, self.template = settings, template
        self.chinese, self.trigrams = chinese, trigrams
        self.answer = None

    def execute(self, query, words=None):
        if "current_setting" in query:
            self.answer = (self.settings.get(words[0]),)
        elif "pg_database" in query:
            self.answer = self.template
        elif "alpha" in query:
            self.answer = (self.chinese,)
        else:
            self.answer = (1,) if self.trigrams else None

    def fetchone(self):
        return self.answer


def test_a_fit_server_has_no_faults():
    assert given_servers.postgres_faults(Cursor(FIT)) == []


@pytest.mark.parametrize(
    ("cursor", "says"),
    [
        (Cursor(FIT | {"server_version_num": "160004"}), "version 16"),
        (Cursor(FIT | {"wal_level": "replica"}), "wal_level = replica"),
        (Cursor(FIT | {"max_replication_slots": "10"}), "max_replication_slots = 10"),
        (Cursor(FIT | {"max_wal_senders": "59"}), "max_wal_senders = 59; at least 60"),
        (Cursor(FIT | {"max_slot_wal_keep_size": "-1"}), "max_slot_wal_keep_size"),
        (Cursor(FIT | {"track_commit_timestamp": "off"}), "track_commit_timestamp"),
        (Cursor(FIT, template=("SQL_ASCII", "c", "C")), "SQL_ASCII"),
        (Cursor(FIT, chinese=False), "Chinese"),
        (Cursor(FIT, trigrams=False), "pg_trgm"),
    ],
)
def test_a_fault_is_named(cursor, says):
    faults = given_servers.postgres_faults(cursor)

    assert [says in fault.en for fault in faults] == [True]
    assert all(fault.zh for fault in faults)


def test_all_faults_are_told_at_once():
    worst = Cursor({**FIT, "server_version_num": "150000", "wal_level": "minimal"}, trigrams=False)

    assert len(given_servers.postgres_faults(worst)) == 3


def test_an_unreachable_server_is_named_without_its_password():
    given = GivenServers(
        database_url="postgresql://app:hidden@127.0.0.1:1/jianqiao",
        redis_url="redis://:hidden@127.0.0.1:1",
    )
    node = Node("620100", "兰州市", 1, 7600, given)

    for check in (given_servers.refuse_unfit, given_servers.refuse_unfit_redis):
        with pytest.raises(ServerUnfit) as refused:
            check(node)
        assert "127.0.0.1:1" in refused.value.en
        assert "hidden" not in refused.value.en + refused.value.zh
