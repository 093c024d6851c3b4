"""Celery: the worker of a node and what it does by the clock."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("jianqiao")
app.config_from_object("config.celery_settings")
