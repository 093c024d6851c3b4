"""A TCP wire between two nodes that a test can cut: a black hole, not a refusal."""

import selectors
import socket
import threading
from contextlib import suppress


class Wire:
    """Forwards connections to a port; while cut, nothing passes and nobody is told."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.port = 0
        self._cut = threading.Event()
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """From now on every byte waits."""
        self._cut.set()

    def mend(self) -> None:
        """Let everything through again."""
        self._cut.clear()

    def close(self) -> None:
        """Close every connection."""
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        ends: dict[socket.socket, socket.socket] = {}
        with selectors.DefaultSelector() as selector, self._listener:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._stop.is_set():
                if self._cut.is_set():
                    self._stop.wait(0.05)
                    continue
                for key, _ in selector.select(0.05):
                    if key.fileobj is self._listener:
                        self._accept(selector, ends)
                    else:
                        self._forward(key.fileobj, selector, ends)
            for end in ends:
                end.close()

    def _accept(self, selector, ends) -> None:
        try:
            near, _ = self._listener.accept()
        except OSError:
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            near.close()
            return
        for one, other in ((near, far), (far, near)):
            one.settimeout(30)
            ends[one] = other
            selector.register(one, selectors.EVENT_READ)

    def _forward(self, end, selector, ends) -> None:
        if end not in ends:
            return
        try:
            data = end.recv(65536)
            if data:
                ends[end].sendall(data)
                return
        except OSError:
            pass
        for one in (end, ends[end]):
            selector.unregister(one)
            del ends[one]
            with suppress(OSError):
                one.close()
