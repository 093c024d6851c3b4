"""The directory of institutions."""

from ninja import Query, Router, Schema

from kernel.access.services import authorise
from kernel.http import SignedInRequest
from registry.cursors import cursor_of, page_of, place_of
from registry.organisations.selectors import organisations_visible_to

router = Router(tags=["directory"])

MOST_LISTED = 500


class OrganisationOut(Schema):
    """An institution as the directory shows it."""

    code: str
    uscc: str
    name: str
    type: str
    level: str
    grade: str
    status: str
    node: str
    division: str
    address: str
    phone: str


class OrganisationPage(Schema):
    """A page of the directory; `next` is the cursor of the following one."""

    items: list[OrganisationOut]
    next: str | None


class DirectoryFilter(Schema):
    """What may be asked of the directory."""

    node: str | None = None
    cursor: str | None = None
    limit: int = 50


@router.get("/organisations", response=OrganisationPage)
def organisations(request: SignedInRequest, wanted: Query[DirectoryFilter]) -> dict[str, object]:
    """Institutions in order of registration number."""
    authorise(request.auth, "directory.read", facts=frozenset({"authenticated"}))
    found = organisations_visible_to(request.auth)
    if wanted.node:
        found = found.filter(node=wanted.node)
    if wanted.cursor:
        (after,) = place_of(wanted.cursor, 1)
        found = found.filter(code__gt=str(after))
    rows, more = page_of(found, wanted.limit, most=MOST_LISTED)
    return {"items": rows, "next": cursor_of(rows[-1].code) if more else None}
