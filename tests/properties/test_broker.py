# SPDX-License-Identifier: BSD-3-Clause
"""Whatever happens in whatever order: every client ends up knowing what the broker knows, and
every command has one result."""

import contextlib
import json
from collections import Counter
from typing import Any

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

from pyaiot.broker.core import Core
from pyaiot.broker.fanout import Fanout
from pyaiot.broker.lane import Lane
from pyaiot.broker.limits import Limits
from pyaiot.broker.nodes import Nodes
from pyaiot.broker.peers import Client, Gateway
from pyaiot.broker.post import Post
from pyaiot.errors import PyaiotError
from pyaiot.messages.codec import encode
from pyaiot.messages.types import (
    AvailabilityChanged,
    Command,
    Feature,
    Hello,
    New,
    Out,
    Relayed,
    Reset,
    Result,
    Status,
    Target,
    Update,
)
from pyaiot.model.access import Permission
from pyaiot.model.moment import Moment
from pyaiot.model.node import IDENTITY, Availability
from tests.broker.outlets import Loop, Outlet

UIDS = st.sampled_from(["n1", "n2", "n3", "n4", "n5", "alive"])
ENDPOINTS = st.sampled_from(["led", "name", "protocol"])
OURS = frozenset({Feature.SIGNED, Feature.AVAILABILITY, Feature.RESULT})
FEATURES = st.sets(st.sampled_from(["snapshot", "batch", "availability", "result"])).map(tuple)
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
        raise AssertionError("it did not ask for notices")

    send_again = notify


class Viewer:
    """A client: it believes what it is told, and complains of what makes no sense."""

    def __init__(self, client: Client, room: int | None) -> None:
        self.client = client
        self.outlet = Outlet(room)
        self.lane = Lane(self.outlet)
        self.nodes: dict[str, dict[str, tuple[Any, float]]] = {}
        self.availability: dict[str, str] = {}
        self.results: Counter[str] = Counter()
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

    def on_new(self, message: dict[str, Any]) -> None:
        assert message["dst"] in {"all", self.client.id}
        self.nodes.setdefault(message["uid"], {})
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
    clients: Bundle[Viewer] = Bundle("clients")

    @initialize()
    def start(self) -> None:
        self.loop = Loop()
        self.nodes = Nodes(4)
        self.fanout = Fanout(self.nodes, self.loop, 0.5)
        self.post = Post(self.fanout, lambda: None)
        limits = Limits(max_nodes=4, greetings=1000, commands_per_client=3, commands=5)
        self.core = Core(self.nodes, self.post, limits, "1")
        self.count = 0
        self.viewers: list[Viewer] = []

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

    @rule(target=gateways, ours=st.booleans())
    def gateway_joins(self, ours: bool) -> Peer:
        number = self.next()
        gateway = Gateway(f"g{number}", f"g{number}", OURS if ours else frozenset())
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

    @rule(target=clients, features=FEATURES, room=st.sampled_from([None, 0, 300]))
    def client_joins(self, features: tuple[str, ...], room: int | None) -> Viewer:
        client = Client(f"c{self.next()}", frozenset(Permission))
        viewer = Viewer(client, room)
        viewer.outlet.on_pause = lambda: self.fanout.paused(viewer.lane)
        self.post.clients[client.id] = viewer.lane
        self.core.client_joined(client)
        self.viewers.append(viewer)
        self.core.client_said(client, Hello("client", features), self.now)
        return viewer

    @rule(viewer=consumes(clients))
    def client_leaves(self, viewer: Viewer) -> None:
        self.viewers.remove(viewer)
        self.post.client_left(viewer.client)
        self.core.client_left(viewer.client)
        viewer.outlet.ended = PyaiotError("It left; nothing may be written to it any more.")

    @rule(viewer=clients)
    def hello_again(self, viewer: Viewer) -> None:
        features = tuple(viewer.client.features)
        self.core.client_said(viewer.client, Hello("client", features), self.now)

    @rule(viewer=clients)
    def client_reads(self, viewer: Viewer) -> None:
        viewer.read()
        viewer.outlet.taken = 0
        if not viewer.lane.writable:
            self.fanout.resumed(viewer.lane)

    @rule(viewer=clients, uid=UIDS, timeout=st.sampled_from([1.0, 100.0]))
    def commands(self, viewer: Viewer, uid: str, timeout: float) -> None:
        name = str(self.next())
        viewer.expected.add(name)
        command = Command(Target(uid, "led", "1"), name, timeout)
        self.core.client_said(viewer.client, command, self.now)

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

    def check(self, viewer: Viewer) -> None:
        known = {
            node.uid: {each.endpoint: each.value for each in node.resources.values()}
            for node in self.nodes
            if viewer.aware or node.visible
        }
        believed = {
            uid: {endpoint: value for endpoint, (value, _) in node.items()}
            for uid, node in viewer.nodes.items()
        }
        assert believed == known, json.dumps([believed, known])
        if viewer.aware:
            assert {uid: viewer.availability[uid] for uid in known} == {
                node.uid: str(node.availability) for node in self.nodes
            }
        assert viewer.results == dict.fromkeys(viewer.expected, 1)


TestBroker = BrokerMachine.TestCase
TestBroker.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
