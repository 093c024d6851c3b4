"""Every address of a node (architecture §9)."""

from django.urls import URLPattern, URLResolver, path

from config.api import api
from config.health import healthz, metrics, readyz
from kernel.commands.api import receive_command

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("node/v1/commands/<str:name>", receive_command),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
