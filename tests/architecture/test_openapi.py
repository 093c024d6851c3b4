"""The committed description of the API is the API's own."""

import json

import pytest

from config.api import api
from tests.architecture.repository import ROOT

DESCRIPTION = ROOT / "docs" / "openapi" / "platform.json"


@pytest.mark.node("hub")
@pytest.mark.covers("S003-14")
def test_the_committed_description_is_current():
    committed = json.loads(DESCRIPTION.read_text(encoding="utf-8"))

    assert committed == json.loads(json.dumps(api.get_openapi_schema())), "run: make openapi"
