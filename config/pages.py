"""The pages that Vite built: one HTML file for each entry, at every address of its router.

The files beside them (`/static/…`) are served by whitenoise, or by nginx in production.
"""

import json
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from config import failures
from kernel.problems import AddressUnknown, DomainError

ENTRIES: dict[str, list[str]] = json.loads(
    (settings.BASE_DIR / "web" / "pages.json").read_text(encoding="utf-8")
)
"""Addresses of each entry, as its router reads them too."""
SERVED = {"province": ("resident", "workbench", "commission"), "city": ("workbench",)}[
    settings.ROLE
]
ADDRESSES = frozenset(address for entry in SERVED for address in ENTRIES[entry]) | {"/"}

ELSEWHERE = "" if settings.STREAM_URL == settings.NODE_URL else f" {settings.STREAM_URL}"
POLICY = "; ".join(
    [
        "default-src 'self'",
        f"connect-src 'self'{ELSEWHERE}",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types vue",
    ]
)
"""Nothing from elsewhere save the node's own streams, no inline script or style, no text that becomes markup."""
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class PagesNotBuilt(DomainError):
    """The pages were not built in this checkout."""

    status, code = 503, "pages-not-built"
    title = {
        "zh": "页面尚未构建，请先运行 make install",
        "en": "No pages are built: run make install",
    }


def urls() -> list[URLPattern]:
    """The addresses of the entries that this node serves; a city's root leads to the workbench."""
    found = [
        path(address.lstrip("/"), _view(entry)) for entry in SERVED for address in ENTRIES[entry]
    ]
    if "/" not in {address for entry in SERVED for address in ENTRIES[entry]}:
        found.append(path("", _to_workbench))
    return found


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Somebody who follows a dead link gets a page that says so; a program gets the problem."""
    wants_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    outside = request.path_info.startswith(("/api/", "/fhir/", "/node/", "/oauth/", "/static/"))
    if not wants_page or outside:
        return failures.answer(request, AddressUnknown())
    response = _page(request, SERVED[0])
    response.status_code = 404 if response.status_code == 200 else response.status_code
    return response


def _view(entry: str) -> Callable[..., HttpResponseBase]:
    @require_safe
    def view(request: HttpRequest) -> HttpResponse:
        return _page(request, entry)

    return view


@require_safe
def _to_workbench(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(ENTRIES["workbench"][0])


def _page(request: HttpRequest, entry: str) -> HttpResponse:
    try:
        content = _built(entry)
    except FileNotFoundError:
        return failures.answer(request, PagesNotBuilt())
    response = HttpResponse(content, content_type="text/html; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    response["Content-Security-Policy"] = POLICY
    response["Permissions-Policy"] = PERMISSIONS
    response["X-Frame-Options"] = settings.X_FRAME_OPTIONS
    return response


@cache
def _built(entry: str) -> bytes:
    return (settings.PAGES_DIR / f"{entry}.html").read_bytes()
