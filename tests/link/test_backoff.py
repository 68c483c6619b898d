# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.link.backoff import Backoff


def test_ceiling_doubles_up_to_the_cap() -> None:
    backoff = Backoff(lambda: 1.0, base=0.5, cap=30.0)
    assert [backoff.next() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize("drawn", [0.0, 0.25, 1.0])
def test_full_jitter(drawn: float) -> None:
    backoff = Backoff(lambda: drawn, base=1.0, cap=8.0)
    assert [backoff.next() for _ in range(5)] == [drawn * each for each in (1, 2, 4, 8, 8)]


def test_success_begins_anew() -> None:
    backoff = Backoff(lambda: 1.0, base=1.0, cap=8.0)
    for _ in range(3):
        backoff.next()
    backoff.reset()
    assert backoff.next() == 1.0


def test_never_overflows() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.next() for _ in range(5000)][-1] == 30.0
