"""The development mailbox as a page."""

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.views.decorators.http import require_safe

from kernel.access.errors import Refused
from kernel.http import problem_response
from registry.sms import mailbox

PAGE = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>开发短信箱 Mailbox</title></head>
<body><h1>开发短信箱 Mailbox</h1><table>{}</table></body></html>
"""
ROW = "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n"


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Every live message; refused unless this is a developer's node."""
    if not mailbox.is_open():
        return problem_response(Refused())
    rows = [
        (
            f"{localtime(written_at):%H:%M:%S}",
            text.phone,
            text.template,
            " ".join(f"{name}={value}" for name, value in text.parameters.items()),
        )
        for text, written_at, _ in mailbox.letters()
    ]
    response = HttpResponse(format_html(PAGE, format_html_join("", ROW, rows)))
    response["Cache-Control"] = "no-store"
    response["Content-Security-Policy"] = "default-src 'none'"
    return response
