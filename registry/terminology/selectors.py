"""Reading terminology."""

from collections.abc import Iterable

from registry.terminology.models import Concept


def displays(codes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Meanings by (address of the system, code); what is unknown is left out."""
    wanted = set(codes)
    rows = Concept.objects.filter(
        system__url__in={system for system, _ in wanted}, code__in={code for _, code in wanted}
    ).values_list("system__url", "code", "display")
    return {(url, code): display for url, code, display in rows if (url, code) in wanted}
