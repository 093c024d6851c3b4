"""The table of `tests.keys.wiring`, beside those of the node."""

from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from kernel.keys import rotation
from tests.commands.conftest import peer, register
from tests.keys import wiring
from tests.keys.wiring import Sample

__all__ = ["peer", "register"]


@pytest.fixture
def samples(transactional_db, settings, monkeypatch):
    """An empty table of samples, and the wiring that knows it."""
    settings.WIRING = wiring.HERE

    def get_model(label):
        return Sample if label == "samples.Sample" else apps.get_model(label)

    monkeypatch.setattr(rotation, "apps", SimpleNamespace(get_model=get_model))
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE jianqiao_owner")
        cursor.execute(
            "CREATE TABLE samples_sample (id uuid PRIMARY KEY, bound_id uuid, sealed bytea,"
            " identity_index bytea, identity_index_next bytea)"
        )
        cursor.execute("GRANT ALL ON samples_sample TO jianqiao_app")
        cursor.execute("SET ROLE jianqiao_app")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE jianqiao_owner")
        cursor.execute("DROP TABLE samples_sample")
        cursor.execute("SET ROLE jianqiao_app")
