# SPDX-License-Identifier: BSD-3-Clause
"""What every spool does until readings are in the store, in memory and on disk alike.

Subclasses give the fixture `make`: it makes a spool with that limit, of which nothing was kept yet.
"""

from collections.abc import Callable, Iterable
from random import Random

import pytest

from pyaiot.gateway.spool import BUSY, Spool
from pyaiot.messages.types import Message, New, Out, Update

Make = Callable[[int], Spool]


def reading(number: int, uid: str = "1234") -> Update:
    return Update(uid, "led", number, "all", float(number))


def numbers(messages: Iterable[Message]) -> list[object]:
    return [each.data for each in messages if isinstance(each, Update)]


class SpoolContract:
    @pytest.fixture
    def spool(self, make: Make) -> Spool:
        """A spool whose broker is there, and says what is stored; it holds 0 to 9."""
        spool = make(100)
        spool.resume(until_stored=True)
        for number in range(10):
            spool.put(reading(number))
        return spool

    def test_arrived_is_not_stored(self, spool: Spool) -> None:
        spool.take(6)
        spool.confirm(6)
        spool.stored(2)
        assert len(spool) == 8
        assert spool.rewind() == []
        assert numbers(spool.take(99)) == list(range(2, 10))

    def test_stored_before_it_is_known_to_have_arrived(self, spool: Spool) -> None:
        spool.take(6)
        spool.confirm(1)
        spool.stored(4)
        spool.confirm(2)
        assert len(spool) == 7
        spool.rewind()
        assert numbers(spool.take(99)) == list(range(4, 10))

    def test_stored_more_than_was_sent(self, spool: Spool) -> None:
        spool.take(3)
        spool.stored(99)
        spool.confirm(3)
        assert numbers(spool) == list(range(3, 10))

    def test_words_of_somebody_else_are_dropped(self, make: Make) -> None:
        spool = make(100)
        for number in range(6):
            spool.put(reading(number, "ab"[number % 2]))
        spool.disown({"b", "c"})
        assert numbers(spool) == [0, 2, 4]
        spool.resume(until_stored=True)
        assert numbers(spool.take(2)) == [0, 2]
        spool.confirm(1)
        for number in range(6, 9):
            spool.put(reading(number, "b" if number == 7 else "a"))
        # What is on its way, or was, cannot be called back.
        spool.disown({"a"})
        assert numbers(spool) == [0, 2, 7]
        assert spool.uids == ["a", "b"]
        spool.stored(1)
        spool.put(reading(9))
        spool.rewind()
        assert numbers(spool.take(99)) == [2, 7, 9]

    def test_other_messages_do_not_count(self, spool: Spool) -> None:
        spool.put(New("x"))
        spool.put(reading(10))
        spool.take(99)
        spool.confirm(12)
        spool.stored(11)
        assert not list(spool)

    def test_what_was_refused_is_not_sent_again_but_what_had_arrived_is(self, spool: Spool) -> None:
        spool.take(3)
        spool.confirm(3)
        spool.take(3)
        spool.put(Out("1234"))
        spool.stored(1)
        assert spool.rewind(refused=True) == [Out("1234")]
        assert numbers(spool) == [1, 2, 6, 7, 8, 9]
        assert spool.dropped == 3

    def test_recorder_that_is_away_holds_up_nothing(self, make: Make) -> None:
        spool = make(100)
        spool.resume(until_stored=True)
        for number in range(BUSY + 20):
            spool.put(reading(number))
            spool.take(1)
            spool.confirm(1)
        assert len(spool) == BUSY
        assert (spool.dropped, spool.unproven) == (0, 20)
        # Those that were let go are among the first that are stored.
        spool.stored(25)
        assert next(iter(spool)) == reading(25)
        spool.rewind()
        assert numbers(spool) == list(range(BUSY - 80, BUSY + 20))

    def test_without_the_promise_arrival_is_enough(self, make: Make) -> None:
        spool = make(100)
        spool.resume()
        spool.put(reading(1))
        spool.take(1)
        spool.confirm(1)
        assert len(spool) == 0
        assert spool.uids == []

    def test_whatever_happens_the_order_holds_and_nothing_is_lost(self, make: Make) -> None:
        random = Random(4)
        spool, put, stored, taken, sent = make(1000), 0, 0, 0, 0
        spool.resume(until_stored=True)
        for _ in range(3000):
            match random.randrange(6):
                case 0 | 1:
                    spool.put(reading(put))
                    put += 1
                case 2:
                    taken += len(batch := spool.take(random.randrange(5)))
                    sent += len(batch)
                case 3:
                    number = random.randrange(taken + 1)
                    spool.confirm(number)
                    taken -= number
                case 4:
                    number = random.randrange(sent + 1)
                    spool.stored(number)
                    stored, sent = stored + number, sent - number
                case _ if random.random() < 0.1:
                    spool.rewind()
                    spool.resume(until_stored=True)
                    taken = sent = 0
            # What is stored may still be among those on their way.
            kept = numbers(spool)
            assert kept == list(range(put - len(kept), put))
            assert len(kept) >= put - stored
