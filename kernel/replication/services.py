"""Upkeep of the tables whose rows only accumulate."""

from django.conf import settings
from django.db import connection

from kernel.postgres.homes import Home, is_partitioned
from kernel.replication import partitions
from kernel.replication.tables import models_of, table_of


def tend_partitions() -> None:
    """Make the coming months' partitions at the hub; drop what is older than its time.

    Times to keep are settings (EVENTS_KEEP_DAYS, AUDIT_KEEP_DAYS) that `migrate` writes down.
    """
    with connection.cursor() as cursor:
        for model in models_of(Home.NODE):
            table = table_of(model)
            if is_partitioned(model):
                for code in partitions.enrolled(cursor):
                    cursor.execute(
                        "SELECT public.jianqiao_make_months(%s::regclass, %s)",
                        [partitions.partition_name(table, code), partitions.MONTHS_AHEAD],
                    )
        for table in settings.KEEP_DAYS:
            cursor.execute("SELECT public.jianqiao_forget(%s::regclass)", [table])
