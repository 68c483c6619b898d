# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.broker.peers import Service
from pyaiot.broker.recording import PIECE_BYTES, PIECE_MESSAGES, Recording
from pyaiot.errors import InvalidContent
from pyaiot.messages.types import Feature, Recordable


class Waker:
    def __init__(self) -> None:
        self.times = 0

    def record(self) -> None:
        self.times += 1


def recorder(name: str = "r") -> Service:
    return Service(name, name, frozenset({Feature.RECORDER}))


def stream(limit: int = 10**9) -> Recording:
    return Recording("s", limit, Waker())


def put(recording: Recording, number: int, size: int = 10) -> None:
    for _ in range(number):
        recording.put(b"%0*d" % (size, recording.newest + 1))


def taken(recording: Recording, service: Service) -> list[int]:
    """The messages that are sent now, whose numbers and contents must agree."""
    numbers: list[int] = []
    while (message := recording.take(service)) is not None:
        assert message.stream == "s"
        got = [int(bytes(raw)) for raw in message.messages]
        assert got == list(range(message.first, message.first + len(got)))
        numbers += got
    recording.rest()
    return numbers


def test_what_is_put_is_sent_once() -> None:
    recording, one = stream(), recorder()
    put(recording, 3)
    recording.joined(one)
    assert recording.expected
    assert taken(recording, one) == [1, 2, 3]
    put(recording, 2)
    assert taken(recording, one) == [4, 5]
    assert taken(recording, one) == []


def test_what_is_not_stored_is_sent_again() -> None:
    recording, one, two = stream(), recorder("1"), recorder("2")
    put(recording, 5)
    recording.joined(one)
    taken(recording, one)
    assert recording.told(one, 2)
    assert not recording.told(one, 1), "an old number says nothing new"
    recording.left(one)
    recording.joined(two)
    assert taken(recording, two) == [3, 4, 5]


def test_many_come_in_pieces_and_are_let_go_when_stored() -> None:
    recording, one = stream(), recorder()
    recording.joined(one)
    put(recording, 3 * PIECE_MESSAGES + 5)
    first = recording.take(one)
    assert first is not None
    assert len(first.messages) == PIECE_MESSAGES
    assert len(taken(recording, one)) == 2 * PIECE_MESSAGES + 5
    assert recording.kept == 3 * PIECE_MESSAGES + 5
    before = recording.kept_bytes
    assert recording.told(one, PIECE_MESSAGES + 7)
    assert recording.kept_bytes < before
    assert recording.kept == 2 * PIECE_MESSAGES - 2
    assert recording.told(one, recording.newest)
    assert recording.kept_bytes == recording.kept == 0


def test_large_messages_make_a_piece_sooner() -> None:
    recording, one = stream(), recorder()
    recording.joined(one)
    put(recording, 3, PIECE_BYTES)
    message = recording.take(one)
    assert message is not None
    assert len(message.messages) == 1


def test_what_there_is_no_room_for_is_counted() -> None:
    recording, one = stream(2 * PIECE_BYTES), recorder()
    put(recording, 10, PIECE_BYTES // 2)
    assert recording.kept_bytes <= 2 * PIECE_BYTES
    assert recording.lost == recording.dropped > 0
    recording.joined(one)
    message = recording.take(one)
    assert isinstance(message, Recordable)
    assert (message.first, message.lost) == (recording.lost + 1, recording.lost)
    assert recording.kept == 10 - recording.lost


def test_what_was_stored_is_not_lost() -> None:
    recording, one = stream(PIECE_BYTES), recorder()
    recording.joined(one)
    put(recording, 1)
    taken(recording, one)
    recording.told(one, 1)
    put(recording, 3, PIECE_BYTES)
    assert (recording.lost, recording.dropped) == (3, 4)


def test_a_recorder_that_is_too_slow_goes_on_where_there_is_something() -> None:
    recording, one = stream(PIECE_BYTES), recorder()
    recording.joined(one)
    put(recording, 1)
    assert taken(recording, one) == [1]
    put(recording, 3, PIECE_BYTES)
    put(recording, 1)
    assert taken(recording, one) == [5]


def test_with_two_recorders_stored_is_what_both_have() -> None:
    recording, one, two = stream(), recorder("1"), recorder("2")
    recording.joined(one)
    recording.joined(two)
    put(recording, 4)
    assert taken(recording, one) == taken(recording, two) == [1, 2, 3, 4]
    assert not recording.told(one, 4)
    assert recording.told(two, 2)
    assert recording.stored == 2
    recording.left(two)
    assert recording.stored == 4, "who is gone need not be waited for"
    recording.left(one)
    assert recording.stored == 4


def test_nobody_can_have_stored_what_was_not_sent() -> None:
    recording, one = stream(), recorder()
    recording.joined(one)
    put(recording, 4)
    with pytest.raises(InvalidContent, match="was not sent"):
        recording.told(one, 1)


def test_recorders_are_woken_once_until_they_have_all() -> None:
    waker = Waker()
    recording, one = Recording("s", 1000, waker), recorder()
    put(recording, 3)
    assert waker.times == 0
    recording.joined(one)
    assert waker.times == 1
    taken(recording, one)
    put(recording, 3)
    assert waker.times == 2
    recording.left(one)
    recording.rest()
    put(recording, 3)
    assert waker.times == 2
