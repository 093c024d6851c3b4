"""Deliveries as figures for Prometheus."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kernel.events import selectors


class DeliveryCollector(Collector):
    """How many deliveries are due, and how many are parked by handler."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Names only, so that registering asks nothing of the database."""
        yield GaugeMetricFamily("jianqiao_event_deliveries_due", "Deliveries to be handled")
        yield GaugeMetricFamily("jianqiao_event_deliveries_parked", "Deliveries given up")

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Count now."""
        yield GaugeMetricFamily(
            "jianqiao_event_deliveries_due",
            "Deliveries to be handled",
            value=selectors.due_count(),
        )
        parked = GaugeMetricFamily(
            "jianqiao_event_deliveries_parked", "Deliveries given up", labels=["handler"]
        )
        for handler, count in selectors.parked_by_handler().items():
            parked.add_metric([handler], count)
        yield parked
