"""The audit log of a running province is intact, and a change by the database's own master is found."""

import pytest

from benchmarks.throwaway_province import HUB, until
from kernel.audit.services import SEALER_LOCK
from tests.system.people import sign_in, signed_in
from tests.system.test_homes import FIRST

LAST = "SELECT max(sequence) FROM audit_auditseal WHERE node = %s"
UNDO = {
    "changed": (
        "UPDATE audit_auditrow SET reason = reason || '?' WHERE id = %s",
        "UPDATE audit_auditrow SET reason = rtrim(reason, '?') WHERE id = %s",
    ),
}


def verified(province, code: str) -> str:
    """What `jianqiao audit verify` prints; raises when it finds something."""
    return province.jianqiao("audit", "verify", "--node", code, check=False).stdout


@pytest.fixture
def sealed(province):
    """The id of a row that a seal covers, here and at the witness."""
    reader = sign_in(province, "resident")
    me = reader.json("/api/v1/me/person")["id"]
    row = str(
        province.rows(HUB, "SELECT id FROM audit_auditrow WHERE node = %s ORDER BY id DESC", HUB)[
            0
        ][0]
    )
    covers = "SELECT 1 FROM audit_auditseal WHERE %s::uuid = ANY(row_ids)"
    until(lambda: province.rows(FIRST, covers, row))
    assert me
    return row


def test_every_node_s_log_is_intact_and_witnessed(province, sealed):
    finished = province.jianqiao("audit", "verify")

    assert finished.stdout.count("完好") == 3
    assert "没有其他节点的副本" not in finished.stdout


def test_a_changed_row_is_found_and_named(province, sealed):
    change, undo = UNDO["changed"]
    as_master(province, change, sealed)
    try:
        finished = province.jianqiao("audit", "verify", "--node", HUB, check=False)
    finally:
        as_master(province, undo, sealed)

    assert finished.returncode == 1
    assert "审计记录被修改" in finished.stdout
    assert sealed in finished.stdout
    assert province.jianqiao("audit", "verify", "--node", HUB).returncode == 0


def test_a_cut_off_tail_is_seen_by_the_foreign_copy(province, sealed):
    # Out of sight instead of deleted: putting rows back would publish them again.
    away = (
        "UPDATE audit_auditrow SET node = 'away' WHERE id IN"
        f" (SELECT unnest(row_ids) FROM audit_auditseal WHERE node = '{FIRST}' AND sequence = %s)",
        f"UPDATE audit_auditseal SET node = 'away' WHERE node = '{FIRST}' AND sequence = %s",
    )
    with province.cursor(FIRST, "superuser") as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SELECT pg_advisory_lock(%s)", [SEALER_LOCK])  # the last one stays the last
        sequence = until(lambda: at_the_witness(province))
        for statement in away:
            cursor.execute(statement, [sequence])
        try:
            finished = province.jianqiao("audit", "verify", "--node", FIRST, check=False)
        finally:
            for table in ("audit_auditrow", "audit_auditseal"):
                cursor.execute(f"UPDATE {table} SET node = '{FIRST}' WHERE node = 'away'")

    assert finished.returncode == 1
    assert "末尾被截断" in finished.stdout
    assert province.jianqiao("audit", "verify", "--node", FIRST).returncode == 0


def test_after_a_change_of_a_city_s_key_the_old_seals_are_good(fragile_province):
    province = fragile_province
    key = province.home.node(FIRST).keys / "node.pem"
    former = leave_a_row(province)
    registered = "SELECT public_key FROM nodes_node WHERE code = %s"
    replaced = "SELECT public_key FROM nodes_formerkey"
    before = province.rows(HUB, registered, FIRST)

    province.jianqiao("down")
    key.unlink()
    province.jianqiao("up", "--detach")
    province.until_ready()
    leave_a_row(province, after=former)

    assert province.rows(HUB, registered, FIRST) != before
    assert province.rows(HUB, replaced) == before
    until(lambda: province.rows(FIRST, replaced) == before)
    finished = province.jianqiao("audit", "verify", "--node", FIRST)
    assert "完好" in finished.stdout


def leave_a_row(province, *, after: int = 0) -> int:
    """Be refused at the city; the number of the seal that holds it, later than `after`."""
    with pytest.raises(AssertionError):
        signed_in(province.url(FIRST), "nobody", "nothing")
    return until(lambda: max(0, witnessed(province) - after)) + after


def witnessed(province) -> int:
    """Number of the city's last seal, once the hub has it too and no row is open."""
    if province.rows(FIRST, "SELECT count(*) FROM audit_auditpending") != [(0,)]:
        return 0
    return at_the_witness(province)


def at_the_witness(province) -> int:
    """Number of the city's last seal, once the hub has it too; 0 before the first."""
    here, there = province.rows(FIRST, LAST, FIRST), province.rows(HUB, LAST, FIRST)
    return here[0][0] or 0 if here == there else 0


def as_master(province, statement: str, row: str) -> None:
    """Write past every trigger, as whoever owns the machine can."""
    with province.cursor(HUB, "superuser") as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, [row])
        assert cursor.rowcount == 1
