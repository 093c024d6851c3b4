"""docs/configuration.md lists every variable that is read, and none that is not."""

import ast
import inspect
import re

from config import env
from tests.architecture.repository import ROOT, called_names, packages, sources

READERS = {
    name
    for name, function in inspect.getmembers(env, inspect.isfunction)
    if function.__module__ == env.__name__ and "name" in inspect.signature(function).parameters
}


def documented() -> set[str]:
    """Variables that open a row of a table in the page."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", page, re.MULTILINE))


def read_by_settings(tree: ast.Module) -> set[str]:
    """Variables read through config.env."""
    found = set()
    for call, name in called_names(tree, *READERS):
        function = call.func
        if isinstance(function, ast.Attribute) and ast.unparse(function.value) == "env":
            found |= {name, f"{name}_FILE"} if function.attr == "secret" else {name}
    return found


def read_by_launchers(tree: ast.Module) -> set[str]:
    """Variables that a launcher takes from os.environ, and every one that bears our name."""
    environ = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call | ast.Subscript) and ast.unparse(node).startswith("os.environ")
    ]
    words = {
        leaf.value
        for node in environ
        for leaf in ast.walk(node)
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
    }
    words |= {
        leaf.value
        for leaf in ast.walk(tree)
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
        if leaf.value.startswith("JIANQIAO_")
    }
    return {word for word in words if re.fullmatch(r"[A-Z][A-Z0-9_]+[A-Z0-9]", word)}


def test_the_page_and_the_code_name_the_same_variables():
    read = set()
    for path, tree in sources(*packages(), "manage.py"):
        read |= read_by_settings(tree)
        if path.parts[:2] != ("config", "env.py"):
            read |= read_by_launchers(tree)

    assert documented() == read
