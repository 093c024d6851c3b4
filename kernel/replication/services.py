"""Upkeep of the tables whose rows only accumulate."""

import logging

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from kernel.postgres.homes import Home, is_partitioned
from kernel.replication import partitions
from kernel.replication.tables import models_of, table_of

log = logging.getLogger(__name__)

MAKE_MONTHS = "SELECT public.jianqiao_make_months(%s::regclass, %s)"
FORGET = "SELECT public.jianqiao_forget(%s::regclass)"


def tend_partitions() -> None:
    """Make the coming months' partitions at the hub; drop what is older than its time.

    Times to keep are settings (EVENTS_KEEP_DAYS, AUDIT_KEEP_DAYS) that `migrate` writes down. A table
    that fails is logged and the others are tended all the same.
    """
    with connection.cursor() as cursor:
        codes = partitions.enrolled(cursor)
    parents = [
        partitions.partition_name(table_of(model), code)
        for model in models_of(Home.NODE)
        if is_partitioned(model)
        for code in codes
    ]
    for parent in parents:
        _tend(MAKE_MONTHS, parent, partitions.MONTHS_AHEAD)
    for table in settings.KEEP_DAYS:
        _tend(FORGET, table)


def _tend(statement: str, table: str, *more: int) -> None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [table, *more])
    except DatabaseError:
        log.exception("%s could not be tended", table)
