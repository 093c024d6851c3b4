"""The only reader of the environment: every setting comes from a variable or a file it names."""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


class SettingMissing(SystemExit):
    """A variable is absent or unusable; the process stops and names it."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why} (docs/configuration.md)")


def text(name: str, default: str | None = None, *, pattern: str | None = None) -> str:
    """Value of a variable; `pattern` is a regular expression it must match as a whole."""
    value = os.environ.get(name, default)
    if value is None:
        raise SettingMissing(name, "is not set")
    if pattern is not None and re.fullmatch(pattern, value) is None:
        raise SettingMissing(name, f"does not match {pattern}")
    return value


def integer(name: str, default: int, *, at_least: int = 0) -> int:
    """Whole number of a variable."""
    value = os.environ.get(name, str(default))
    if not value.isdecimal() or int(value) < at_least:
        raise SettingMissing(name, f"must be a whole number of at least {at_least}")
    return int(value)


def words(name: str, default: str) -> list[str]:
    """Comma-separated list of a variable."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of a few words."""
    value = os.environ.get(name, default)
    if value not in allowed:
        raise SettingMissing(name, f"must be one of {', '.join(allowed)}")
    return value


def secret(name: str) -> str:
    """Secret given in the variable itself or in the file that `<name>_FILE` names."""
    if name in os.environ:
        return text(name, pattern=r".+")
    return file(f"{name}_FILE").read_text(encoding="utf-8").strip()


def file(name: str) -> Path:
    """Path of a readable file."""
    path = Path(text(name))
    if not os.access(path, os.R_OK):
        raise SettingMissing(name, f"{path} cannot be read")
    return path


def database(name: str, *, engine: str) -> dict[str, Any]:
    """Django's form of a `postgresql://user:password@host:port/name?option=value` URL."""
    url = urlsplit(text(name))
    if url.scheme not in {"postgresql", "postgres"} or not url.path.strip("/"):
        raise SettingMissing(name, "must be postgresql://user:password@host:port/database")
    return {
        "ENGINE": engine,
        "NAME": unquote(url.path.strip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or 5432),
        "OPTIONS": dict(parse_qsl(url.query)),
    }


def is_set(name: str) -> bool:
    """Whether an optional variable is given."""
    return bool(os.environ.get(name))
