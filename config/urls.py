"""Every address of a node (architecture §9)."""

from django.urls import URLPattern, URLResolver, include, path

from config import pages
from config.api import api
from config.health import healthz, metrics, readyz
from kernel.commands.api import receive_command
from registry.accounts.views import token
from registry.sms.views import show as mailbox

urlpatterns: list[URLPattern | URLResolver] = [
    path("fhir/R4", include("health_records.formats.fhir.urls")),
    path("api/v1/", api.urls),
    path("oauth/token", token),
    path("node/v1/commands/<str:name>", receive_command),
    path("dev/mailbox", mailbox),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    *pages.urls(),
]

handler404 = "config.pages.not_found"
handler500 = "config.failures.internal_error"
