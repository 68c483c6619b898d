# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.gateway.coap.duplicates import Duplicates


def test_the_same_again() -> None:
    heard = Duplicates()
    assert heard.is_new("a", 1, b"x", 10, 0)
    assert not heard.is_new("a", 1, b"x", 10, 9)
    assert heard.is_new("b", 1, b"x", 10, 9)
    assert heard.is_new("a", 2, b"x", 10, 9)


def test_another_message_under_the_same_number() -> None:
    heard = Duplicates()
    assert heard.is_new("a", 1, b"x", 10, 0)
    assert heard.is_new("a", 1, b"y", 10, 0)
    assert not heard.is_new("a", 1, b"y", 10, 0)


def test_requests_are_forgotten() -> None:
    heard = Duplicates()
    heard.is_new("a", 1, b"x", 10, 0)
    heard.answered("a", 1, "ack")
    assert heard.is_new("a", 1, b"x", 10, 10)
    assert heard.answer("a", 1) is None


def test_answers() -> None:
    heard = Duplicates()
    heard.answered("a", 1, "to nothing")
    assert heard.answer("a", 1) is None
    heard.is_new("a", 1, b"x", 10, 0)
    assert heard.answer("a", 1) is None
    heard.answered("a", 1, "ack")
    assert heard.answer("a", 1) == "ack"


def test_only_so_many_are_remembered() -> None:
    heard = Duplicates(limit=3)
    for mid in range(10):
        heard.is_new("a", mid, b"x", 10, 0)
    assert len(heard) == 3
    assert not heard.is_new("a", 9, b"x", 10, 0)
    assert heard.is_new("a", 6, b"x", 10, 0)
