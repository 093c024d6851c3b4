"""Which language the command line speaks: Chinese unless English was asked for."""

import click

LANGUAGES = ("zh", "en")
_spoken = "zh"


def speak(language: str) -> None:
    """Choose the language of this process."""
    global _spoken
    _spoken = language


def spoken() -> str:
    """The language of this process."""
    return _spoken


def said(zh: str, en: str) -> str:
    """The text in the language of this process."""
    return en if _spoken == "en" else zh


def tell(zh: str, en: str, *, err: bool = False) -> None:
    """Print one line in the language of this process."""
    click.echo(said(zh, en), err=err)
