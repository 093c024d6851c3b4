"""WSGI entry point, served by granian."""

import gc
import os

from django.core.wsgi import get_wsgi_application

YOUNGEST = 20_000
"""Objects made before the garbage collector looks at the youngest: a message brings tens of thousands."""

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
gc.freeze()
gc.set_threshold(YOUNGEST, *gc.get_threshold()[1:])
