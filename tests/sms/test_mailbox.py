"""The development mailbox: read by its developer, refused everywhere else."""

from datetime import timedelta
from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from registry.sms import mailbox, services

pytestmark = pytest.mark.django_db

PHONE = "13912345678"


def send(code="042137", **span):
    services.send(
        phone=PHONE, template="sign-in-code", parameters={"code": code},
        expires_at=timezone.now() + timedelta(**span or {"minutes": 5}),
    )  # fmt: skip


@pytest.fixture
def used(settings):
    """A developer's node."""
    settings.SMS_ADAPTER, settings.NODE_URL = mailbox.ADAPTER, "http://127.0.0.1:7610"
    return settings


def test_the_page_shows_what_is_live(used, client):
    send("<b>")
    send("042137")
    send("111111", seconds=-1)

    answer = client.get("/dev/mailbox")

    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.index("code=042137") < page.index("code=&lt;b&gt;")
    assert PHONE in page
    assert "111111" not in page
    assert (answer["Cache-Control"], answer["Content-Security-Policy"]) == (
        "no-store", "default-src 'none'",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("adapter", "url"),
    [
        ("", "http://127.0.0.1:7610"),
        ("registry.sms.gateway.deliver", "http://127.0.0.1:7610"),
        (mailbox.ADAPTER, "https://hub.example"),
        (mailbox.ADAPTER, "http://192.0.2.1:7610"),
    ],
)
def test_the_page_is_refused_on_any_other_node(used, client, adapter, url):
    used.SMS_ADAPTER, used.NODE_URL = adapter, url
    send()

    answer = client.get("/dev/mailbox")

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem:refused")
    assert PHONE not in answer.content.decode()


def test_the_page_is_only_read(used, client):
    assert client.post("/dev/mailbox").status_code == 405


def test_the_command_prints_a_line_each(used):
    send()
    out = StringIO()

    call_command("read_mailbox", stdout=out)

    (line,) = map(orjson.loads, out.getvalue().splitlines())
    assert (line["phone"], line["template"], line["parameters"]) == (
        PHONE, "sign-in-code", {"code": "042137"},
    )  # fmt: skip
    assert line["written_at"] < line["expires_at"]


def test_the_command_refuses_where_there_is_no_mailbox(settings):
    settings.SMS_ADAPTER = ""

    with pytest.raises(CommandError, match="SMS_ADAPTER"):
        call_command("read_mailbox", stdout=StringIO())
