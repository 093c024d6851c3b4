"""Diagrams of the statuses, drawn from the transition tables: `make states` writes docs/states/."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from django.apps import apps
from django.db.models import Choices

from tests.architecture.repository import ROOT, packages

FOLDER = ROOT / "docs" / "states"
HEAD = "# States of {}\n\nDrawn from `{}` by `make states`.\n"
Table = dict[Choices, frozenset[Choices]]


def transition_tables(app: str) -> list[Table]:
    """Tables of an app's states.py: dictionaries from a status to a set of statuses."""
    if find_spec(f"{app}.states") is None:
        return []
    values = vars(import_module(f"{app}.states")).values()
    return [
        value
        for value in values
        if isinstance(value, dict) and value and all(isinstance(key, Choices) for key in value)
    ]


def pages() -> dict[Path, str]:
    """The page of every app that has a transition table."""
    named = {config.name: transition_tables(config.name) for config in apps.get_app_configs()}
    return {
        FOLDER / f"{app.rpartition('.')[2]}.md": _page(app, tables)
        for app, tables in named.items()
        if app.split(".")[0] in packages() and tables
    }


def _page(app: str, tables: list[Table]) -> str:
    file = f"{app.replace('.', '/')}/states.py"
    return "\n".join([HEAD.format(app, file), *map(_section, tables)])


def _section(table: Table) -> str:
    kind = type(next(iter(table)))
    lines = [
        f"    {_node(status)} --> {_node(target)}"
        for status, targets in table.items()
        for target in kind
        if target in targets
    ]
    lines += [f"    {_node(status)} --> [*]" for status, targets in table.items() if not targets]
    diagram = "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])
    return f"## {kind.__name__}\n\n{kind.__doc__}\n\n{diagram}\n"


def _node(status: Choices) -> str:
    return str(status).replace("-", "_")


if __name__ == "__main__":
    import django

    django.setup()
    FOLDER.mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
