"""Bring the province's registers up to date from a folder of tables (`samples/registry`)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.model_province.coding import DEPARTMENT, ICD_10
from config.model_province.sources import rows
from registry.loading import Loaded
from registry.organisations.services import load_departments, load_organisations
from registry.practitioners.services import load_practitioners
from registry.terminology.services import load_concepts

DIVISIONS = "urn:jianqiao:gb-t-2260"

STEPS: dict[str, Callable[[Path], Loaded]] = {
    "divisions": lambda folder: load_concepts(
        rows("divisions.csv", folder), url=DIVISIONS, name="中华人民共和国行政区划代码"
    ),
    "department_codes": lambda folder: load_concepts(
        rows("department_codes.csv", folder), url=DEPARTMENT, name="医疗卫生机构业务科室分类与代码"
    ),
    "diagnoses": lambda folder: load_concepts(
        rows("icd10.csv.gz", folder), url=ICD_10, name="ICD-10 诊断编码", version="GB/T 14396-2001"
    ),
    "organisations": lambda folder: load_organisations(rows("organisations.csv", folder)),
    "departments": lambda folder: load_departments(rows("departments.csv", folder)),
    "practitioners": lambda folder: load_practitioners(rows("practitioners.csv", folder)),
}
"""In the order in which rows name each other."""


class Command(BaseCommand):
    """Add what is new and change what differs; a second run changes nothing."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The folder."""
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Load every table; one line of JSON says what was done."""
        if settings.ROLE != "province":
            raise CommandError("the registers are written at the hub")
        done = {name: step(folder) for name, step in STEPS.items()}
        counts = {
            name: {"created": one.created, "changed": one.changed, "unchanged": one.unchanged}
            for name, one in done.items()
        }
        self.stdout.write(json.dumps(counts))
