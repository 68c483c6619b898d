# SPDX-License-Identifier: BSD-3-Clause
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.gateway.coap.freshness import Sequence, patience


def test_newer_ones_are_admitted() -> None:
    sequence = Sequence(5, 0)
    assert sequence.admits(6, 1)
    assert not sequence.admits(6, 1)
    assert not sequence.admits(5, 1)
    assert sequence.admits(100, 1)


def test_numbers_wrap_around() -> None:
    sequence = Sequence((1 << 24) - 1, 0)
    assert sequence.admits(0, 1)
    assert not sequence.admits((1 << 24) - 1, 1)


def test_after_two_minutes_everything_is_new() -> None:
    sequence = Sequence(5, 0)
    assert not sequence.admits(4, 128)
    assert sequence.admits(4, 128.1)


@given(st.integers(0, (1 << 24) - 1), st.integers(1, (1 << 23) - 1))
def test_an_order(number: int, step: int) -> None:
    later = (number + step) % (1 << 24)
    assert Sequence(number, 0).admits(later, 0)
    assert not Sequence(later, 0).admits(number, 0)


def test_patience() -> None:
    assert patience(None, 0.0) == 65
    assert patience(None, 1.0) == 75
    assert patience(30, 0.5) == 40
    assert patience(0, 0.0) == 10
    assert patience(0xFFFFFFFF, 0.0) == 86_405
