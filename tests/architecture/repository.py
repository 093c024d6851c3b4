"""What the architecture tests read: the files in git, the packages, the syntax trees."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@cache
def project() -> dict[str, Any]:
    """The parsed pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def layers() -> tuple[tuple[str, ...], ...]:
    """Packages of each layer, the highest first, as import-linter reads them."""
    contract = project()["tool"]["importlinter"]["contracts"][0]
    return tuple(tuple(row.split(" | ")) for row in contract["layers"])


@cache
def packages() -> tuple[str, ...]:
    """Every package of ours, from the highest layer to the lowest."""
    return tuple(package for layer in layers() for package in layer)


@cache
def tracked_files() -> tuple[Path, ...]:
    """Files of the working tree that git knows or would take in, without the deleted ones."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    paths = (ROOT / name for name in listing.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def sources(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """Python files below the folders with their syntax trees, migrations left out."""
    for path in tracked_files():
        relative = path.relative_to(ROOT)
        wanted = relative.parts[0] in folders and "migrations" not in relative.parts
        if path.suffix == ".py" and wanted:
            yield relative, ast.parse(path.read_text(encoding="utf-8"), str(relative))


def module_name(path: Path) -> str:
    """Dotted name of a source file."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def string_constants(tree: ast.Module) -> dict[str, str]:
    """Names that a module gives to plain strings at its top, alone or in a row."""
    found = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = (
                zip(target.elts, node.value.elts, strict=False)
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                else [(target, node.value)]
            )
            for name, value in pairs:
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant):
                    found[name.id] = value.value
    return {name: value for name, value in found.items() if isinstance(value, str)}


def strings_of(node: ast.expr, constants: dict[str, str]) -> Iterator[str]:
    """What an expression of strings, names of strings and conditions may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id in constants:
        yield constants[node.id]
    elif isinstance(node, ast.IfExp):
        yield from strings_of(node.body, constants)
        yield from strings_of(node.orelse, constants)


def called_names(tree: ast.Module, *functions: str) -> Iterator[tuple[ast.Call, str]]:
    """Calls of `x.function(...)` or `function(...)` whose first argument is known to be a string."""
    constants = string_constants(tree)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        function = call.func
        name = (
            function.attr if isinstance(function, ast.Attribute)
            else function.id if isinstance(function, ast.Name) else None
        )  # fmt: skip
        if name in functions and call.args:
            for value in strings_of(call.args[0], constants):
                yield call, value
