# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.dashboard.feed import Feed, told
from pyaiot.link.mirror import Change, Event
from pyaiot.model.node import Availability, Reading


def update(uid: str, endpoint: str, value: object, time: float = 1.0) -> Change:
    reading = Reading(endpoint, value, time)  # type: ignore[arg-type]
    return Change(Event.UPDATE, uid, time, reading=reading)


def said(feed: Feed) -> list[tuple[str, object]]:
    return [
        (each.event.value, each.reading.value if each.reading else each.uid)
        for each in feed.take(1000)
    ]


def feed(most: int = 100) -> Feed:
    return Feed(lambda _: True, lambda: None, most)


def test_the_newest_of_each_resource_is_told() -> None:
    it = feed()
    for number in range(50):
        it.put(update("n1", "t", number))
        it.put(update("n2", "t", -number))
    it.put(update("n1", "u", "x"))
    assert len(it) == 3
    assert said(it) == [("update", 49), ("update", -49), ("update", "x")]
    assert said(it) == []


def test_what_happens_to_a_node_stays_in_order() -> None:
    it = feed()
    it.put(update("n1", "t", 1))
    it.put(Change(Event.RESET, "n1", 2.0))
    it.put(Change(Event.AVAILABILITY, "n1", 3.0, availability=Availability.LATE))
    it.put(Change(Event.AVAILABILITY, "n1", 4.0, availability=Availability.ONLINE))
    it.put(update("n1", "t", 2))
    # A reader who keeps what came before the reset would keep it for ever.
    assert said(it) == [("reset", "n1"), ("availability", "n1"), ("update", 2)]
    it.put(Change(Event.OUT, "n1", 5.0))
    it.put(Change(Event.NEW, "n1", 6.0, availability=Availability.ONLINE))
    assert said(it) == [("out", "n1"), ("new", "n1")]
    it.put(Change(Event.NEW, "n1", 6.0, availability=Availability.ONLINE))
    it.put(Change(Event.OUT, "n1", 7.0))
    it.put(Change(Event.NEW, "n1", 8.0, availability=Availability.ONLINE))
    assert said(it) == [("out", "n1"), ("new", "n1")]


def test_too_much_is_not_kept_but_told_anew() -> None:
    it = feed(10)
    for number in range(10):
        it.put(update("n1", f"r{number}", number))
    assert (it.overrun, len(it)) == (False, 10)
    it.put(update("n1", "more", 0))
    assert (it.overrun, len(it)) == (True, 0)
    it.put(update("n1", "r1", 0))
    assert len(it) == 0
    it.begin()
    it.put(update("n1", "r1", 7))
    assert (it.overrun, said(it)) == (False, [("update", 7)])


def test_only_what_is_wanted_wakes() -> None:
    woken: list[int] = []
    it = Feed(lambda change: change.uid == "n1", lambda: woken.append(1))
    it.put(update("n2", "t", 1))
    assert (len(it), woken) == (0, [])
    it.put(update("n1", "t", 1))
    assert (len(it), woken) == (1, [1])
    assert [each.uid for each in it.take(1)] == ["n1"]


def test_what_is_said_of_a_change() -> None:
    assert told(update("n1", "t", 21.5, 3.0)) == {
        "uid": "n1", "time": 3.0, "endpoint": "t", "value": 21.5,
    }  # fmt: skip
    late = Change(Event.AVAILABILITY, "n1", 4.0, availability=Availability.LATE)
    assert told(late) == {"uid": "n1", "time": 4.0, "availability": Availability.LATE}
    assert told(Change(Event.OUT, "n1", 5.0)) == {"uid": "n1", "time": 5.0}
