"""Imports and foreign keys point down; what an app keeps to itself stays there."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from django.apps import apps

from tests.architecture.repository import ROOT, layers, packages, project, tracked_files

PRIVATE_ROOMS = {"handlers", "tasks", "api", "admin"}  # rules have no effect to be guarded
ROOMS = {"api", "admin", "tasks", "handlers", "services", "selectors", "models", "rules", "states"}
COMPOSITION_ROOT = "config"


def app_names() -> list[str]:
    """Our Django apps by import path."""
    return [
        config.name
        for config in apps.get_app_configs()
        if config.name.split(".")[0] in packages() and config.name != COMPOSITION_ROOT
    ]


def layer_of(dotted: str) -> int:
    """Height of a module: the number of layers below it."""
    package = dotted.split(".")[0]
    below = [index for index, layer in enumerate(reversed(layers())) if package in layer]
    assert below, f"{dotted} is in no layer"
    return below[0]


def test_every_contract_of_import_linter_holds():
    # In a process of its own: called from here it would switch off loggers that exist already.
    program = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(  # noqa: S603
        [program, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stdout


def test_every_package_has_its_layer():
    tops = {path.relative_to(ROOT).parts[0] for path in tracked_files() if path.suffix == ".py"}
    ours = {top for top in tops if (ROOT / top / "__init__.py").is_file()} - {"tests"}

    assert ours == set(packages())
    assert ours == set(project()["tool"]["importlinter"]["root_packages"])


def test_every_app_with_rooms_is_under_the_contract_for_rooms():
    contract = project()["tool"]["importlinter"]["contracts"][1]
    with_rooms = {
        str(path.parent.relative_to(ROOT)).replace("/", ".")
        for path in tracked_files()
        if path.suffix == ".py" and path.stem in ROOMS - {"rules"}
        and path.relative_to(ROOT).parts[0] in set(packages()) - {COMPOSITION_ROOT}
    }  # fmt: skip

    assert with_rooms - set(contract["containers"]) == set()


def test_every_app_has_its_page():
    pages = {str(path.relative_to(ROOT)) for path in tracked_files() if path.name == "README.md"}
    wanted = {f"{name.replace('.', '/')}/README.md" for name in app_names()}

    assert wanted - pages == set()


def test_foreign_keys_point_down():
    upward = [
        f"{field} -> {field.related_model._meta.label}"
        for model in apps.get_models(include_auto_created=True)
        if model.__module__.split(".")[0] in packages()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model is not None
        if layer_of(field.related_model.__module__) > layer_of(model.__module__)
    ]

    assert upward == []


def test_a_private_room_is_entered_by_its_own_app_only():
    graph = grimp.build_graph(*packages(), cache_dir=None, exclude_type_checking_imports=True)
    trespasses = [
        f"{importer} imports {module}"
        for app in app_names()
        for module in graph.find_descendants(app)
        if module.removeprefix(f"{app}.").split(".")[0] in PRIVATE_ROOMS
        for importer in graph.find_modules_that_directly_import(module)
        if not importer.startswith((f"{app}.", f"{COMPOSITION_ROOT}.")) and importer != app
    ]

    assert trespasses == []


@pytest.mark.parametrize(
    "name", ["utils", "helpers", "helper", "common", "misc", "managers", "base"]
)
def test_no_module_is_named_after_nothing(name):
    mandated = {"kernel/postgres/base.py"}  # Django's backend loader looks for this very name
    found = {
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.suffix == ".py" and (path.stem == name or name in path.relative_to(ROOT).parts[:-1])
    }

    assert found - mandated == set()
