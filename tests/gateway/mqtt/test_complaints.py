# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.gateway.mqtt import complaints
from pyaiot.gateway.mqtt.complaints import MAX_A_PERIOD, PERIOD, Complaints


def test_one_about_each_node_in_a_minute() -> None:
    log = Complaints(0)
    assert log.due("a", 0)
    assert not log.due("a", 1)
    assert log.due("b", 1)
    assert not log.due("a", PERIOD - 1)
    assert log.due("a", PERIOD)
    assert not log.due("a", PERIOD + 1)


def test_not_too_many_in_all() -> None:
    log = Complaints(0)
    said = sum(log.due(f"node-{number}", 1) for number in range(10_000))
    assert said == MAX_A_PERIOD
    assert log.due("another", PERIOD)


def test_remembers_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complaints, "MAX_REMEMBERED", 2)
    log = Complaints(0)
    for about in ("a", "b", "c"):
        assert log.due(about, 1)
    assert not log.due("b", 2)
    assert log.due("a", 2)
