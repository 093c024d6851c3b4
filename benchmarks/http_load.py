"""Requests over a number of kept-alive connections, from one thread that only waits and reads."""

import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

END_OF_HEAD = b"\r\n\r\n"
DONE = (b"HTTP/1.1 200", b"HTTP/1.1 201")


class NotAnswered(Exception):
    """An answer was neither 200 nor 201."""


@dataclass(slots=True)
class _Line:
    """One connection with its request under way."""

    socket: socket.socket
    began: float = 0.0
    read: bytes = b""


def get(url: str, path: str, token: str) -> bytes:
    """A GET request as it goes over the wire."""
    place = urlsplit(url)
    return (
        f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}\r\n"
        "Accept: application/fhir+json\r\n\r\n"
    ).encode()


def post(url: str, path: str, token: str, body: bytes) -> bytes:
    """A POST request of FHIR JSON whose answer need not repeat it."""
    place = urlsplit(url)
    return (
        f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n"
        "Prefer: return=minimal\r\n\r\n"
    ).encode() + body


def latencies(
    url: str, requests: Iterator[bytes], *, connections: int, seconds: float
) -> tuple[list[float], float]:
    """Seconds of every request that was answered, and how long all took."""
    place = urlsplit(url)
    took: list[float] = []
    with selectors.DefaultSelector() as waiting:
        lines = [
            _Line(socket.create_connection((place.hostname, place.port)))
            for _ in range(connections)
        ]
        began = time.perf_counter()
        try:
            for line in lines:
                line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                waiting.register(line.socket, selectors.EVENT_READ, line)
                _send(line, next(requests))
            left = connections
            while left:
                for key, _ in waiting.select():
                    line = key.data
                    line.read += line.socket.recv(1 << 18)
                    if not _is_whole(line.read):
                        continue
                    now = time.perf_counter()
                    took.append(now - line.began)
                    if now - began < seconds:
                        _send(line, next(requests))
                    else:
                        left -= 1
                        waiting.unregister(line.socket)
        finally:
            for line in lines:
                line.socket.close()
    return took, time.perf_counter() - began


def _send(line: _Line, request: bytes) -> None:
    line.read, line.began = b"", time.perf_counter()
    line.socket.sendall(request)


def _is_whole(read: bytes) -> bool:
    head, found, body = read.partition(END_OF_HEAD)
    if not found:
        return False
    if not head.startswith(DONE):
        raise NotAnswered(read[:2000].decode("utf-8", "replace"))
    length = next(
        int(text.partition(b":")[2])
        for text in head.split(b"\r\n")
        if text.lower().startswith(b"content-length:")
    )
    return len(body) >= length
