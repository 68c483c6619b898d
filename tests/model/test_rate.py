# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.model.rate import Allowance, Allowances


def test_allows_a_burst_and_no_more() -> None:
    allowance = Allowance(rate=1, burst=3)
    assert [allowance.take(100) for _ in range(5)] == [True, True, True, False, False]


def test_refills_with_time() -> None:
    allowance = Allowance(rate=2, burst=2)
    assert [allowance.take(0) for _ in range(3)] == [True, True, False]
    assert not allowance.take(0.25)
    assert allowance.take(0.5)
    assert not allowance.take(0.5)


def test_never_saves_up_more_than_a_burst() -> None:
    allowance = Allowance(rate=10, burst=2)
    assert [allowance.take(1000) for _ in range(3)] == [True, True, False]


def test_long_run_rate() -> None:
    allowance = Allowance(rate=5, burst=5)
    taken = sum(allowance.take(tick / 100) for tick in range(1000))
    assert taken == 5 + 49


def test_each_peer_has_its_own() -> None:
    allowances = Allowances(rate=1, burst=2, most=10)
    assert [allowances.take("a", 0) for _ in range(3)] == [True, True, False]
    assert allowances.take("b", 0)
    assert allowances.take("a", 1)


def test_who_did_nothing_for_longest_is_forgotten_first() -> None:
    allowances = Allowances(rate=0.001, burst=1, most=2)
    assert allowances.take("a", 0)
    assert allowances.take("b", 0)
    assert not allowances.take("a", 0)
    assert allowances.take("c", 0)
    assert not allowances.take("a", 0)
    assert allowances.take("b", 0)
