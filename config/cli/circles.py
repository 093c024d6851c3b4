"""Resources that refer to each other in a circle: no order of single pushes takes them."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import orjson

REFERENCE = re.compile(r"([A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")

Resource = dict[str, Any]
File = TypeVar("File", bound=Hashable)


def circles_of(resources: Mapping[File, Resource]) -> list[list[Resource]]:
    """The groups of resources of which each can be reached from each by references (Tarjan)."""
    named = {_name(resource): resource for resource in resources.values()}
    edges = {
        name: [target for target in _targets(resource) if target in named]
        for name, resource in named.items()
    }
    groups = [group for group in _strongly_connected(edges) if len(group) > 1]
    return [[named[name] for name in group] for group in groups]


def as_transaction(resources: Sequence[Resource]) -> bytes:
    """A transaction that brings each resource under its own id."""
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": _name(one)}} for one in resources
    ]
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _name(resource: Resource) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _targets(node: Any) -> Iterator[str]:
    """Relative references anywhere in a resource, without their versions."""
    if isinstance(node, dict):
        text = node.get("reference")
        if isinstance(text, str) and (match := REFERENCE.fullmatch(text)):
            yield match[1]
        for value in node.values():
            yield from _targets(value)
    elif isinstance(node, list):
        for value in node:
            yield from _targets(value)


def _strongly_connected(edges: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Tarjan's algorithm without recursion, so that a long chain is no trouble."""
    found: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    for start in edges:
        work = [] if start in found else [(start, iter(edges[start]))]
        while work:
            name, targets = work[-1]
            if name not in found:
                found[name] = lowest[name] = len(found)
                path.append(name)
                on_path.add(name)
            for target in targets:
                if target not in found:
                    work.append((target, iter(edges[target])))
                    break
                if target in on_path:
                    lowest[name] = min(lowest[name], found[target])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    lowest[above] = min(lowest[above], lowest[name])
                if lowest[name] == found[name]:
                    place = path.index(name)
                    yield path[place:]
                    on_path -= set(path[place:])
                    del path[place:]
