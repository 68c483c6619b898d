# SPDX-License-Identifier: BSD-3-Clause
"""Whatever happens in whatever order: every client ends up knowing what the broker knows of the
nodes that it may see, is never sent a byte about any other, and every command has one result."""

import contextlib
import json
from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)
from msgspec import UNSET
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from pyaiot.accounts.permissions import HouseRules, Unclaimed, Viewer, at_best, permissions_on
from pyaiot.broker.core import Core
from pyaiot.broker.fanout import Fanout
from pyaiot.broker.lane import Lane
from pyaiot.broker.limits import Limits
from pyaiot.broker.nodes import Nodes
from pyaiot.broker.peers import Client, Gateway, Service, Session
from pyaiot.broker.post import Post
from pyaiot.errors import PyaiotError
from pyaiot.messages.codec import encode
from pyaiot.messages.types import (
    Access,
    Alert,
    AlertState,
    AvailabilityChanged,
    Command,
    Device,
    Devices,
    Feature,
    Hello,
    New,
    NodeAccess,
    Out,
    People,
    Person,
    Relayed,
    Reset,
    Result,
    Severity,
    Status,
    Target,
    Update,
)
from pyaiot.model.access import EVERYTHING, Permission, Role
from pyaiot.model.moment import Moment
from pyaiot.model.node import IDENTITY, Availability
from tests.broker.outlets import Loop, Outlet

UIDS = st.sampled_from(["n1", "n2", "n3", "n4", "n5", "alive"])
ENDPOINTS = st.sampled_from(["led", "name", "protocol"])
OURS = frozenset({Feature.SIGNED, Feature.AVAILABILITY, Feature.RESULT})
CAREFUL = OURS | {Feature.DEVICES}
"""What a gateway asks for that asks nodes for their tokens."""
FEATURES = st.sets(
    st.sampled_from(["snapshot", "batch", "availability", "result", "names", "alerts"])
).map(tuple)
ACCOUNTS = ["ann", "bob"]
ROLES = {"ann": Role.OPERATOR, "bob": Role.VIEWER, "eve": Role.ADMIN}
VIEWERS = st.sampled_from(
    [
        Viewer.service(),
        Viewer.anonymous(),
        Viewer.anonymous(),
        *(Viewer.account(name, role) for name, role in ROLES.items()),
    ]
)
NODES = st.builds(
    NodeAccess,
    uid=UIDS,
    owner=st.sampled_from(["", *ACCOUNTS]),
    name=st.sampled_from(["", "kitchen", "cellar"]),
    public=st.none() | st.sampled_from(Permission),
    shares=st.dictionaries(st.sampled_from(ACCOUNTS), st.sampled_from(Permission)),
    gone=st.booleans(),
)
START = 1_700_000_000.0


class Peer:
    """A gateway: it remembers what it was asked to do."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.asked: list[Relayed] = []

    def relay(self, message: Relayed) -> bool:
        self.asked.append(message)
        return True

    def notify(self) -> None:
        assert self.gateway.notices is not None, "it did not ask for notices"
        while self.gateway.notices.next() is not None:
            pass

    def send_again(self) -> None:
        raise AssertionError("there is no recorder")


class Reader:
    """A client: it believes what it is told, and complains of what makes no sense."""

    def __init__(self, client: Client, room: int | None) -> None:
        self.client = client
        self.outlet = Outlet(room)
        self.lane = Lane(self.outlet)
        self.nodes: dict[str, dict[str, tuple[Any, float]]] = {}
        self.availability: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.alerts: Counter[str] = Counter()
        self.due: set[str] = set()
        """Alerts that it must be told of."""
        self.results: Counter[str] = Counter()
        self.decoder = ClientProtocol(parse_uri("ws://localhost"), state=OPEN, max_size=None)
        self.expected: set[str] = set()
        self.parts = 0

    @property
    def aware(self) -> bool:
        return self.client.aware

    def read(self) -> None:
        for message in self.outlet.messages():
            getattr(self, f"on_{message['type']}")(message)

    def on_welcome(self, message: dict[str, Any]) -> None:
        assert message["client"] == self.client.id

    def on_snapshot(self, message: dict[str, Any]) -> None:
        if message["part"] == 0:
            self.nodes.clear()
            self.parts = 0
        assert message["part"] == self.parts
        self.parts += 1
        for node in message["nodes"]:
            self.nodes[node["uid"]] = {k: (v, t) for k, (v, t) in node["resources"].items()}
            self.availability[node["uid"]] = node["availability"]
            assert "name" not in node or Feature.NAMES in self.client.features
            self.names[node["uid"]] = node.get("name", "")

    def on_named(self, message: dict[str, Any]) -> None:
        assert Feature.NAMES in self.client.features
        self.names[message["uid"]] = message["name"]

    def on_alert(self, message: dict[str, Any]) -> None:
        assert Feature.ALERTS in self.client.features
        assert "to" not in message
        self.alerts[message["id"]] += 1

    def on_new(self, message: dict[str, Any]) -> None:
        assert message["dst"] in {"all", self.client.id}
        if message["uid"] not in self.nodes:
            self.nodes[message["uid"]] = {}
            self.names[message["uid"]] = ""
        self.availability[message["uid"]] = message.get("availability", "online")

    def on_update(self, message: dict[str, Any]) -> None:
        node = self.nodes[message["uid"]]
        _, known = node.get(message["endpoint"], (None, 0.0))
        if message["time"] >= known:
            node[message["endpoint"]] = (message["data"], message["time"])
        else:
            assert self.aware, "the original's clients do not look at the time"

    # Of a node that it was not told of yet, a client may hear that it went or changed: it was not
    # in what was to come first any more. It must not hear values of it.

    def on_reset(self, message: dict[str, Any]) -> None:
        node = self.nodes.get(message["uid"], {})
        for endpoint in [each for each in node if each not in IDENTITY]:
            del node[endpoint]

    def on_out(self, message: dict[str, Any]) -> None:
        self.nodes.pop(message["uid"], None)

    def on_availability(self, message: dict[str, Any]) -> None:
        assert self.aware
        self.availability[message["uid"]] = message["availability"]

    def on_result(self, message: dict[str, Any]) -> None:
        if message["status"] != "queued":
            self.results[message["id"]] += 1

    def on_error(self, _: dict[str, Any]) -> None:
        assert Feature.RESULT in self.client.features


class BrokerMachine(RuleBasedStateMachine):
    gateways: Bundle[Peer] = Bundle("gateways")
    clients: Bundle[Reader] = Bundle("clients")

    @initialize(unclaimed=st.sampled_from(["public", "public", "admins"]))
    def start(self, unclaimed: Unclaimed) -> None:
        self.loop = Loop()
        self.nodes = Nodes(4)
        self.fanout = Fanout(self.nodes, self.loop, 0.5)
        self.post = Post(self.fanout, lambda: None)
        limits = Limits(max_nodes=4, greetings=1000, commands_per_client=3, commands=5)
        self.house = HouseRules(EVERYTHING, unclaimed)
        self.core = Core(self.nodes, self.post, limits, "1", rules=self.house)
        self.directory = Service("d", "d", frozenset({Feature.DIRECTORY}))
        self.core.service_joined(self.directory)
        self.count = 0
        self.viewers: list[Reader] = []
        self.roles: dict[str, Role] = {}

    @property
    def now(self) -> Moment:
        return Moment(START + self.loop.now, self.loop.now)

    def next(self) -> int:
        self.count += 1
        return self.count

    def say(self, peer: Peer, message: Any) -> None:
        with contextlib.suppress(PyaiotError):
            self.core.gateway_said(peer.gateway, message, encode(message), self.now)

    # -- gateways

    @rule(target=gateways, features=st.sampled_from([OURS, CAREFUL, frozenset[Feature]()]))
    def gateway_joins(self, features: frozenset[Feature]) -> Peer:
        number = self.next()
        gateway = Gateway(f"g{number}", f"g{number}", features)
        peer = Peer(gateway)
        self.post.gateways[gateway.id] = peer
        self.core.gateway_joined(gateway)
        return peer

    @rule(peer=consumes(gateways))
    def gateway_leaves(self, peer: Peer) -> None:
        self.post.gateway_left(peer.gateway)
        self.core.gateway_left(peer.gateway)

    @rule(peer=gateways, uid=UIDS, availability=st.sampled_from(Availability))
    def announces(self, peer: Peer, uid: str, availability: Availability) -> None:
        more = (availability, self.now.wall) if peer.gateway.lasting else ()
        self.say(peer, New(uid, "all", *more))

    @rule(peer=gateways, uid=UIDS, endpoint=ENDPOINTS, age=st.sampled_from([0, 0, 0, 1, 60]))
    def reports(self, peer: Peer, uid: str, endpoint: str, age: float) -> None:
        reading = Update(uid, endpoint, self.next(), "all", self.now.wall - age)
        self.say(peer, reading)

    @rule(peer=gateways, uid=UIDS, availability=st.sampled_from(Availability))
    def judges(self, peer: Peer, uid: str, availability: Availability) -> None:
        if peer.gateway.lasting:
            self.say(peer, AvailabilityChanged(uid, availability, self.now.wall))

    @rule(peer=gateways, uid=UIDS, kind=st.sampled_from([Out, Reset]))
    def ends(self, peer: Peer, uid: str, kind: type[Out | Reset]) -> None:
        self.say(peer, kind(uid))

    @rule(peer=gateways, status=st.sampled_from(Status))
    def answers(self, peer: Peer, status: Status) -> None:
        for message in peer.asked[-2:]:
            if isinstance(message.id, str):
                self.say(peer, Result(message.id, status))

    # -- clients

    @rule(target=clients, features=FEATURES, room=st.sampled_from([None, 0, 300]), who=VIEWERS)
    def client_joins(self, features: tuple[str, ...], room: int | None, who: Viewer) -> Reader:
        role = self.roles.get(who.id, who.role)
        who = who if role is None else Viewer.account(who.id, role)
        session = None if role is None else Session(START, role, 1e9)
        client = Client(f"c{self.next()}", at_best(who, self.house), viewer=who, session=session)
        viewer = Reader(client, room)
        viewer.outlet.on_pause = lambda: self.fanout.paused(viewer.lane)
        viewer.outlet.on_write = lambda data: self.inspect(viewer, data)
        self.post.clients[client.id] = viewer.lane
        self.core.client_joined(client)
        self.viewers.append(viewer)
        self.core.client_said(client, Hello("client", features), self.now)
        return viewer

    @rule(viewer=consumes(clients))
    def client_leaves(self, viewer: Reader) -> None:
        self.viewers.remove(viewer)
        self.post.client_left(viewer.client)
        self.core.client_left(viewer.client)
        viewer.outlet.ended = PyaiotError("It left; nothing may be written to it any more.")

    @rule(viewer=clients)
    def hello_again(self, viewer: Reader) -> None:
        features = tuple(viewer.client.features)
        self.core.client_said(viewer.client, Hello("client", features), self.now)

    @rule(viewer=clients)
    def client_reads(self, viewer: Reader) -> None:
        viewer.read()
        viewer.outlet.taken = 0
        if not viewer.lane.writable:
            self.fanout.resumed(viewer.lane)

    @rule(viewer=clients, uid=UIDS, timeout=st.sampled_from([1.0, 100.0]))
    def commands(self, viewer: Reader, uid: str, timeout: float) -> None:
        name = str(self.next())
        viewer.expected.add(name)
        command = Command(Target(uid, "led", "1"), name, timeout)
        self.core.client_said(viewer.client, command, self.now)

    # -- who may see what

    def may_see(self, client: Client, uid: str) -> bool:
        access = self.core.directory.access.known.get(uid)
        return Permission.VIEW in permissions_on(access, client.viewer, self.house)

    def inspect(self, viewer: Reader, data: bytes) -> None:
        """Nothing is sent about a node that the client may not see now, but that it is gone."""
        viewer.decoder.receive_data(data)
        for frame in viewer.decoder.events_received():
            decoded = json.loads(bytes(cast("Frame", frame).data))
            for message in decoded if isinstance(decoded, list) else [decoded]:
                kind = message["type"]
                if kind == "alert" and message["text"] == "to":
                    continue
                told = message.get("nodes", [message] if "uid" in message else [])
                for each in told if kind != "out" else []:
                    assert self.may_see(viewer.client, each["uid"]), message

    @rule(nodes=st.lists(NODES, min_size=1, max_size=3), whole=st.booleans())
    def access_changes(self, nodes: list[NodeAccess], whole: bool) -> None:
        self.core.service_said(self.directory, Access(tuple(nodes), whole=whole), self.now)

    @rule(uids=st.sets(UIDS, max_size=2).map(sorted), bound=st.booleans(), whole=st.booleans())
    def devices_change(self, uids: list[str], bound: bool, whole: bool) -> None:
        devices = tuple(Device(uid, bound=bound, gone=not bound) for uid in uids)
        self.core.service_said(self.directory, Devices(devices, whole=whole), self.now)

    @rule(name=st.sampled_from(list(ROLES)), role=st.sampled_from(Role))
    def role_changes(self, name: str, role: Role) -> None:
        self.roles[name] = role
        self.core.service_said(self.directory, People((Person(name, role),)), self.now)
        for viewer in self.viewers:
            if viewer.client.viewer.id == name:
                assert viewer.client.viewer.role is role

    @rule(uid=UIDS, to=st.none() | st.lists(st.sampled_from([*ACCOUNTS, "eve"]), max_size=2))
    def alerts(self, uid: str, to: list[str] | None) -> None:
        name = str(self.next())
        alert = Alert(
            name, "r", uid, "led", Severity.WARNING, AlertState.RAISED, self.now.wall,
            "all" if to is None else "to", UNSET if to is None else tuple(to),
        )  # fmt: skip
        for viewer in self.viewers:
            client = viewer.client
            meant = self.may_see(client, uid) if to is None else client.viewer.id in to
            if Feature.ALERTS in client.features and (meant or client.viewer.unlimited):
                viewer.due.add(name)
            else:
                viewer.alerts[name] = -1000  # it would show in the end
        self.core.service_said(self.directory, alert, self.now)

    # -- time

    @rule()
    def turns(self) -> None:
        self.loop.turn()

    @rule(seconds=st.sampled_from([0.1, 1.0, 20.0]))
    def time_passes(self, seconds: float) -> None:
        self.loop.now += seconds
        self.core.tick(self.now)
        self.loop.turn()

    @invariant()
    def nodes_are_held_by_who_holds_them(self) -> None:
        if not hasattr(self, "core"):
            return
        held = {node.uid: node.gateway for node in self.nodes if node.gateway is not None}
        listed = {uid: gateway for gateway in self.core.gateways.values() for uid in gateway.nodes}
        assert held == listed
        devices = self.core.directory.devices.known
        for uid, gateway in held.items():
            # Nobody is a node that needs a token where nobody asks for it.
            assert gateway.checks or uid not in devices or not devices[uid].bound
        assert len(self.nodes) <= 4

    def teardown(self) -> None:
        if not hasattr(self, "core"):
            return
        self.loop.now += 200
        self.core.tick(self.now)
        for _ in range(1000):
            self.loop.settle()
            for viewer in self.viewers:
                self.client_reads(viewer)
            if not self.loop.calls and all(viewer.lane.live for viewer in self.viewers):
                break
        else:
            raise AssertionError("somebody never catches up")
        for viewer in self.viewers:
            self.check(viewer)
        assert len(self.core.dispatch.pending) == 0

    def check(self, viewer: Reader) -> None:
        known = {
            node.uid: {each.endpoint: each.value for each in node.resources.values()}
            for node in self.nodes
            if (viewer.aware or node.visible) and self.may_see(viewer.client, node.uid)
        }
        believed = {
            uid: {endpoint: value for endpoint, (value, _) in node.items()}
            for uid, node in viewer.nodes.items()
        }
        assert believed == known, json.dumps([believed, known])
        if viewer.aware:
            assert {uid: viewer.availability[uid] for uid in known} == {
                node.uid: str(node.availability) for node in self.nodes if node.uid in known
            }
        if Feature.NAMES in viewer.client.features:
            access = self.core.directory.access.known
            names = {uid: access[uid].name if uid in access else "" for uid in known}
            assert {uid: viewer.names[uid] for uid in known} == names
        for name, times in viewer.alerts.items():
            assert times == (1 if name in viewer.due else -1000), name
        # Of a node that it saw no more, it may have been spared an alert that was not read.
        if viewer.client.viewer.trusted:
            assert viewer.due == {name for name, times in viewer.alerts.items() if times > 0}
        assert viewer.results == dict.fromkeys(viewer.expected, 1)


# It reckons for seconds: for a minute, where many others do.
TestBroker = pytest.mark.timeout(300)(BrokerMachine.TestCase)
TestBroker.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
