"""Prometheus metrics of the streams, read from the database when they are scraped."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kernel.replication.lag import streams

OUTGOING = {
    "behind_bytes": "WAL the peer has not confirmed",
    "retained_bytes": "WAL kept for the peer",
    "active": "1 when the peer is connected",
    "restored": "1 when the peer remembers more than this node has: reload it",
}
INCOMING = {
    "running": "1 when the apply worker runs",
    "copying_tables": "tables still in their initial copy",
    "apply_errors": "failed attempts to apply a transaction",
    "copy_errors": "failed initial copies",
    "conflicts": "rows that met another row or none; 0 in health",
}


class StreamCollector(Collector):
    """Both directions at this node."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge per figure, labelled by peer and, where a peer has several, by slot."""
        now = streams()
        for direction, figures in (("outgoing", OUTGOING), ("incoming", INCOMING)):
            for figure, text in figures.items():
                gauge = GaugeMetricFamily(
                    f"jianqiao_replication_{direction}_{figure}", text, labels=["peer", "slot"]
                )
                for stream in now[direction]:
                    gauge.add_metric(
                        [stream["peer"], stream.get("slot", "")], float(stream[figure] or 0)
                    )
                yield gauge
