"""The managed tables of this project, grouped by home."""

from django.apps import apps
from django.db import models

from kernel.postgres.homes import Home, home_of


def managed_models() -> list[type[models.Model]]:
    """Every model with a table, in name order."""
    found = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]
    return sorted(found, key=lambda model: model._meta.db_table)


def models_of(*homes: Home) -> list[type[models.Model]]:
    """Models whose home is one of `homes`, in name order."""
    return [model for model in managed_models() if home_of(model) in homes]


def table_of(model: type[models.Model]) -> str:
    """Bare table name."""
    return model._meta.db_table
