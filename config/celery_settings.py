"""Celery's settings of a node, and its clock."""

from django.conf import settings

broker_url = settings.BROKER_URL
broker_connection_retry_on_startup = True
task_ignore_result = True
task_acks_late = True
task_serializer = "json"
worker_prefetch_multiplier = 1
worker_hijack_root_logger = False
timezone = settings.TIME_ZONE
beat_schedule = {
    "settle commands": {"task": "commands.settle", "schedule": 5.0, "options": {"expires": 5}},
    "tend partitions": {"task": "replication.tend_partitions", "schedule": 3600.0},
}
