"""The XHTML of a narrative: well-formed, only what R4 allows in it, and not empty (txt-1, txt-2)."""

import re
from html.entities import name2codepoint
from typing import Any
from xml.parsers import expat

from health_records.formats.fhir.validation.findings import Fault, Findings

XHTML = "http://www.w3.org/1999/xhtml"
ELEMENTS = frozenset([
    "a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption",
    "cite", "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "h1", "h2",
    "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "map", "ol", "p", "pre", "q",
    "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
])  # fmt: skip
ATTRIBUTES = frozenset([
    "abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign",
    "cellpadding", "cellspacing", "cellvalign", "char", "charoff", "charset", "cite", "class",
    "colspan", "compact", "coords", "dir", "frame", "headers", "height", "href", "hreflang",
    "hspace", "id", "lang", "longdesc", "name", "nowrap", "rel", "rev", "rowspan", "rules",
    "scope", "shape", "space", "span", "src", "start", "style", "summary", "tabindex", "title",
    "type", "valign", "value", "vspace", "width",
])  # fmt: skip
CONTENT = re.compile(r"\S")


class _Forbidden(Exception):
    """What narrative must not hold."""


def narrative(value: Any, _: Findings) -> list[Fault] | None:
    """The text of `Narrative.div`."""
    if type(value) is not str:
        return [("", "null" if value is None else "not-string", "")]
    try:
        return None if _has_content(value) else [("", "txt-2", "")]
    except expat.ExpatError as error:
        return [("", "xhtml", expat.ErrorString(error.code))]
    except (_Forbidden, UnicodeEncodeError) as error:
        return [("", "txt-1", str(error))]


def _has_content(text: str) -> bool:
    """Whether anything is to be seen; raises for what is not well-formed or not allowed."""
    parser = expat.ParserCreate("utf-8", " ")
    parser.UseForeignDTD(True)  # else &nbsp; would be an error; nothing is loaded
    seen = rooted = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal seen, rooted
        space, _, local = name.rpartition(" ")
        if space != XHTML or local not in ELEMENTS or (not rooted and local != "div"):
            raise _Forbidden(local)
        rooted = True
        seen = seen or local == "img"
        for attribute in attributes:
            if attribute.rpartition(" ")[2] not in ATTRIBUTES:
                raise _Forbidden(f"{local}/@{attribute}")

    def characters(data: str) -> None:
        nonlocal seen
        seen = seen or bool(CONTENT.search(data))

    def entity(name: str, is_parameter: bool) -> None:
        nonlocal seen
        if is_parameter or name not in name2codepoint:
            raise _Forbidden(f"&{name};")
        seen = seen or name != "nbsp"

    def doctype(*_: Any) -> None:
        raise _Forbidden("DOCTYPE")

    parser.StartElementHandler = start
    parser.CharacterDataHandler = characters
    parser.SkippedEntityHandler = entity
    parser.StartDoctypeDeclHandler = doctype
    parser.Parse(text, True)
    return seen
