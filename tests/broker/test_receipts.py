# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.broker.receipts import Receipts


def test_readings_are_done_in_the_order_in_which_they_came() -> None:
    receipts = Receipts()
    for number in (2, 5, 9):
        receipts.wait(number)
    receipts.stored(5)
    assert (receipts.done, len(receipts)) == (2, 1)
    assert receipts.news() == 2
    assert receipts.news() is None
    receipts.stored(100)
    assert receipts.news() == 3


def test_what_cannot_be_stored_is_done_as_soon_as_what_came_before() -> None:
    receipts = Receipts()
    receipts.skip()
    assert receipts.news() == 1
    receipts.wait(4)
    receipts.skip()
    receipts.wait(6)
    receipts.stored(3)
    assert receipts.news() is None
    receipts.stored(4)
    assert receipts.news() == 3


def test_what_is_lost_is_never_done() -> None:
    receipts = Receipts()
    receipts.wait(4)
    receipts.skip()
    receipts.wait(9)
    receipts.lost(3)
    receipts.stored(4)
    receipts.lost(8)
    assert len(receipts) == 1
    receipts.lost(9)
    receipts.wait(10)
    receipts.skip()
    receipts.stored(100)
    assert (receipts.broken, receipts.done, len(receipts)) == (True, 2, 0)


def test_without_readings_nothing_is_lost() -> None:
    receipts = Receipts()
    receipts.skip()
    receipts.lost(1000)
    assert not receipts.broken
