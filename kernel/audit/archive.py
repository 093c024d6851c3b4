"""What a reload would erase of a city's audit log: kept before the hub's copy is thrown away.

A city that was restored, or whose log was cut, does not have these rows any more; the hub's copy is
then the only witness.
"""

from tempfile import TemporaryFile

from psycopg2.extensions import connection as Connection  # noqa: N812

TABLES = ("audit_auditrow", "audit_auditseal")
HELD = "COPY (SELECT id, md5(to_jsonb(t)::text) FROM {table} t WHERE node = '{node}') TO STDOUT"
KEEP = """
INSERT INTO audit_auditkept (id, node, source, content)
SELECT t.id, t.node, '{table}', to_jsonb(t) FROM {table} t
WHERE t.node = %s AND NOT EXISTS (
  SELECT FROM held_there WHERE held_there.id = t.id AND digest = md5(to_jsonb(t)::text)
) ON CONFLICT DO NOTHING
"""


def keep(*, here: Connection, there: Connection, node: str) -> None:
    """Keep the rows and seals of a node that its own database `there` lacks or has otherwise."""
    with here.cursor() as ours, there.cursor() as theirs:
        for cursor in (ours, theirs):
            cursor.execute("SET TimeZone = 'UTC'")  # in which rows are written as JSON
        for table in TABLES:
            ours.execute("CREATE TEMPORARY TABLE held_there (id uuid PRIMARY KEY, digest text)")
            with TemporaryFile() as held:
                theirs.copy_expert(HELD.format(table=table, node=node), held)
                held.seek(0)
                ours.copy_expert("COPY held_there FROM STDIN", held)
            ours.execute("ANALYZE held_there")
            ours.execute(KEEP.format(table=table), [node])
            ours.execute("DROP TABLE held_there")
