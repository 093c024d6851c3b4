"""Every table names the one node that writes it, and no constraint reaches across homes."""

from django.apps import apps
from django.db.models import ForeignKey

from kernel.homes import home_of


def test_every_table_has_a_home():
    homeless = [
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and home_of(model) is None
    ]

    assert homeless == []


def test_a_foreign_key_to_another_home_is_no_constraint():
    enforced = [
        f"{field} ({home_of(model)}) -> {home_of(field.remote_field.model)}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.deconstruct()[3].get("db_constraint", True)
        if home_of(model) != home_of(field.remote_field.model)
    ]

    assert enforced == []
