# SPDX-License-Identifier: BSD-3-Clause
"""A core whose effects are written down, and short words for talking to it."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from pyaiot.accounts.permissions import HouseRules, Unclaimed, Viewer, at_best
from pyaiot.broker.core import Core
from pyaiot.broker.effects import Audience
from pyaiot.broker.limits import Limits
from pyaiot.broker.nodes import Node, Nodes
from pyaiot.broker.peers import Client, Gateway, Service
from pyaiot.errors import PyaiotError
from pyaiot.messages.codec import encode, from_client, from_gateway, from_service
from pyaiot.messages.types import Feature, Message, Pending, Relayed
from pyaiot.model.access import EVERYTHING, Permission
from pyaiot.model.moment import Moment

OURS = frozenset({Feature.SIGNED, Feature.BATCH, Feature.AVAILABILITY, Feature.RESULT})
ALL = ("snapshot", "batch", "availability", "result")
START = 1_700_000_000.0


@dataclass
class Recorder:
    """Effects, as they came."""

    shown: list[tuple[str, Audience, dict[str, Any]]] = field(default_factory=list)
    seers: list[frozenset[str] | None] = field(default_factory=list)
    regrouped: list[tuple[Client, str]] = field(default_factory=list)
    revealed: list[tuple[Client, str, int]] = field(default_factory=list)
    concealed: list[tuple[Client, str]] = field(default_factory=list)
    dismissed: list[tuple[Client, PyaiotError]] = field(default_factory=list)
    waiting: bool = False
    """Whether something of a node that is concealed was to be sent."""
    about: tuple[str, ...] = ()
    """The nodes of which something was to be sent to all that are greeted."""
    flushes: int = 0
    told: list[tuple[Client, dict[str, Any]]] = field(default_factory=list)
    greeted: list[tuple[Client, Iterator[bytes], int]] = field(default_factory=list)
    relayed: list[tuple[Gateway, dict[str, Any]]] = field(default_factory=list)
    notified: list[tuple[Gateway, dict[str, Any]]] = field(default_factory=list)
    informed: list[tuple[Service, dict[str, Any]]] = field(default_factory=list)
    sent_away: list[Gateway] = field(default_factory=list)
    awoken: int = 0
    notes: list[str] = field(default_factory=list)
    full: bool = False

    def update(self, audience: Audience, wire: bytes, seers: frozenset[str] | None = None) -> None:
        self.shown.append(("update", audience, json.loads(wire)))
        self.seers.append(seers)

    def event(self, audience: Audience, wire: bytes, about: Node) -> None:
        self.shown.append(("event", audience, json.loads(wire)))
        self.seers.append(about.seers)

    def tell(self, client: Client, wire: bytes, about: str = "") -> None:
        self.told.append((client, json.loads(wire)))
        assert not about or json.loads(wire)["uid"] == about

    def show(self, client: Client, wire: bytes, about: str) -> None:
        self.tell(client, wire, about)

    def flush(self) -> None:
        self.flushes += 1

    def regroup(self, client: Client) -> None:
        self.regrouped.append((client, client.view))

    def reveal(self, client: Client, wires: list[bytes], about: str, since: int) -> None:
        self.told += [(client, json.loads(wire)) for wire in wires]
        self.revealed.append((client, about, since))

    def conceal(self, client: Client, about: str) -> bool:
        self.concealed.append((client, about))
        return self.waiting

    def subjects(self, client: Client) -> Collection[str]:
        return self.about if client.greeted else ()

    def dismiss(self, client: Client, error: PyaiotError) -> None:
        self.dismissed.append((client, error))

    def greet(self, client: Client, backlog: Iterator[bytes], since: int) -> None:
        self.greeted.append((client, backlog, since))

    def relay(self, gateway: Gateway, message: Relayed) -> bool:
        if not self.full:
            self.relayed.append((gateway, json.loads(encode(message))))
        return not self.full

    def notify(self, gateway: Gateway) -> None:
        assert gateway.notices is not None
        while (message := gateway.notices.next()) is not None:
            self.notified.append((gateway, json.loads(encode(message))))

    def send_again(self, gateway: Gateway) -> None:
        self.sent_away.append(gateway)

    def inform(self, service: Service, message: Pending) -> None:
        self.informed.append((service, json.loads(encode(message))))

    def record(self) -> None:
        self.awoken += 1

    def note(self, text: str) -> None:
        self.notes.append(text)


class Bench:
    """A core, what it did, and a clock that stands until it is moved."""

    def __init__(self, unclaimed: Unclaimed = "public", **limits: Any) -> None:
        self.effects = Recorder()
        self.rules = HouseRules(EVERYTHING, unclaimed)
        self.nodes = Nodes(Limits(**limits).max_nodes)
        self.core = Core(self.nodes, self.effects, Limits(**limits), "1.2.3", rules=self.rules)
        self.now = Moment(START, 0.0)
        self._count = 0
        self._from_gateway = from_gateway()
        self._from_client = from_client()
        self._from_service = from_service()

    def wait(self, seconds: float) -> None:
        """Time passes, and the core is told so."""
        self.now = Moment(self.now.wall + seconds, self.now.steady + seconds)
        self.core.tick(self.now)

    def gateway(self, features: frozenset[Feature] = OURS, label: str = "") -> Gateway:
        self._count += 1
        gateway = Gateway(f"g{self._count}", label or f"g{self._count}", features)
        self.core.gateway_joined(gateway)
        return gateway

    def service(self, *features: Feature) -> Service:
        self._count += 1
        name = f"s{self._count}"
        service = Service(name, name, frozenset({Feature.SIGNED, *features}))
        self.core.service_joined(service)
        return service

    def tell(self, service: Service, message: Message) -> None:
        """A recorder or a directory sends a message."""
        self.core.service_said(service, self._from_service.decode(encode(message)), self.now)

    def recorded(self, service: Service) -> list[dict[str, Any]]:
        """What a recorder is sent now."""
        messages: list[dict[str, Any]] = []
        while (message := self.core.recording.take(service)) is not None:
            messages += [json.loads(bytes(raw)) for raw in message.messages]
        self.core.recording.rest()
        return messages

    def notified(self, gateway: Gateway) -> list[dict[str, Any]]:
        """Of what a gateway was notified since the last time."""
        kept, self.effects.notified = self.effects.notified, []
        return [message for to, message in kept if to is gateway]

    def client(
        self,
        *features: str,
        greet: bool = True,
        permissions: frozenset[Permission] | None = None,
        viewer: Viewer | None = None,
    ) -> Client:
        self._count += 1
        viewer = viewer or Viewer.service()
        allowed = at_best(viewer, self.rules) if permissions is None else permissions
        client = Client(f"c{self._count}", allowed, viewer=viewer)
        self.core.client_joined(client)
        if greet:
            self.ask(client, type="new", features=list(features))
        return client

    def say(self, gateway: Gateway, *, signed: bool = False, **message: Any) -> None:
        """A gateway sends a message; `signed` says that its bytes may be passed on."""
        wire = json.dumps(message, separators=(",", ":")).encode()
        decoded = self._from_gateway.decode(wire)
        self.core.gateway_said(gateway, decoded, wire if signed else None, self.now)

    def new(self, gateway: Gateway, uid: str = "n", **more: Any) -> None:
        self.say(gateway, type="new", uid=uid, **more)

    def value(self, gateway: Gateway, data: Any, uid: str = "n", **more: Any) -> None:
        self.say(gateway, **{"type": "update", "uid": uid, "endpoint": "led", "data": data, **more})

    def ask(self, client: Client, **message: Any) -> None:
        decoded = self._from_client.decode(json.dumps(message))
        self.core.client_said(client, decoded, self.now)

    def command(self, client: Client, uid: str = "n", payload: Any = "1", **more: Any) -> None:
        target = {"uid": uid, "endpoint": more.pop("endpoint", "led"), "payload": payload}
        self.ask(client, type="update", data=target, **more)

    def shown(self, audience: Audience | None = None) -> list[dict[str, Any]]:
        """What was shown since the last time; to one audience, if it is named."""
        kept, self.effects.shown = self.effects.shown, []
        if audience is None:
            return [message for _, _, message in kept]
        return [m for _, seen_by, m in kept if seen_by in {audience, Audience.EVERYONE}]

    def told(self, client: Client) -> list[dict[str, Any]]:
        """What one client alone was told since the last time anybody asked."""
        kept, self.effects.told = self.effects.told, []
        return [message for to, message in kept if to is client]

    def results(self, client: Client) -> list[tuple[str, str]]:
        return [(m["id"], m["status"]) for m in self.told(client) if m["type"] == "result"]

    def relayed(self, gateway: Gateway) -> list[dict[str, Any]]:
        kept, self.effects.relayed = self.effects.relayed, []
        return [message for to, message in kept if to is gateway]

    def backlog(self) -> list[dict[str, Any]]:
        """The backlog of the client that said hello last."""
        return [json.loads(wire) for wire in self.effects.greeted[-1][1]]
