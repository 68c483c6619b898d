# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.errors import InvalidValue, UnknownNode
from pyaiot.link.mirror import Change, Event, Mirror
from pyaiot.messages.types import (
    AvailabilityChanged,
    Named,
    New,
    NodeState,
    Out,
    Reset,
    Result,
    Snapshot,
    Status,
    Update,
    Welcome,
)
from pyaiot.model.node import Availability, Reading

ONLINE, LATE, OFFLINE = Availability.ONLINE, Availability.LATE, Availability.OFFLINE


def state(uid: str, availability: Availability = ONLINE, **values: str) -> NodeState:
    return NodeState(uid, availability, 10.0, {name: (each, 11.0) for name, each in values.items()})


@pytest.fixture
def mirror() -> Mirror:
    return Mirror()


class TestSnapshot:
    def test_fills_the_mirror(self, mirror: Mirror) -> None:
        complete = [mirror.complete]
        mirror.apply(Snapshot((state("a", name="Desk", led="1"),), 0, last=False), 20)
        complete.append(mirror.complete)
        mirror.apply(Snapshot((state("b", OFFLINE),), 1), 20)
        complete.append(mirror.complete)
        assert complete == [False, False, True]
        assert list(mirror.nodes) == ["a", "b"]
        assert [each.value for each in mirror.nodes["a"]] == ["Desk", "1"]
        assert mirror.nodes["a"].seen == 11
        assert mirror.nodes["b"].seen == 10
        assert mirror.nodes["b"].availability is OFFLINE

    def test_tells_what_is_new(self, mirror: Mirror) -> None:
        assert mirror.apply(Snapshot((state("a", led="1"),)), 20) == [
            Change(Event.NEW, "a", 20, availability=ONLINE),
            Change(Event.UPDATE, "a", 11, reading=Reading("led", "1", 11.0)),
        ]

    def test_tells_what_changed_since_the_last(self, mirror: Mirror) -> None:
        mirror.apply(
            Snapshot((state("a", led="1", name="x"), state("b", name="Bee"), state("c"))), 20
        )
        changes = mirror.apply(
            Snapshot((state("a", LATE, led="0", name="x"), state("c"), state("d"))), 30
        )
        assert changes == [
            Change(Event.AVAILABILITY, "a", 30, "x", availability=LATE),
            Change(Event.UPDATE, "a", 11, "x", Reading("led", "0", 11.0)),
            Change(Event.NEW, "d", 30, availability=ONLINE),
            Change(Event.OUT, "b", 30, "Bee"),
        ]
        assert list(mirror.nodes) == ["a", "c", "d"]
        assert {each.endpoint: each.value for each in mirror.nodes["a"]} == {
            "led": "0",
            "name": "x",
        }

    def test_same_again_changes_nothing(self, mirror: Mirror) -> None:
        first = Snapshot((state("a", led="1"), state("b")))
        mirror.apply(first, 20)
        assert mirror.apply(first, 30) == []


class TestMessages:
    def test_new(self, mirror: Mirror) -> None:
        assert mirror.apply(New("a"), 20) == [Change(Event.NEW, "a", 20, availability=ONLINE)]
        assert mirror.nodes["a"].seen == 20
        told = mirror.apply(New("b", availability=LATE, seen=5.0), 20)
        assert told == [Change(Event.NEW, "b", 20, availability=LATE)]
        assert mirror.nodes["b"].seen == 5
        assert mirror.apply(New("a"), 30) == []

    def test_update(self, mirror: Mirror) -> None:
        mirror.apply(New("a", seen=5.0), 20)
        assert mirror.apply(Update("a", "led", "1", time=7.0), 21) == [
            Change(Event.UPDATE, "a", 7.0, reading=Reading("led", "1", 7.0))
        ]
        assert mirror.nodes["a"].seen == 7
        mirror.apply(Update("a", "led", "0"), 22)
        assert mirror.nodes["a"].readings["led"] == Reading("led", "0", 22)
        mirror.apply(Update("stranger", "led", "0"), 22)
        assert "stranger" in mirror.nodes

    def test_availability(self, mirror: Mirror) -> None:
        mirror.apply(New("a"), 20)
        assert mirror.apply(AvailabilityChanged("a", LATE, 6.0), 21) == [
            Change(Event.AVAILABILITY, "a", 21, availability=LATE)
        ]
        assert (mirror.nodes["a"].availability, mirror.nodes["a"].seen) == (LATE, 6.0)

    def test_reset(self, mirror: Mirror) -> None:
        mirror.apply(Snapshot((state("a", led="1", protocol="CoAP"),)), 20)
        assert mirror.apply(Reset("a"), 21) == [Change(Event.RESET, "a", 21)]
        assert list(mirror.nodes["a"].readings) == ["protocol"]

    def test_out(self, mirror: Mirror) -> None:
        mirror.apply(New("a"), 20)
        assert mirror.apply(Out("a"), 21) == [Change(Event.OUT, "a", 21)]
        assert not mirror.nodes

    def test_what_concerns_no_known_node(self, mirror: Mirror) -> None:
        for message in (
            AvailabilityChanged("a", LATE, 6.0),
            Reset("a"),
            Out("a"),
            Result("1", Status.APPLIED),
            Welcome("c", "1", 1, (), 5.0),
        ):
            assert mirror.apply(message, 20) == []
        assert not mirror.nodes


class TestFind:
    @pytest.fixture
    def mirror(self) -> Mirror:
        mirror = Mirror()
        nodes = [
            state("1234abcd", name="Desk"),
            state("1234ef01", name="Lamp"),
            state("5678", name="Lamp"),
            state("9", name="5678"),
            state("nameless"),
            NodeState("odd", ONLINE, 1.0, {"name": (5, 1.0)}),
        ]
        mirror.apply(Snapshot(tuple(nodes)), 20)
        return mirror

    @pytest.mark.parametrize(
        ("text", "uid"),
        [
            ("1234abcd", "1234abcd"),
            ("1234a", "1234abcd"),
            ("Desk", "1234abcd"),
            ("5678", "5678"),
            ("n", "nameless"),
        ],
    )
    def test_by_uid_name_or_beginning(self, mirror: Mirror, text: str, uid: str) -> None:
        assert mirror.find(text) == uid

    @pytest.mark.parametrize("text", ["", "desk", "2", "1234abcde"])
    def test_none(self, mirror: Mirror, text: str) -> None:
        with pytest.raises(UnknownNode):
            mirror.find(text)

    def test_several(self, mirror: Mirror) -> None:
        with pytest.raises(InvalidValue, match="'Lamp' is the name of several nodes: 1234ef01, 56"):
            mirror.find("Lamp")
        with pytest.raises(InvalidValue, match="'12' is the beginning of the uid of several"):
            mirror.find("12")

    def test_many(self, mirror: Mirror) -> None:
        mirror.apply(Snapshot(tuple(state(f"x{n}") for n in range(9))), 30)
        with pytest.raises(InvalidValue, match=r"x0, x1, x2, x3 and 5 more\.$"):
            mirror.find("x")

    def test_labels(self, mirror: Mirror) -> None:
        assert mirror.label("1234abcd", "Desk") == "Desk"
        assert mirror.label("5678", "Lamp") == "Lamp (5678)"
        assert mirror.label("nameless", "") == "nameless"
        mirror.apply(Update("5678", "name", "Torch"), 30)
        assert mirror.label("1234ef01", "Lamp") == "Lamp"
        assert mirror.label("5678", "Torch") == "Torch"

    def test_name_outlives_a_reset_but_not_the_node(self, mirror: Mirror) -> None:
        assert mirror.apply(Reset("1234abcd"), 30)[0].name == "Desk"
        assert mirror.name("1234abcd") == "Desk"
        assert mirror.apply(Out("1234abcd"), 30)[0].name == "Desk"
        assert mirror.name("1234abcd") == ""

    def test_names(self, mirror: Mirror) -> None:
        assert mirror.name("1234abcd") == "Desk"
        assert mirror.name("odd") == ""
        assert mirror.name("nameless") == ""
        assert mirror.name("nobody") == ""


class TestNames:
    """What people call nodes."""

    def test_given_in_a_snapshot(self, mirror: Mirror) -> None:
        given = NodeState("a", ONLINE, 10.0, {"name": ("Lamp", 11.0)}, name="Desk")
        mirror.apply(Snapshot((given, state("b", name="Rover"))), 20)
        assert [mirror.name(uid) for uid in "ab"] == ["Desk", "Rover"]
        assert [mirror.title(uid) for uid in "ab"] == ["Lamp", "Rover"]
        # Taken back while nobody was connected.
        mirror.apply(Snapshot((state("a", name="Lamp"), state("b", name="Rover"))), 30)
        assert mirror.name("a") == "Lamp"

    def test_given_later_and_taken_back(self, mirror: Mirror) -> None:
        mirror.apply(Snapshot((state("a", name="Lamp"),)), 20)
        assert mirror.apply(Named("a", "Desk"), 30) == []
        assert mirror.name("a") == "Desk"
        mirror.apply(Update("a", "name", "Lamp 2"), 40)
        assert (mirror.name("a"), mirror.title("a")) == ("Desk", "Lamp 2")
        mirror.apply(Named("a"), 50)
        assert mirror.name("a") == "Lamp 2"

    def test_found_by_either_name(self, mirror: Mirror) -> None:
        mirror.apply(Snapshot((state("a", name="Lamp"), state("b", name="Rover"))), 20)
        mirror.apply(Named("a", "Desk"), 30)
        assert (mirror.find("Desk"), mirror.find("Lamp")) == ("a", "a")
        # What people call a node comes first.
        mirror.apply(Named("b", "Lamp"), 40)
        assert mirror.find("Lamp") == "b"

    def test_namesakes(self, mirror: Mirror) -> None:
        mirror.apply(Snapshot((state("a", name="Lamp"), state("b", name="Lamp"))), 20)
        assert mirror.label("a", "Lamp") == "Lamp (a)"
        mirror.apply(Named("a", "Desk"), 30)
        assert mirror.label("b", "Lamp") == "Lamp"
        mirror.apply(Named("b", "Desk"), 40)
        assert mirror.label("b", "Desk") == "Desk (b)"
        mirror.apply(Out("a"), 50)
        assert mirror.label("b", "Desk") == "Desk"
        assert mirror.name("a") == ""

    def test_of_a_node_that_is_not_there(self, mirror: Mirror) -> None:
        mirror.apply(Named("a", "Desk"), 20)
        assert mirror.name("a") == ""
