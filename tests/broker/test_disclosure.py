# SPDX-License-Identifier: BSD-3-Clause
"""Clients that may see more or less: what they are sent, through a real fan-out."""

from typing import Any

import pytest

from pyaiot.accounts.permissions import HouseRules, Unclaimed, Viewer, at_best
from pyaiot.broker.core import Core
from pyaiot.broker.disclosure import MANY
from pyaiot.broker.fanout import Fanout
from pyaiot.broker.lane import Lane
from pyaiot.broker.limits import Limits
from pyaiot.broker.nodes import Nodes
from pyaiot.broker.peers import Client, Gateway, Service
from pyaiot.broker.post import Post
from pyaiot.messages.codec import encode
from pyaiot.messages.types import (
    Access,
    Alert,
    AlertState,
    Command,
    Feature,
    Finding,
    Hello,
    Message,
    New,
    NodeAccess,
    Out,
    Relayed,
    Severity,
    Target,
    Update,
)
from pyaiot.model.access import EVERYTHING, LEVELS, Permission, Role
from pyaiot.model.condition import Condition
from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability
from tests.broker.outlets import Loop, Outlet
from tests.broker.recording import ALL, OURS, START

ANN = Viewer.account("ann", Role.OPERATOR)
BOB = Viewer.account("bob", Role.OPERATOR)
ADMIN = Viewer.account("eve", Role.ADMIN)
STRANGER = Viewer.anonymous()
NAMING = (*ALL, "names", "alerts")
NOW = Moment(START, 0.0)


class Silent:
    """A gateway that never answers."""

    def relay(self, message: Relayed) -> bool:
        return bool(message)

    def notify(self) -> None:
        """It asked for nothing."""

    def send_again(self) -> None:
        """It asked for nothing."""


class Stage:
    def __init__(self, unclaimed: Unclaimed = "public", **limits: Any) -> None:
        self.loop = Loop()
        self.nodes = Nodes(1000)
        self.fanout = Fanout(self.nodes, self.loop, 0.5)
        self.post = Post(self.fanout, lambda: None)
        self.rules = HouseRules(EVERYTHING, unclaimed)
        self.core = Core(self.nodes, self.post, Limits(**limits), "1", rules=self.rules)
        self.gateway = Gateway("g", "g", OURS)
        self.post.gateways["g"] = Silent()
        self.core.gateway_joined(self.gateway)
        self.directory = Service("d", "d", frozenset({Feature.DIRECTORY}))
        self.core.service_joined(self.directory)
        self.count = 0

    def client(
        self, who: Viewer, *features: str, room: int | None = None
    ) -> tuple[Client, Lane, Outlet]:
        self.count += 1
        outlet = Outlet(room)
        lane = Lane(outlet)
        outlet.on_pause = lambda: self.fanout.paused(lane)
        client = Client(f"c{self.count}", at_best(who, self.rules), viewer=who)
        self.post.clients[client.id] = lane
        self.core.client_joined(client)
        self.core.client_said(client, Hello("client", features), NOW)
        self.loop.settle()
        return client, lane, outlet

    def node(self, uid: str, value: Any = 1) -> None:
        self.say(New(uid))
        self.say(Update(uid, "led", value))

    def say(self, message: Message) -> None:
        self.core.gateway_said(self.gateway, message, encode(message), NOW)  # type: ignore[arg-type]

    def access(self, *nodes: NodeAccess, whole: bool = False) -> None:
        self.core.service_said(self.directory, Access(nodes, whole=whole), NOW)

    def heard(self, outlet: Outlet) -> list[tuple[str, Any]]:
        """What a client was sent since the last time: kinds, with value or name, if any."""
        self.loop.settle()
        told: list[tuple[str, Any]] = []
        for each in outlet.messages():
            if each["type"] == "snapshot":
                told.append(("snapshot", [node["uid"] for node in each["nodes"]]))
            else:
                told.append((each["type"], each.get("data", each.get("name", each.get("uid")))))
        return told


def test_a_node_of_somebody_is_seen_by_them_and_who_may_do_everything() -> None:
    stage = Stage()
    outlets = [
        stage.client(who)[2] for who in (ANN, BOB, STRANGER, ADMIN, Viewer.service())
    ]  # fmt: skip
    stage.access(NodeAccess("n", "ann"))
    stage.node("n")
    seen = [("new", "n"), ("update", 1)]
    assert [stage.heard(each) for each in outlets] == [seen, [], [], seen, seen]
    late = [stage.client(who, *ALL)[2] for who in (ANN, BOB)]
    assert [stage.heard(each)[1] for each in late] == [("snapshot", ["n"]), ("snapshot", [])]


def test_where_nothing_is_owned_all_share_their_batches() -> None:
    stage = Stage()
    stage.node("n")
    for who in (ANN, BOB, STRANGER, ADMIN, Viewer.service()):
        stage.client(who)
    assert len(stage.fanout._shards) == 1
    stage.access(NodeAccess("n", "ann"))
    assert len(stage.fanout._shards) == 3, "Ann, who may do everything, and all others"


@pytest.mark.parametrize("features", [(), ALL])
def test_what_somebody_loses_is_gone_at_once(features: tuple[str, ...]) -> None:
    stage = Stage()
    stage.node("n")
    _, _, bob = stage.client(BOB, *features)
    _, _, ann = stage.client(ANN, *features)
    stage.heard(ann)
    stage.heard(bob)
    stage.say(Update("n", "led", 2))
    stage.access(NodeAccess("n", "ann"))
    stage.say(Update("n", "led", 3))
    assert stage.heard(bob) == [("update", 2), ("out", "n")]
    assert stage.heard(ann) == [("update", 2), ("update", 3)]


@pytest.mark.parametrize("features", [(), ALL])
def test_what_somebody_gains_is_there_with_its_values(features: tuple[str, ...]) -> None:
    stage = Stage()
    stage.access(NodeAccess("n", "ann"))
    stage.node("n")
    _, _, bob = stage.client(BOB, *features)
    stage.heard(bob)
    stage.access(NodeAccess("n", "ann", shares={"bob": Permission.VIEW}))
    stage.say(Update("n", "led", 2))
    told = stage.heard(bob)
    assert told[0] == ("new", "n")
    assert told[-1] == ("update", 2)
    stage.access(NodeAccess("n", "ann"), NodeAccess("m", "bob"))
    stage.node("m")
    assert stage.heard(bob) == [("out", "n"), ("new", "m"), ("update", 1)]
    stage.access(NodeAccess("n", "ann", public=Permission.VIEW))
    assert stage.heard(bob) == [("new", "n"), ("update", 2)]


def test_a_slow_client_is_sent_nothing_of_what_it_lost_meanwhile() -> None:
    stage = Stage()
    stage.node("n")
    _, lane, bob = stage.client(BOB, *ALL)
    stage.heard(bob)
    stage.fanout.paused(lane)
    stage.say(New("m"))
    stage.say(Update("n", "led", 2))
    stage.access(NodeAccess("n", "ann"), NodeAccess("m", "ann"))
    stage.fanout.resumed(lane)
    assert stage.heard(bob) == [("out", "n"), ("out", "m")]


def test_a_snapshot_that_is_being_sent_is_made_anew_for_each() -> None:
    stage = Stage()
    for number in range(600):
        stage.node(str(number))
    readers = [stage.client(who, *ALL, room=0) for who in (ANN, BOB)]
    stage.access(NodeAccess("599", "ann"))
    known: list[set[str]] = []
    for _, lane, outlet in readers:
        uids: set[str] = set()
        for _ in range(20):
            for kind, what in stage.heard(outlet):
                uids |= set(what) if kind == "snapshot" else set()
            stage.fanout.resumed(lane)
        known.append(uids)
    assert known[0] - known[1] == {"599"}
    assert len(known[1]) == 599


def test_what_was_said_of_a_node_that_is_gone_is_not_told_to_who_may_not_know() -> None:
    stage = Stage()
    _, lane, bob = stage.client(BOB, *ALL)
    stage.heard(bob)
    stage.fanout.paused(lane)
    stage.say(New("n"))
    stage.say(Out("n"))
    stage.access(NodeAccess("n", "ann"))
    stage.fanout.resumed(lane)
    assert stage.heard(bob) == [("out", "n")]


def test_who_may_not_see_a_node_any_more_hears_that_it_went_before_that() -> None:
    stage = Stage()
    _, lane, bob = stage.client(BOB)
    stage.say(New("n"))
    assert stage.heard(bob) == [("new", "n")]
    stage.fanout.paused(lane)
    # For clients of the original it goes when it is offline, and that waits.
    stage.core.gateway_left(stage.gateway)
    stage.access(NodeAccess("n", "ann"))
    stage.fanout.resumed(lane)
    assert stage.heard(bob) == [("out", "n")]


def test_names_and_what_one_may_do() -> None:
    stage = Stage()
    stage.node("n")
    _, _, bob = stage.client(BOB, *NAMING)
    _, _, ann = stage.client(ANN, *NAMING)
    _, _, plain = stage.client(ANN, *ALL)
    stage.heard(bob)
    stage.heard(ann)
    stage.heard(plain)
    stage.access(NodeAccess("n", name="kitchen"))
    assert stage.heard(bob) == stage.heard(ann) == [("named", "kitchen")]
    stage.access(NodeAccess("n", "ann", "kitchen", shares={"bob": Permission.VIEW}))
    assert (stage.heard(bob), stage.heard(ann)) == ([("named", "kitchen")], [])
    stage.access(NodeAccess("n", "ann", "kitchen", shares={"bob": Permission.SCRIPT}))
    assert (stage.heard(bob), stage.heard(ann)) == ([("named", "kitchen")], [])
    stage.access(NodeAccess("n", gone=True), NodeAccess("m", "bob", "cellar"))
    assert stage.heard(ann) == [("named", "")]
    stage.node("m")
    stage.heard(bob)
    stage.access(NodeAccess("m", "ann", "cellar"))
    assert stage.heard(ann) == [("new", "m"), ("named", "cellar"), ("update", 1)]
    assert stage.heard(plain)[-2:] == [("new", "m"), ("update", 1)]
    _, _, late = stage.client(ANN, "names", "availability")
    assert ("named", "cellar") in stage.heard(late)
    stage.client(ANN, *NAMING)


def test_a_node_that_comes_is_introduced_by_its_name() -> None:
    stage = Stage()
    stage.access(NodeAccess("n", name="kitchen"))
    _, _, one = stage.client(BOB, *NAMING)
    _, lane, slow = stage.client(BOB, *NAMING)
    stage.heard(one)
    stage.heard(slow)
    stage.fanout.paused(lane)
    stage.node("n")
    stage.fanout.resumed(lane)
    expected = [("new", "n"), ("named", "kitchen"), ("update", 1)]
    assert sorted(stage.heard(one)) == sorted(expected)
    assert stage.heard(slow) == expected


def test_a_node_that_comes_back_has_its_name_for_those_to_whom_it_was_gone() -> None:
    stage = Stage()
    stage.access(NodeAccess("n", name="kitchen"))
    _, _, plain = stage.client(BOB, "snapshot", "names")
    _, _, aware = stage.client(BOB, *NAMING)
    stage.say(New("n", "all", Availability.OFFLINE, START))
    assert stage.heard(plain) == [("welcome", None), ("snapshot", [])]
    stage.heard(aware)
    stage.say(New("n", "all", Availability.ONLINE, START))
    assert stage.heard(plain) == [("new", "n"), ("named", "kitchen")]
    assert stage.heard(aware) == [("availability", "n")]


def test_when_much_changes_at_once_a_snapshot_says_it() -> None:
    stage = Stage()
    for number in range(MANY + 1):
        stage.node(str(number))
    _, _, bob = stage.client(BOB, *NAMING)
    _, _, plain = stage.client(BOB)
    stage.heard(bob)
    stage.heard(plain)
    stage.access(*(NodeAccess(str(number), "ann") for number in range(MANY)), NodeAccess("100"))
    assert stage.heard(bob) == [("welcome", None), ("snapshot", ["100"])]
    assert len(stage.heard(plain)) == MANY


def test_until_a_directory_spoke_nobody_sees_anything_where_one_is_awaited() -> None:
    stage = Stage(await_directory=True)
    stage.node("n")
    stage.node("m")
    clients = [stage.client(who, *ALL) for who in (STRANGER, ANN, ADMIN)]
    snapshots = [stage.heard(outlet)[1][1] for _, _, outlet in clients]
    assert snapshots == [[], [], ["n", "m"]]
    assert stage.core.views.permissions(clients[0][0], "n") == frozenset()
    stage.access(NodeAccess("n", "ann"))
    assert stage.heard(clients[0][2]) == [], "a change is not all that there is to know"
    alert(stage, "n")
    stage.access(NodeAccess("n", "ann"), whole=True)
    assert stage.heard(clients[0][2]) == [("new", "m"), ("update", 1)]
    assert len(stage.heard(clients[1][2])) == 4
    assert stage.heard(clients[2][2]) == []


def test_unclaimed_nodes_may_be_for_admins_alone() -> None:
    stage = Stage("admins")
    outlets = [stage.client(who)[2] for who in (ANN, STRANGER, ADMIN)]
    stage.node("n")
    assert [len(stage.heard(each)) for each in outlets] == [0, 0, 2]


class TestCommands:
    def command(self, stage: Stage, client: Client, uid: str, endpoint: str = "led") -> None:
        message = Command(Target(uid, endpoint, "1"), f"{uid}{endpoint}")
        stage.core.client_said(client, message, NOW)

    def results(self, stage: Stage, outlet: Outlet) -> list[tuple[str, str]]:
        stage.loop.settle()
        return [(m["id"], m["status"]) for m in outlet.messages() if m["type"] == "result"]

    def test_depend_on_the_node(self) -> None:
        stage = Stage()
        stage.access(
            NodeAccess("hidden", "ann"),
            NodeAccess("shown", "ann", public=Permission.VIEW),
            NodeAccess("shared", "ann", shares={"bob": Permission.CONTROL}),
        )
        for uid in ("hidden", "shown", "shared"):
            stage.node(uid)
        bob, _, outlet = stage.client(BOB, *ALL)
        for uid in ("hidden", "nowhere", "shown"):
            self.command(stage, bob, uid)
        self.command(stage, bob, "shared", "js")
        self.command(stage, bob, "shared")
        assert self.results(stage, outlet) == [
            ("hiddenled", "unknown_node"),
            ("nowhereled", "unknown_node"),
            ("shownled", "denied"),
            ("sharedjs", "denied"),
        ]

    def test_who_may_only_look_learns_nothing_of_what_is_hidden(self) -> None:
        stage = Stage()
        stage.access(NodeAccess("hidden", "ann"))
        stage.node("hidden")
        eye, _, outlet = stage.client(Viewer.account("eye", Role.VIEWER), *ALL)
        assert eye.permissions == LEVELS[Permission.VIEW]
        self.command(stage, eye, "hidden")
        self.command(stage, eye, "nowhere")
        assert {status for _, status in self.results(stage, outlet)} == {"denied"}

    def test_end_with_the_sight_of_the_node(self) -> None:
        stage = Stage()
        stage.node("n")
        bob, _, outlet = stage.client(BOB, *ALL)
        self.command(stage, bob, "n")
        assert self.results(stage, outlet) == []
        stage.access(NodeAccess("n", "ann"))
        assert self.results(stage, outlet) == [("nled", "unknown_node")]
        assert len(stage.core.dispatch.pending) == 0


def alert(stage: Stage, uid: str, **more: Any) -> None:
    message = Alert(
        "1", "r", uid, "led", Severity.CRITICAL, AlertState.RAISED, START, "Too hot.", **more
    )
    stage.core.service_said(stage.directory, message, NOW)


def test_alerts_are_for_those_who_see_the_node_or_whom_of_these_they_name() -> None:
    stage = Stage()
    stage.access(NodeAccess("n", "ann"))
    stage.node("n")
    everybody = (ANN, BOB, STRANGER, ADMIN, Viewer.service())
    outlets = [stage.client(who, *NAMING)[2] for who in everybody]
    deaf = stage.client(ANN, *ALL)[2]
    for each in (*outlets, deaf):
        stage.heard(each)
    alert(stage, "n")
    assert [len(stage.heard(each)) for each in outlets] == [1, 0, 0, 1, 1]
    alert(stage, "n", to=("bob",))
    assert [len(stage.heard(each)) for each in outlets] == [0, 0, 0, 1, 1]
    alert(stage, "n", to=("ann",))
    assert [len(stage.heard(each)) for each in outlets] == [1, 0, 0, 1, 1]
    alert(stage, "free")
    assert [len(stage.heard(each)) for each in outlets] == [1] * 5
    assert stage.heard(deaf) == []


def test_whom_an_alert_is_for_is_not_told_to_clients() -> None:
    stage = Stage()
    _, _, outlet = stage.client(BOB, *NAMING)
    outlet.messages()
    found = Finding(Condition.ABOVE, "31", high=30.0)
    alert(stage, "n", to=("bob", "ann"), finding=found)
    stage.loop.settle()
    (message,) = outlet.messages()
    assert "to" not in message
    assert message["finding"] == {"condition": "above", "value": "31", "high": 30.0}
    assert message["severity"] == "critical"


@pytest.mark.parametrize("features", [("alerts", "result"), NAMING])
def test_an_alert_that_waits_is_not_for_who_may_no_longer_see_it(
    features: tuple[str, ...],
) -> None:
    """Of a node, too, that is not there."""
    stage = Stage()
    stage.access(NodeAccess("n", "ann"))
    eve, lane, outlet = stage.client(ADMIN, *features, room=0)
    alert(stage, "n")
    alert(stage, "n", to=("eve",))
    alert(stage, "free", to=("eve",))
    stage.core._disclosure.role_changed(
        eve, Role.VIEWER, lambda each: stage.core._greeter.greet(each, NOW)
    )
    outlet.room = None
    stage.fanout.resumed(lane)
    assert [kind for kind, _ in stage.heard(outlet) if kind in {"alert", "out"}] == ["alert", "out"]
