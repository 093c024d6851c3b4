"""Files and folders to push: found, ordered, unpacked within limits."""

import bz2
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import GzipFile
from pathlib import Path
from typing import IO

UNPACKED_LIMIT = 256 * 2**20
"""Bytes one file may unpack to; the node's own limit of a body is far lower."""

PEEKED = 4096
READABLE = (".json", ".json.gz", ".json.bz2")
ARCHIVE = ".zip"

_BATCH = re.compile(rb'"type"\s*:\s*"batch"')
_TYPE = re.compile(rb'"resourceType"\s*:\s*"(\w+)"')
_NAMED_FIRST = ("hospitalInformation", "practitionerInformation")

FIRST, LAST = 0, 9
ORDER = {
    b"Organization": 2,
    b"Location": 3,
    b"Practitioner": 3,
    b"PractitionerRole": 4,
    b"Medication": 4,
    b"Patient": 5,
    b"RelatedPerson": 6,
    b"Encounter": 7,
}
"""Single resources that others point at go first; bundles stand on their own feet."""


class Unreadable(Exception):
    """A file that cannot be unpacked, or not within the limit."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file, or one member of a ZIP archive."""

    path: Path
    member: str | None = None

    @property
    def label(self) -> str:
        """How reports name it."""
        return str(self.path) if self.member is None else f"{self.path}!{self.member}"

    def read(self) -> bytes:
        """All bytes, unpacked."""
        data = self._read(UNPACKED_LIMIT + 1)
        if len(data) > UNPACKED_LIMIT:
            raise Unreadable(f"> {UNPACKED_LIMIT} bytes")
        return data

    def peek(self) -> bytes:
        """The beginning; empty when unreadable, which `read` will tell."""
        try:
            return self._read(PEEKED)
        except Unreadable:
            return b""

    def _read(self, size: int) -> bytes:
        try:
            with self._opened() as packed, _unpacked(packed, self.member or self.path.name) as file:
                return file.read(size)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
            raise Unreadable(str(error) or type(error).__name__) from error

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        if self.member is None:
            with self.path.open("rb") as file:
                yield file
        else:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
                yield file


def find_inputs(paths: Sequence[Path]) -> list[InputFile]:
    """Every readable file below the paths, those that others refer to first."""
    found = [file for path in paths for file in _below(path)]
    return sorted(found, key=lambda file: (_rank(file), file.label))


def _below(path: Path) -> Iterator[InputFile]:
    if path.is_dir():
        for child in sorted(path.rglob("*")):
            if child.is_file() and child.name.lower().endswith((*READABLE, ARCHIVE)):
                yield from _members(child)
    else:
        yield from _members(path)


def _members(path: Path) -> Iterator[InputFile]:
    """The file itself, or the readable members of an archive; a broken archive stands for itself."""
    if path.suffix.lower() != ARCHIVE:
        yield InputFile(path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(READABLE)]
    except (OSError, zipfile.BadZipFile):
        yield InputFile(path)
        return
    for name in sorted(names):
        yield InputFile(path, name)


@contextmanager
def _unpacked(file: IO[bytes], name: str) -> Iterator[IO[bytes] | GzipFile]:
    """Streams, so that a small file that unpacks without end costs only the limit."""
    suffix = Path(name.lower()).suffix
    if suffix == ".gz":
        with GzipFile(fileobj=file) as unpacked:
            yield unpacked
    elif suffix == ".bz2":
        with bz2.BZ2File(file) as unpacked:
            yield unpacked
    elif suffix == ARCHIVE:
        raise zipfile.BadZipFile("not a ZIP archive")
    else:
        yield file


def _rank(file: InputFile) -> int:
    for number, word in enumerate(_NAMED_FIRST):
        if word in file.label:
            return FIRST + number
    head = file.peek()
    kind = _TYPE.search(head)
    if kind is None or kind[1] == b"Bundle":
        return FIRST + 1 if _BATCH.search(head) else LAST
    return ORDER.get(kind[1], LAST)
