"""Every way the local province can fail, each with its own exit code (docs/operations.md)."""

from typing import IO, Any

import click

from config.cli.language import said


class Failure(click.ClickException):
    """A failure that is told in the user's language; subclasses fix the exit code."""

    exit_code = 1

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(said(zh, en))
        self.zh, self.en = zh, en

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message to standard error."""
        label = click.style(said("错误：", "Error: "), fg="red", bold=True)
        click.echo(label + said(self.zh, self.en), file=file, err=file is None)


class AlreadyRunning(Failure):
    """The province of this home is up."""

    exit_code = 10


class NotRunning(Failure):
    """The command needs a running province."""

    exit_code = 11


class PortTaken(Failure):
    """Another process listens where a node should."""

    exit_code = 12


class DiskFull(Failure):
    """Too little room for the databases."""

    exit_code = 13


class StaleData(Failure):
    """A data directory is there but is not one this home can use."""

    exit_code = 14


class OtherVersion(Failure):
    """The data belong to another major version of PostgreSQL."""

    exit_code = 15


class DataMissing(Failure):
    """A node that had data has none any more."""

    exit_code = 16


class TopologyUnreadable(Failure):
    """topology.toml is absent, malformed or makes no sense."""

    exit_code = 17


class ProgramsMissing(Failure):
    """The server programs are not installed or do not run here."""

    exit_code = 18


class AccountUnusable(Failure):
    """As root: the unprivileged account for the servers is missing or cannot work."""

    exit_code = 19


class StepFailed(Failure):
    """A step of the start (roles, migrations, keys, enrolment) failed."""

    exit_code = 20


class NotReady(Failure):
    """A process did not become ready, or crashed again and again."""

    exit_code = 21


class ServerUnfit(Failure):
    """A given server is unreachable or lacks what the platform needs."""

    exit_code = 22


class HomeUnusable(Failure):
    """The home directory cannot be written, or belongs to another province."""

    exit_code = 23


class NothingHere(Failure):
    """The home holds no province, or not this node."""

    exit_code = 24


def failure_of(exit_code: int, zh: str, en: str) -> Failure:
    """The failure that another process told of."""
    kinds = {kind.exit_code: kind for kind in Failure.__subclasses__()}
    return kinds.get(exit_code, Failure)(zh, en)


class SignInRefused(Failure):
    """A city does not accept a hospital's credentials."""

    exit_code = 25


class NoAnswer(Failure):
    """A node gave no final answer after all attempts."""

    exit_code = 26
