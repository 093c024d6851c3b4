"""Is a process of a node ready? Asked while starting and by `status`, never in the background."""

import http.client
from collections.abc import Callable

from config.cli.supervision import Supervised
from config.cli.topology import Node


def web_answers(node_url: str, *, path: str = "/readyz", timeout: float = 3.0) -> bool:
    """Whether GET /readyz, or another path, says 200."""
    host = node_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def probe_of(watched: Supervised, node: Node) -> Callable[[], bool]:
    """How to see that a serving process works: web and live answer, the others beat."""
    if watched.spec.kind == "web":
        return lambda: web_answers(node.url)
    if watched.spec.kind == "live":
        return lambda: web_answers(node.live_url, path="/healthz")
    return lambda: watched.pid is not None and watched.last_beat > 0
