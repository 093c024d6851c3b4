"""Alive, ready, and figures: what a supervisor and Prometheus ask for."""

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from kernel.events.metrics import DeliveryCollector
from kernel.replication.metrics import StreamCollector

METRICS = CollectorRegistry()
METRICS.register(StreamCollector())
METRICS.register(DeliveryCollector())


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "alive", "node": settings.NODE_CODE})


def readyz(request: HttpRequest) -> JsonResponse:
    """The node can serve: its database answers and says it is this node."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT public.jianqiao_node()")
            (node,) = cursor.fetchone()
    except DatabaseError:
        return JsonResponse({"status": "database-unreachable"}, status=503)
    if node != settings.NODE_CODE:
        return JsonResponse({"status": "wrong-database", "database": node}, status=503)
    return JsonResponse({"status": "ready", "node": node, "role": settings.ROLE})


def metrics(request: HttpRequest) -> HttpResponse:
    """Figures of this node in Prometheus' text form."""
    return HttpResponse(generate_latest(METRICS), content_type=CONTENT_TYPE_LATEST)
