# SPDX-License-Identifier: BSD-3-Clause
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.broker.journal import Journal


class Thing:
    def __init__(self, name: int) -> None:
        self.name = name
        self.seq = 0


def names(journal: Journal[Thing], seq: int = 0) -> list[int]:
    return [thing.name for thing in journal.since(seq)]


def test_each_thing_once_in_order_of_its_last_change() -> None:
    journal: Journal[Thing] = Journal()
    one, two, three = things = [Thing(number) for number in (1, 2, 3)]
    for thing in (*things, one):
        journal.touch(thing)
    assert names(journal) == [2, 3, 1]
    assert names(journal, two.seq) == [3, 1]
    assert names(journal, three.seq) == [1]
    assert names(journal, journal.seq) == []


def test_what_is_gone_is_not_there() -> None:
    journal: Journal[Thing] = Journal()
    one, two = Thing(1), Thing(2)
    journal.touch(one)
    journal.touch(two)
    one.seq = 0
    assert names(journal) == [2]


def test_it_does_not_grow_with_the_number_of_changes() -> None:
    journal: Journal[Thing] = Journal()
    things = [Thing(number) for number in range(10)]
    for number in range(100_000):
        journal.touch(things[number % 10])
    assert journal.seq == 100_000
    assert names(journal) == list(range(10))
    assert len(journal._settled) + len(journal._recent) <= 1025 + 10


@given(st.lists(st.integers(0, 20), max_size=60), st.integers(0, 60), st.sets(st.integers(0, 20)))
def test_it_agrees_with_a_full_log(changes: list[int], since: int, gone: set[int]) -> None:
    journal: Journal[Thing] = Journal()
    journal._limit = 8
    things = [Thing(number) for number in range(21)]
    last: dict[int, int] = {}
    for number, name in enumerate(changes, 1):
        journal.touch(things[name])
        last[name] = number
    for name in gone:
        things[name].seq = 0
    expected = sorted(
        (number, name) for name, number in last.items() if number > since and name not in gone
    )
    assert names(journal, since) == [name for _, name in expected]
