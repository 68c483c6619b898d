# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from pyaiot.observe.metrics import Counter, Gauge, Metrics, Sample


def read(metrics: Metrics) -> dict[tuple[str, str], float]:
    """What Prometheus makes of it: names and labels to numbers."""
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.text())
        for sample in family.samples
    }


def test_numbers_are_asked_for_when_somebody_wants_them() -> None:
    count = 0

    def samples() -> Iterator[Sample]:
        yield Gauge("test_nodes", "Nodes.", count)

    metrics = Metrics(samples)
    count = 5
    assert read(metrics)["test_nodes", ""] == 5
    count = 3
    assert read(metrics)["test_nodes", ""] == 3


def test_one_number_for_each_value_of_a_label() -> None:
    results = {"applied": 7, "failed": 0}
    metrics = Metrics(lambda: [Counter("test_results", "Results.", results, label="status")])
    read_back = read(metrics)
    assert read_back["test_results_total", "applied"] == 7
    assert read_back["test_results_total", "failed"] == 0


def test_the_process_is_there_too() -> None:
    metrics = Metrics(list)
    assert read(metrics)["process_resident_memory_bytes", ""] > 1_000_000


def test_two_services_in_one_process_do_not_get_in_each_others_way() -> None:
    one, two = (Metrics(lambda n=n: [Gauge("test_n", "N.", n)]) for n in (1, 2))  # type: ignore[misc]
    assert read(one)["test_n", ""] == 1
    assert read(two)["test_n", ""] == 2
