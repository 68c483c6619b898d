# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.link.strangers import Strangers


def test_who_has_waited_for_longest_goes_first() -> None:
    strangers: Strangers[str] = Strangers()
    for one in "abcd":
        strangers.came(one)
    strangers.left("b")
    strangers.left("nobody")
    assert [strangers.longest("d") for _ in range(3)] == ["a", "c", None]
    strangers.came("e")
    assert strangers.longest("e") == "d"
    assert strangers.longest("x") == "e"
    assert strangers.longest("x") is None


def test_who_is_in_is_passed_over() -> None:
    inside = {"a", "c"}
    strangers: Strangers[str] = Strangers(lambda each: each not in inside)
    for one in "abcd":
        strangers.came(one)
    assert strangers.longest("d") == "b"
    assert strangers.longest("d") is None
    assert strangers.longest("x") == "d"


def test_who_just_came_does_not_go_for_itself() -> None:
    strangers: Strangers[str] = Strangers()
    for one in "ab":
        strangers.came(one)
    assert strangers.longest("a") == "b"
    assert strangers.longest("a") is None


def test_room_is_made_by_who_has_waited_for_longest() -> None:
    strangers: Strangers[str] = Strangers()
    ended: list[str] = []
    for one in "abc":
        strangers.came(one)
    assert strangers.make_room(ended.append, besides="c")
    assert strangers.make_room(ended.append, besides="c")
    assert not strangers.make_room(ended.append, besides="c")
    assert ended == ["a", "b"]
    assert strangers.make_room(ended.append)
    assert not strangers.make_room(ended.append)
    assert ended == ["a", "b", "c"]
