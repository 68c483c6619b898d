# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.broker.limits import ClientRate, Verdict


def verdicts(rate: ClientRate, count: int, now: float) -> list[Verdict]:
    return [rate.judge(now) for _ in range(count)]


def test_a_burst_then_refusals_then_the_end() -> None:
    rate = ClientRate(100.0)
    assert verdicts(rate, 200, 0.0) == [Verdict.TAKE] * 200
    assert verdicts(rate, 1000, 0.0) == [Verdict.REFUSE] * 1000
    assert rate.judge(0.0) is Verdict.CLOSE


def test_who_stops_is_forgiven() -> None:
    rate = ClientRate(100.0)
    verdicts(rate, 1200, 0.0)
    assert rate.judge(1.0) is Verdict.TAKE


def test_a_steady_client_at_its_rate_is_never_refused() -> None:
    rate = ClientRate(10.0)
    assert {rate.judge(number / 10) for number in range(1000)} == {Verdict.TAKE}


def test_a_low_rate_leaves_room_for_a_hello_and_some_commands() -> None:
    assert verdicts(ClientRate(0.1), 10, 0.0) == [Verdict.TAKE] * 10
