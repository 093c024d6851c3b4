"""Write a synthetic population's records into this city, as if its institutions had pushed them."""

import json
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from config.model_province.traffic import Sent, Traffic, count_of, messages_of
from health_records.formats.fhir import door
from health_records.models import Message
from health_records.states import MessageState
from kernel.actor import Actor, Role
from registry.organisations.models import Organisation

MESSAGES_PER_TRANSACTION = 50
"""About a thousand rows: few enough not to hold up the stream to the hub."""


class Refused(CommandError):
    """The door does not take what the generator makes."""


class Command(BaseCommand):
    """Takes every message through the door's own code; those known already are passed over.

    Lines of JSON on standard output: `{"done", "total"}` while it goes on, at last `{"result"}`.
    """

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Which population, over which days."""
        parser.add_argument("--cities", type=lambda text: tuple(text.split(",")), required=True)
        parser.add_argument("--residents", type=int, required=True)
        parser.add_argument("--first", type=_day, required=True)
        parser.add_argument("--last", type=_day, required=True)
        parser.add_argument("--seed", type=int, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write in parts, and tell how far it is."""
        traffic = Traffic(
            **{name: options[name] for name in ("cities", "residents", "first", "last", "seed")}
        )
        if settings.NODE_CODE not in traffic.cities:
            raise CommandError(f"{settings.NODE_CODE} is none of the cities to be seeded")
        organisations = {one.code: one for one in Organisation.objects.all()}
        total = count_of(settings.NODE_CODE, traffic)
        done = known = resources = 0
        for part in _parts(messages_of(settings.NODE_CODE, traffic)):
            new = list(_unknown(part, organisations))
            resources += _take_all(new, organisations)
            done, known = done + len(part), known + len(part) - len(new)
            self._tell(done=done, total=max(total, done))
        self._tell(result={"messages": done - known, "known": known, "resources": resources})

    def _tell(self, **facts: Any) -> None:
        self.stdout.write(json.dumps(facts))
        self.stdout.flush()


def _parts(messages: Iterator[Sent]) -> Iterator[list[Sent]]:
    while part := list(islice(messages, MESSAGES_PER_TRANSACTION)):
        yield part


def _unknown(part: list[Sent], organisations: dict[str, Organisation]) -> Iterator[Sent]:
    """Messages that were not accepted before."""
    accepted = Message.objects.filter(
        message_id__in=[sent.message_id for sent in part], state=MessageState.ACCEPTED
    )
    known = set(accepted.values_list("organisation_id", "message_id"))
    for sent in part:
        organisation = organisations.get(sent.hospital.code)
        if organisation is None:
            raise CommandError(f"{sent.hospital.code} is not in the register: load it first")
        if (organisation.id, sent.message_id) not in known:
            yield sent


@transaction.atomic
def _take_all(part: Iterable[Sent], organisations: dict[str, Organisation]) -> int:
    """Take the messages; how many resources they brought."""
    count = 0
    for sent in part:
        organisation = organisations[sent.hospital.code]
        answer = door.take(
            sent.body,
            organisation=organisation,
            message_id=sent.message_id,
            language="zh",
            by=_system_of(organisation),
        )
        if answer.status != 200:
            raise Refused(answer.body.decode())
        count += len(orjson.loads(answer.body)["entry"])
    return count


def _system_of(organisation: Organisation) -> Actor:
    """The institution's own system, which has no client while the model province plays it."""
    return Actor(
        id=organisation.id,
        role=Role.HOSPITAL_SYSTEM,
        node=settings.NODE_CODE,
        organisation_id=organisation.id,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
