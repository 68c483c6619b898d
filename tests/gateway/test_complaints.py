# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.gateway import complaints
from pyaiot.gateway.complaints import MAX_A_MINUTE, Complaints


def test_one_about_each_matter_in_a_while() -> None:
    log = Complaints(period=20)
    assert log.due("a", 0)
    assert not log.due("a", 1)
    assert log.due("b", 1)
    assert not log.due("a", 19)
    assert log.due("a", 20)
    assert not log.due("a", 21)


def test_one_is_all_where_no_time_is_given() -> None:
    log = Complaints()
    assert log.due(("invalid", "a"), 0)
    assert not log.due(("invalid", "a"), 1e9)
    assert log.due(("invalid", "b"), 1e9)


def test_not_too_many_in_all() -> None:
    log = Complaints()
    said = sum(log.due(f"node-{number}", 1) for number in range(10_000))
    assert said == MAX_A_MINUTE
    assert log.due("another", 60)


def test_remembers_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complaints, "MAX_REMEMBERED", 2)
    log = Complaints()
    for about in ("a", "b", "c"):
        assert log.due(about, 1)
    assert not log.due("b", 2)
    assert log.due("a", 2)
