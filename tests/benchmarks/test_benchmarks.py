# SPDX-License-Identifier: BSD-3-Clause
"""That the benchmarks run. How fast anything is, is no matter for a test."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.exported import exported
from benchmarks.gateways import CoapNodes, MqttNodes, Nodes, WebsocketNodes, gateway
from benchmarks.measures import Bench, Figures
from benchmarks.memory import memory
from benchmarks.peers import (
    Broker,
    EachReference,
    Mosquitto,
    Original,
    OriginalClients,
    Peer,
    PeerFailed,
    SharedReference,
    Unsigned,
)
from benchmarks.recorded import Recorded, Untimed
from benchmarks.report import Run, write
from benchmarks.rows import ROWS, Goal, Metric, Results, Row
from benchmarks.run import measure
from tests.programs import require


@pytest.mark.parametrize(
    ("kind", "gather"),
    [
        (Broker, 1),
        (Broker, 64),
        (OriginalClients, 64),
        (Unsigned, 1),
        (Original, 1),
        (Mosquitto, 1),
        (Mosquitto, 64),
        (EachReference, 1),
        (SharedReference, 64),
    ],
)
def test_a_saturated_broker_delivers(bench: Bench, kind: type[Peer], gather: int) -> None:
    require("mosquitto", "mosquitto")
    figures = bench.saturated(kind, 2, 3, gather)
    assert figures["deliveries"] > 0
    # A client that is held up for long may be given the newest values alone.
    assert 0.5 < figures["delivered"] <= 1.0
    assert figures["server"] > 0


MEASURES: dict[str, Callable[[Bench], Figures]] = {
    "turns": lambda bench: bench.turns(Broker, 3),
    "paced": lambda bench: bench.paced(Broker, 3, 200),
    "idle": lambda bench: bench.idle(Broker),
    "snapshot": lambda bench: bench.snapshot(Broker),
    "snapshot of an original client": lambda bench: bench.snapshot(OriginalClients),
}


@pytest.mark.parametrize("name", MEASURES)
def test_there_are_figures(bench: Bench, name: str) -> None:
    figures = MEASURES[name](bench)
    # So few connections are smaller than what memory grows and shrinks by anyway.
    grown = figures.pop("memory", 0.0)
    assert isfinite(grown)
    assert all(value >= 0 for value in figures.values())


def test_a_client_that_never_read_learns_the_current_state(bench: Bench) -> None:
    figures = bench.unread(Broker, silent=True)
    assert figures["lost"] == 0
    assert figures["stale"] == 0


def test_all_that_come_back_at_once_get_everything(bench: Bench) -> None:
    figures = bench.storm(Broker)
    assert figures["missing"] == 0
    assert figures["closed"] == 0


@pytest.mark.parametrize("kind", [CoapNodes, MqttNodes, WebsocketNodes])
def test_nodes_come_and_report_through_a_gateway(bench: Bench, kind: type[Nodes]) -> None:
    figures = gateway(bench, kind)
    assert figures["readings"] > 0
    assert figures["came"] > 0


def test_a_server_that_does_not_start_says_why() -> None:
    class Broken(EachReference):
        def command(self) -> list[str | Path]:
            return [*super().command(), "one word too many"]

    with pytest.raises(PeerFailed, match="ended"), Broken(machine.Cores.chosen().server):
        pass


def fast(bench: Bench) -> Figures:
    del bench
    return {"speed": 3000.0}


def slow(bench: Bench) -> Figures:
    del bench
    return {"speed": 1000.0}


def failing(bench: Bench) -> Figures:
    del bench
    raise PeerFailed("it broke")


ROW = Row(
    "speed",
    "how fast",
    "Nothing is measured.",
    (Metric("speed", "speed", "1000/s", 1e-3),),
    {"fast": fast, "slow": slow, "failing": failing},
    (
        Goal("twice as fast", "speed", "fast", 2, "slow", least=True),
        Goal("four times as fast", "speed", "fast", 4, "slow", least=True),
        Goal("not too slow", "speed", "slow", 500),
        Goal("no failure", "speed", "failing", 1),
    ),
)


def test_rounds_are_measured_until_the_deadline(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    results, rounds = measure(bench, [ROW], 3, float("inf"))
    assert rounds == 3
    assert results["speed"].values("fast", "speed") == [3000.0] * 3
    assert results["speed"].of("failing") == [None] * 3
    assert "speed 3.00 1000/s" in capsys.readouterr().out
    assert measure(bench, [ROW], 3, 0.0)[1] == 1


def test_goals_are_judged_by_the_median_of_the_rounds_ratios() -> None:
    results = Results(
        {
            "fast": [{"speed": 30.0}, {"speed": 10.0}, None, {"speed": 50.0}],
            "slow": [{"speed": 10.0}, {"speed": 10.0}, {"speed": 1.0}, {"speed": 10.0}],
        }
    )
    twice, four_times, not_slow, no_failure = ROW.goals
    assert twice.values(results) == [3.0, 1.0, 5.0]
    assert twice.reached(results) is True
    assert four_times.reached(results) is False
    assert not_slow.reached(results) is True
    assert no_failure.reached(results) is None


def test_the_page_and_its_pictures_are_written(bench: Bench, tmp_path: Path) -> None:
    results, rounds = measure(bench, [ROW], 2, float("inf"))
    page = tmp_path / "performance.md"
    run = Run(
        date="2026-01-01",
        machine=machine.description(),
        rounds=rounds,
        apart=True,
        reduced=True,
        rows=[ROW],
        results=results,
    )
    write(run, page)
    text = page.read_text()
    assert "| how fast | twice as fast | 3.00 (3.00 to 3.00) x | reached |" in text
    assert "| **missed** |" in text
    assert "failing failed at least once: it broke" in text
    assert "proves little" in text
    picture = ET.parse(tmp_path / "performance" / "speed.svg")  # noqa: S314 - made just now
    assert picture.getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert (tmp_path / "performance" / "results.json").exists()


def test_every_row_can_be_judged() -> None:
    assert len({row.key for row in ROWS}) == len(ROWS)
    for row in ROWS:
        metrics = {metric.key for metric in row.metrics}
        for goal in row.goals:
            assert goal.metric in metrics
            assert {goal.of, goal.against or goal.of} <= set(row.contestants)


def test_two_that_run_side_by_side_are_compared(bench: Bench) -> None:
    figures = bench.beside((Untimed, Recorded), 3, 200.0)
    assert figures["quarter"] <= figures["ratio"] <= figures["quarters"]
    assert figures["alone"] > 0
    assert figures["beside"] > 0


def test_a_file_of_all_readings_is_read_to_its_end(bench: Bench) -> None:
    figures = exported(bench, bench.scale.exported)
    assert figures["rows"] > 0
    assert 0 <= figures["growth"] < figures["peak"]


@pytest.mark.parametrize("what", ["record", "loop"])
def test_what_is_stored_is_counted(bench: Bench, what: str) -> None:
    figures = memory(bench, what)
    # A difference may be anything.
    assert isfinite(figures.pop("later", 0.0))
    assert all(value > 0 for value in figures.values())


def test_some_rows_are_measured_once(bench: Bench) -> None:
    results, _ = measure(bench, [replace(ROW, once=True)], 3, float("inf"))
    assert results["speed"].values("fast", "speed") == [3000.0]
