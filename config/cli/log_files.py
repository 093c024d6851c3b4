"""Log files of the supervised processes: appended to, bounded in size."""

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

KEEP_BYTES = 16 * 1024 * 1024
TAIL_BYTES = 64 * 1024


class LogFile:
    """A file that moves aside to `.1` when it has grown large; opened at the first line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: BinaryIO | None = None
        self._size = 0

    def write(self, chunk: bytes) -> None:
        """Append what a process said."""
        with suppress(OSError):  # a full disk must not stop the processes
            stream = self._opened()
            stream.write(chunk)
            self._size += len(chunk)

    def _opened(self) -> BinaryIO:
        if self._stream is not None and self._size > KEEP_BYTES:
            self.close()
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        if self._stream is None:
            self._stream = self.path.open("ab", buffering=0)
            self._size = self.path.stat().st_size
        return self._stream

    def tail(self, lines: int) -> str:
        """The last lines of the file, empty when it does not exist."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(max(0, self.path.stat().st_size - TAIL_BYTES))
                content = stream.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(content.splitlines()[-lines:])

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
