"""WSGI entry point, served by granian."""

import gc
import os

from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

YOUNGEST = 20_000
"""Objects made before the garbage collector looks at the youngest: a message brings tens of thousands."""

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
gc.freeze()
gc.set_threshold(YOUNGEST, *gc.get_threshold()[1:])

# What Django does around every request for what we have not: caches, a log of statements, connections that
# are to be closed after a request, several lists of addresses. A broken one is noticed when the next request begins.
request_started.disconnect(reset_queries)
request_finished.disconnect(close_caches)
request_finished.disconnect(close_old_connections)
request_finished.disconnect(reset_urlconf)
