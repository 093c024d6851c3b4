"""The composition root as a Django app: finds tasks, checks the wiring."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Registers Celery tasks in every process (style: a task is found by name)."""

    name = "config"

    def ready(self) -> None:
        """Import task modules now; without `force` the web process knows none."""
        from config.celery import app

        app.autodiscover_tasks(force=True)
