"""What Vite built: small enough for a village's link, and made of tokens only."""

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from tests.architecture.repository import ROOT

FIRST_LOAD = 250_000
"""Bytes, gzipped, of all that a resident's phone may ever load from this entry (pages.md)."""
STYLED = {".vue", ".css"}
LITERAL = re.compile(r"#[0-9a-f]{3,8}\b|\b\d+(?:\.\d+)?px\b|\brgba?\(|\bhsla?\(", re.IGNORECASE)


def manifest() -> dict[str, Any]:
    """Vite's account of chunks, their imports and styles."""
    built: dict[str, Any] = json.loads((settings.PAGES_DIR / "manifest.json").read_text())
    return built


def reachable(chunks: dict[str, Any], name: str, seen: set[str] | None = None) -> set[str]:
    """Files of a chunk and of all it imports, also later."""
    seen = set() if seen is None else seen
    if name in seen:
        return set()
    seen.add(name)
    chunk = chunks[name]
    files = {chunk["file"], *chunk.get("css", []), *chunk.get("assets", [])}
    for other in [*chunk.get("imports", []), *chunk.get("dynamicImports", [])]:
        files |= reachable(chunks, other, seen)
    return files


@pytest.mark.parametrize("entry", ["resident", "workbench", "commission"])
def test_an_entry_is_light(entry):
    files = reachable(manifest(), f"{entry}.html")
    page = gzip.compress((settings.PAGES_DIR / f"{entry}.html").read_bytes())

    sizes = {file: len(gzip.compress((settings.PAGES_DIR / file).read_bytes())) for file in files}

    assert any(file.endswith(".js") for file in files)
    assert sum(sizes.values()) + len(page) <= FIRST_LOAD, sizes


def test_what_is_built_lies_beside_its_compressed_forms():
    files = {chunk["file"] for chunk in manifest().values()}

    for file in files - {file for file in files if file.endswith(".svg")}:
        plain = settings.PAGES_DIR / file
        assert (
            gzip.decompress(plain.with_name(f"{plain.name}.gz").read_bytes()) == plain.read_bytes()
        )
        assert plain.with_name(f"{plain.name}.br").stat().st_size < plain.stat().st_size


def styles() -> Iterator[tuple[str, str]]:
    """Every style that is written here, save the tokens."""
    for path in sorted((ROOT / "web" / "src").rglob("*")):
        if path.suffix not in STYLED or path.name == "tokens.css":
            continue
        text = path.read_text(encoding="utf-8")
        parts = re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL)
        yield str(path.relative_to(ROOT)), "".join(parts) if path.suffix == ".vue" else text


def test_styles_take_colours_and_sizes_from_the_tokens():
    literal = {
        name: found
        for name, text in styles()
        if (found := LITERAL.findall(re.sub(r"/\*.*?\*/|@media[^{]*", "", text, flags=re.DOTALL)))
    }

    assert literal == {}


def test_every_token_that_is_used_is_one():
    tokens = (ROOT / "web" / "src" / "design" / "tokens.css").read_text(encoding="utf-8")
    defined = set(re.findall(r"(--jq-[\w-]+)\s*:", tokens))

    used = {name for _, text in styles() for name in re.findall(r"var\((--jq-[\w-]+)\)", text)}

    assert used - defined == set()
