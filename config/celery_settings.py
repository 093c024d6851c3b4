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
    "tend partitions": {"task": "replication.tend_partitions", "schedule": 3600.0},
    "forget what ended": {"task": "accounts.forget_expired", "schedule": 600.0},
    "forget codes": {"task": "residents.forget_expired", "schedule": 600.0},
    "forget text messages": {"task": "sms.forget_expired", "schedule": 60.0},
    "forget deliveries": {"task": "events.forget_old", "schedule": 3600.0},
    "forget refused messages": {"task": "records.forget_refused", "schedule": 3600.0},
    "count attempts": {"task": "records.count_attempts", "schedule": 60.0},
    "recount figures": {"task": "analytics.recount", "schedule": 3600.0},
    "recount numbers": {"task": "analytics.recount_numbers", "schedule": 60.0},
    "forget figures": {"task": "analytics.forget_old", "schedule": 86400.0},
    "forget commands": {"task": "commands.forget_old", "schedule": 3600.0},
    "destroy keys given up": {"task": "keys.destroy_given_up", "schedule": 600.0},
}
