# SPDX-License-Identifier: BSD-3-Clause
"""Metrics of a service, in Prometheus' text format.

A service counts in plain integers; what they mean is said only when somebody asks, so that
counting costs next to nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class Sample:
    """One metric as it is now: a number, or one number for each value of `label`."""

    name: str
    help: str
    value: float | Mapping[str, float]
    label: str = ""


class Gauge(Sample):
    """A number that goes up and down."""


class Counter(Sample):
    """A number that only grows; Prometheus adds ``_total`` to its name."""


class Metrics:
    """The metrics of one service and of the process it runs in."""

    content_type: ClassVar[str] = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, samples: Callable[[], Iterable[Sample]]) -> None:
        """`samples` is called each time somebody asks."""
        self._registry = CollectorRegistry()
        self._registry.register(_Samples(samples))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> str:
        """All metrics."""
        return generate_latest(self._registry).decode()


class _Samples(Collector):
    def __init__(self, samples: Callable[[], Iterable[Sample]]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        for sample in self._samples():
            kind = CounterMetricFamily if isinstance(sample, Counter) else GaugeMetricFamily
            labels = [sample.label] if sample.label else None
            family = kind(sample.name, sample.help, labels=labels)
            if isinstance(sample.value, Mapping):
                for each, number in sample.value.items():
                    family.add_metric([each], number)
            else:
                family.add_metric([], sample.value)
            yield family
