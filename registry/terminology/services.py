"""Writing terminology; it lives at the hub and reaches every city."""

from collections.abc import Iterable, Mapping

from registry.loading import Loaded, load
from registry.terminology.models import CodeSystem, Concept


def load_concepts(
    rows: Iterable[Mapping[str, str]], *, url: str, name: str, version: str = ""
) -> Loaded:
    """Bring a code system up to date from rows with `code`, `display` (or `name`) and `parent`."""
    load(CodeSystem, [{"url": url, "name": name, "version": version}], key=["url"])
    system = CodeSystem.objects.get(url=url)
    concepts = (
        {
            "system_id": system.id,
            "code": row["code"],
            "display": row.get("display") or row["name"],
            "parent": row.get("parent") or "",
        }
        for row in rows
    )
    return load(Concept, concepts, key=["system_id", "code"])
