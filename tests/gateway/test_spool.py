# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.gateway.spool import BUSY, CONTROLS, Spool
from pyaiot.messages.types import Message, New, Out, Update


def reading(number: int, uid: str = "1234") -> Update:
    return Update(uid, "led", number, "all", float(number))


def numbers(messages: list[Message]) -> list[object]:
    return [each.data for each in messages if isinstance(each, Update)]


@pytest.fixture
def spool() -> Spool:
    """A spool whose broker is there."""
    spool = Spool(5)
    spool.resume()
    return spool


class TestOrder:
    def test_first_in_first_out(self, spool: Spool) -> None:
        messages: list[Message] = [New("1234"), reading(1), Out("1234"), reading(2)]
        for message in messages:
            spool.put(message)
        assert spool.take(3) == messages[:3]
        assert spool.take(3) == messages[3:]
        assert spool.take(3) == []

    def test_what_was_taken_is_kept_until_confirmed(self, spool: Spool) -> None:
        for number in range(4):
            spool.put(reading(number))
        spool.take(3)
        assert len(spool) == 4
        spool.confirm(2)
        assert len(spool) == 2
        assert spool.rewind() == []
        assert numbers(spool.take(9)) == [2, 3]

    def test_a_broken_connection_gives_back_in_order(self, spool: Spool) -> None:
        spool.put(New("1234"))
        spool.put(reading(1))
        spool.put(reading(2))
        spool.take(2)
        spool.put(Out("1234"))
        assert spool.rewind() == [New("1234"), Out("1234")]
        assert numbers(spool.take(9)) == [1, 2]

    def test_what_was_refused_is_not_sent_again(self, spool: Spool) -> None:
        for number in range(3):
            spool.put(reading(number))
        spool.put(Out("1234"))
        spool.take(2)
        assert spool.rewind(refused=True) == [Out("1234")]
        assert numbers(spool.take(9)) == [2]
        assert spool.dropped == 2


class TestBound:
    def test_away_only_readings_are_kept(self) -> None:
        spool = Spool(5)
        spool.put(New("1234"))
        spool.put(reading(1))
        assert numbers(spool.take(9)) == [1]

    def test_away_the_oldest_go(self) -> None:
        spool = Spool(3)
        for number in range(5):
            spool.put(reading(number))
        assert numbers(spool.take(9)) == [2, 3, 4]
        assert spool.dropped == 2

    def test_a_spool_without_room_keeps_nothing_but_passes_all(self) -> None:
        spool = Spool(0)
        spool.put(reading(1))
        assert spool.take(9) == []
        spool.resume()
        spool.put(reading(2))
        assert numbers(spool.take(9)) == [2]

    def test_while_the_broker_is_there_it_may_be_busy(self, spool: Spool) -> None:
        for number in range(BUSY):
            spool.put(reading(number))
        assert spool.dropped == 0
        spool.put(New("1234"))
        spool.put(reading(BUSY))
        assert spool.dropped == 1
        spool.rewind()
        assert len(spool) == 5
        assert numbers(spool.take(1)) == [BUSY - 4]

    def test_other_messages_are_not_dropped(self, spool: Spool) -> None:
        spool.put(New("1234"))
        for number in range(BUSY + 1):
            spool.put(reading(number))
        assert spool.take(2) == [New("1234"), reading(1)]

    def test_what_is_on_its_way_cannot_be_dropped(self, spool: Spool) -> None:
        for number in range(BUSY):
            spool.put(reading(number))
        spool.take(BUSY)
        spool.put(reading(BUSY))
        assert spool.take(9) == []
        assert spool.dropped == 1
        spool._limit = BUSY - 1
        spool.put(New("1234"))
        spool._trim()
        assert len(spool) == BUSY

    def test_overrun(self, spool: Spool) -> None:
        for _ in range(BUSY + CONTROLS):
            spool.put(New("1234"))
        assert not spool.overrun
        spool.put(New("1234"))
        assert spool.overrun


def test_knows_whose_readings_it_keeps(spool: Spool) -> None:
    spool.put(reading(1, "a"))
    spool.put(reading(2, "b"))
    spool.put(reading(3, "a"))
    assert spool.uids == ["a", "b"]
    spool.take(2)
    spool.confirm(2)
    assert spool.uids == ["a"]
    spool.take(1)
    spool.confirm(1)
    assert spool.uids == []
