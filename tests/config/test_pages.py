"""The node serves the built pages: which address, with which headers."""

import json

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from config import pages
from tests.architecture.repository import ROOT

pytestmark = pytest.mark.django_db  # the end of an answer looks after the connection
HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.fixture
def not_built(tmp_path, settings):
    settings.PAGES_DIR = tmp_path
    pages._built.cache_clear()
    yield
    pages._built.cache_clear()


@pytest.mark.node("hub")
@pytest.mark.parametrize(
    ("address", "entry"),
    [(address, entry) for entry in pages.ENTRIES for address in pages.ENTRIES[entry]],
)
def test_every_address_of_a_router_is_served(client, address, entry):
    answer = client.get(address)

    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.content == (settings.PAGES_DIR / f"{entry}.html").read_bytes()


@pytest.mark.node("city")
def test_a_city_serves_its_staff_and_no_resident(client):
    assert client.get("/workbench/").status_code == 200
    assert (client.get("/").status_code, client.get("/")["Location"]) == (302, "/workbench")
    assert client.get("/record").status_code == 404
    assert client.get("/commission/").status_code == 404


def test_a_page_runs_nothing_that_is_not_ours(client):
    answer = client.get("/workbench/")

    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (answer["X-Content-Type-Options"], answer["X-Frame-Options"]) == ("nosniff", "DENY")
    assert (answer["Referrer-Policy"], answer["Cache-Control"]) == ("no-referrer", "no-cache")


def test_the_pages_hold_no_inline_script_or_style():
    for entry in pages.ENTRIES:
        text = (settings.PAGES_DIR / f"{entry}.html").read_text(encoding="utf-8")
        assert text.count("<script") == text.count(
            '<script type="module" crossorigin src="/static/'
        )
        assert "style=" not in text
        assert "<style" not in text


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_a_built_file_is_kept_for_ever_and_comes_compressed(client, encoding):
    built = json.loads((settings.PAGES_DIR / "manifest.json").read_text())
    file = built["workbench.html"]["file"]

    answer = client.get(f"/{file}", headers={"Accept-Encoding": encoding})

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "max-age=315360000, public, immutable"
    assert answer.get("Content-Encoding", "identity") == encoding
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Vary"] == "Accept-Encoding, Accept-Language"
    assert not answer.has_header("Access-Control-Allow-Origin")
    answer.close()


def test_the_api_documentation_finds_its_files(client):
    assert finders.find("ninja/swagger-ui-bundle.js")
    answer = client.get("/static/ninja/swagger-ui-bundle.js")
    assert answer.status_code == 200
    answer.close()


@pytest.mark.parametrize("headers", [HTML, {}])
@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/fhir/R4/a/b/c/d/e/f", "/static/nothing.js", "/node/v1/nothing"]
)
def test_below_an_interface_a_dead_link_is_a_problem(client, path, headers):
    answer = client.get(path, headers=headers)

    assert answer.status_code == 404
    assert "json" in answer["Content-Type"]


def test_somebody_who_follows_a_dead_link_gets_a_page(client):
    answer = client.get("/somewhere", headers=HTML)

    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_a_program_gets_a_problem(client):
    for answer in (client.get("/somewhere"), client.post("/somewhere", headers=HTML)):
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:problem:address-unknown"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_page_is_only_read(client, method):
    assert getattr(client, method)("/workbench/").status_code == 405


def test_a_checkout_without_pages_says_what_to_do(client, not_built):
    answers = [client.get("/workbench/"), client.get("/somewhere", headers=HTML)]

    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:pages-not-built")


def test_routers_and_node_read_the_same_addresses():
    for entry, addresses in pages.ENTRIES.items():
        text = "".join(
            path.read_text(encoding="utf-8") for path in (ROOT / "web/src" / entry).glob("*.ts")
        )
        for address in addresses:
            assert f'"{address}"' in text or f'"{address}/"' in text, (entry, address)
