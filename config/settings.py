"""Settings of every node; what differs comes from the environment through `config.env`."""

from pathlib import Path

from config import env, heartbeat

BASE_DIR = Path(__file__).resolve().parent.parent

NODE_CODE = env.text("NODE_CODE", pattern=r"\d{6}")  # GB/T 2260 division; xx0000 is the hub
HUB_CODE = f"{NODE_CODE[:2]}0000"
ROLE = "province" if NODE_CODE == HUB_CODE else "city"
NODE_URL = env.text("NODE_URL", pattern=r"https?://.+[^/]")
NODE_KEY_FILE = env.file("NODE_KEY_FILE")  # PEM, Ed25519; signs commands and audit seals
MASTER_KEY_FILE = env.file("MASTER_KEY_FILE")  # 32 bytes, base64; wraps the data keys
SECRET_KEY = env.secret("SECRET_KEY")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost")
DEBUG = False

SHARED_APPS = [
    "kernel.replication",
    "kernel.nodes",
    "kernel.events",
    "kernel.commands",
    "kernel.audit",
    "kernel.keys",
    "registry.organisations",
    "registry.practitioners",
    "registry.terminology",
    "registry.accounts",
    "registry.patients",
    "registry.persons",
    "registry.consents",
    "registry.sms",
    "registry.residents",
    "registry.emergency_access",
    "health_records",
    "appointment_pool",
    "analytics",
]
ROLE_APPS: dict[str, list[str]] = {"province": [], "city": []}
DJANGO_APPS = ["django.contrib.staticfiles", "ninja", "django_linear_migrations"]
INSTALLED_APPS = ["config", *SHARED_APPS, *ROLE_APPS[ROLE], *DJANGO_APPS]

DATABASES = {
    "default": {
        **env.database("DATABASE_URL", engine="kernel.postgres"),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
}
OWNER_DATABASE = (
    env.database("OWNER_DATABASE_URL", engine="kernel.postgres")
    if env.is_set("OWNER_DATABASE_URL")
    else None
)
AFTER_MIGRATE = [
    "kernel.replication.grants.apply",
    "kernel.replication.guards.apply",
    "kernel.replication.publications.apply",
    "kernel.events.triggers.apply",
    "kernel.audit.triggers.apply",
]
WIRING = "config.wiring"
DATABASE_ROUTERS = ["kernel.replication.phases.PhaseRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.Account"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]

REDIS_URL = env.text("REDIS_URL", pattern=r"redis(s)?://.+|unix://.+")
BROKER_URL = env.text("BROKER_URL", REDIS_URL)
CHORES = {  # seconds between runs; done by the event consumer
    "config.heartbeat.beat": heartbeat.EVERY,
    "kernel.audit.services.seal_pending": 1.0,
    "kernel.keys.tasks.share_when_needed": 2.0,
    "kernel.commands.tasks.settle_when_due": 5.0,
    "registry.sms.tasks.deliver_when_due": 1.0,
    "analytics.tasks.count_in_time": 0.5,
}
HEARTBEAT_FILE = env.text("HEARTBEAT_FILE", "")
SMS_ADAPTER = env.text("SMS_ADAPTER", "", pattern=r"([\w.]+)?")
SMS_GATEWAY_URL = env.text(
    "SMS_GATEWAY_URL",
    None if SMS_ADAPTER == "registry.sms.gateway.deliver" else "",
    pattern=r"(https?://.+)?",
)
SMS_GATEWAY_SECRET = env.secret("SMS_GATEWAY_SECRET") if SMS_GATEWAY_URL else ""
COMMAND_TIMEOUT_SECONDS = env.integer("COMMAND_TIMEOUT_SECONDS", 5, at_least=1)
EVENTS_KEEP_DAYS = env.integer("EVENTS_KEEP_DAYS", 90, at_least=1)
REFUSED_KEEP_DAYS = env.integer("REFUSED_KEEP_DAYS", 180, at_least=1)
CONSENT_DAYS = env.integer("CONSENT_DAYS", 366, at_least=1)
SECOND_FACTOR_ROLES = env.words("SECOND_FACTOR_ROLES", "clinician,commission_analyst,operator")
SIGN_IN_CODES_PER_PHONE = env.integer("SIGN_IN_CODES_PER_PHONE", 5, at_least=1)
SIGN_IN_CODES_PER_ADDRESS = env.integer("SIGN_IN_CODES_PER_ADDRESS", 60, at_least=1)
EMERGENCY_ACCESS_MINUTES = env.integer("EMERGENCY_ACCESS_MINUTES", 240, at_least=1)
BINDING_TRIES_PER_DAY = env.integer("BINDING_TRIES_PER_DAY", 5, at_least=1)
ACCOUNTS_PER_PERSON = env.integer("ACCOUNTS_PER_PERSON", 1, at_least=1)
FIGURES_KEEP_DAYS = env.integer("FIGURES_KEEP_DAYS", 35, at_least=8)
STREAMS_MAX = env.integer("STREAMS_MAX", 200, at_least=1)
STREAM_URL = env.text("STREAM_URL", NODE_URL, pattern=r"https?://.+[^/]")
AUDIT_KEEP_DAYS = env.integer("AUDIT_KEEP_DAYS", 1095, at_least=180)
KEEP_DAYS = {
    "events_event": EVENTS_KEEP_DAYS,
    "audit_auditkept": AUDIT_KEEP_DAYS,
    "audit_auditrow": AUDIT_KEEP_DAYS,
    "audit_auditseal": AUDIT_KEEP_DAYS,
}
FIELD_CIPHER = env.choice("FIELD_CIPHER", "AES-256-GCM", ("AES-256-GCM", "SM4-GCM"))

MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", 20 * 1024 * 1024, at_least=1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
MAX_ENTRIES = env.integer("MAX_ENTRIES", 10_000, at_least=100)
MAX_READS = env.integer("MAX_READS", 500, at_least=1)
SEARCH_PAGE_MAX = env.integer("SEARCH_PAGE_MAX", 200, at_least=1)
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
MIDDLEWARE = [
    "config.middleware.request_context",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.decided_access",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {},
    }
]
PAGES_DIR = Path(env.text("PAGES_DIR", str(BASE_DIR / "web" / "dist")))
STATIC_URL = "/static/"
STATICFILES_DIRS = [path for path in [PAGES_DIR / "static"] if path.is_dir()]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_IMMUTABLE_FILE_TEST = (
    r"^/static/pages/.+-[\w-]{8}\.\w+$"  # Vite puts the content's hash there
)

LANGUAGE_CODE = env.choice("NODE_LANGUAGE", "zh-hans", ("zh-hans", "en"))
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"masked": {"()": "config.logs.MaskNumbers"}},
    "formatters": {
        "line": {
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",
        }
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["masked"],
        }
    },
    "root": {
        "handlers": ["stderr"],
        "level": env.choice("NODE_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
    },
}
