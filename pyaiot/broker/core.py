# SPDX-License-Identifier: BSD-3-Clause
"""What the broker decides: who holds a node, who sees what, who gets an answer.

Facts and the time go in by method calls; effects come out through `Effects`. What a peer said and
cannot be used is raised as a PyaiotError, and has changed nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from pyaiot.accounts.permissions import HouseRules
from pyaiot.accounts.tokens import Signer
from pyaiot.broker.directory import Directory
from pyaiot.broker.disclosure import Disclosure
from pyaiot.broker.dispatch import Dispatch
from pyaiot.broker.effects import Audience, Effects
from pyaiot.broker.greeter import Greeter
from pyaiot.broker.limits import AHEAD, MAX_READING, Limits
from pyaiot.broker.moves import Moves
from pyaiot.broker.nodes import Node, Nodes
from pyaiot.broker.peers import Client, Gateway, Service
from pyaiot.broker.recording import Recording
from pyaiot.broker.services import Services
from pyaiot.broker.sessions import Sessions
from pyaiot.broker.snapshot import Snapshots
from pyaiot.broker.views import Views
from pyaiot.errors import (
    InvalidContent,
    MessageTooLarge,
    PyaiotError,
)
from pyaiot.messages.codec import encode
from pyaiot.messages.types import (
    EVERYONE,
    AvailabilityChanged,
    Batch,
    Device,
    Devices,
    Failure,
    Feature,
    FromClient,
    FromGateway,
    FromService,
    Hello,
    Message,
    New,
    Out,
    Pending,
    Renew,
    Reset,
    Result,
    Status,
    Update,
)
from pyaiot.model.moment import Moment
from pyaiot.model.node import Availability, checked_uid

APART: Final = 2e-6
"""Seconds between the times of two readings that came without any; floats hold no much less."""

_EVERYONE: Final = Audience.EVERYONE
# Finding a member of an enumeration by its name takes longer than anything else here would.


@dataclass(slots=True)
class Counts:
    """What happened since the broker started."""

    readings: int = 0
    strays: int = 0
    """Messages about a node from a gateway that does not hold it."""
    refused: int = 0
    """Messages that could not be used."""
    evicted: int = 0
    """Nodes that had to go because there were too many."""


class Core:
    """The broker without its sockets."""

    def __init__(
        self,
        nodes: Nodes,
        effects: Effects,
        limits: Limits,
        version: str,
        *,
        rules: HouseRules,
        signer: Signer | None = None,
        stream: str = "1",
        started: float = 0.0,
    ) -> None:
        """`signer` checks tokens of accounts; `stream` is a name no other run of a broker has.

        `started`: when this run did, in seconds since the epoch.
        """
        self.nodes = nodes
        self.counts = Counts()
        self.gateways: dict[str, Gateway] = {}
        self.clients: dict[str, Client] = {}
        self.directory = Directory()
        self.views = Views(self.directory, rules, patient=limits.await_directory)
        self.dispatch = Dispatch(nodes, self.views, effects, limits)
        self.recording = Recording(
            stream, limits.record_queue, effects, expected=limits.store_readings
        )
        self._snapshots = Snapshots(nodes, self.views.name)
        self._greeter = Greeter(
            nodes, self.views, effects, self._snapshots, limits=limits, version=version
        )
        self._disclosure = Disclosure(
            nodes,
            self.views,
            self.clients,
            effects,
            dispatch=self.dispatch,
            snapshots=self._snapshots,
        )
        self.sessions = Sessions(
            signer,
            self.directory,
            self._disclosure,
            effects,
            awaited=limits.await_directory,
            started=started,
        )
        self.services = Services(
            nodes,
            effects,
            self.gateways,
            directory=self.directory,
            recording=self.recording,
            disclosure=self._disclosure,
            sessions=self.sessions,
            awaited=limits.await_directory,
        )
        self._effects = effects
        self._stamped = 0.0
        """The last time that was given to a reading without one."""
        self._moves = Moves()

    def gateway_joined(self, gateway: Gateway) -> None:
        """A gateway connected."""
        self.gateways[gateway.id] = gateway
        self.services.gateway_joined(gateway)

    def gateway_left(self, gateway: Gateway) -> None:
        """A gateway's connection ended.

        One of ours will come back with the same nodes, so they stay, offline. Those of the
        original have other uids then, so they go (WIRE.md section 3.2).
        """
        del self.gateways[gateway.id]
        self.dispatch.gateway_left(gateway)
        for node in tuple(gateway.nodes.values()):
            if gateway.lasting:
                node.gateway = None
                if node.visible:
                    self._judge(node, Availability.OFFLINE, node.seen)
            else:
                self._remove(node)
        gateway.nodes.clear()

    def gateway_said(
        self, gateway: Gateway, message: FromGateway, wire: bytes | None, now: Moment
    ) -> None:
        """A gateway sent `message`; `wire` is its bytes if they may be passed on as they are."""
        match message:
            case Update():
                self.gateway_reported(gateway, message, wire, now)
            case New():
                self._new(gateway, message, now)
            case AvailabilityChanged():
                self._availability(gateway, message, now)
            case Reset() | Out():
                self._reset_or_out(gateway, message)
            case Result():
                self.counts.strays += not self.dispatch.answered(gateway, message)
            case Pending():
                self.services.pending(gateway, message)
            case Batch():
                raise InvalidContent("A batch must not hold a batch.")
            case _:  # a KeepAlive says nothing but that the connection lives
                pass

    def gateway_reported(
        self, gateway: Gateway, message: Update, wire: bytes | None, now: Moment
    ) -> None:
        """A gateway sent a reading, as nearly always; `wire` as for `gateway_said`."""
        uid, endpoint, time = message.uid, message.endpoint, message.time
        node = self.nodes.get(uid)
        if node is None or node.gateway is not gateway:
            self.counts.strays += 1
            if gateway.receipts is not None:
                gateway.receipts.skip()
            return
        addressed = message.dst != EVERYONE
        if time is UNSET or time > now.wall + AHEAD:
            # Clients, too, would take what comes once that clock is right for older.
            wire, time = None, self._stamp(now.wall)
        if wire is None or addressed:
            wire = encode(Update(uid, endpoint, message.data, EVERYONE, time))
        if len(wire) > MAX_READING:
            raise MessageTooLarge(f"A reading must not be longer than {MAX_READING} bytes.")
        newest = self.nodes.put(node, endpoint, message.data, time, wire=wire, wall=now.wall)
        self.counts.readings += 1
        if addressed:
            answer = Update(uid, endpoint, message.data, message.dst, time)
            self._forward(message.dst, answer, node)
        elif newest and node.visible:
            self._effects.update(_EVERYONE, wire, node.seers)
        else:
            # The original's clients would take an old reading for the newest.
            self._effects.update(Audience.AWARE, wire, node.seers)
        if self.recording.expected:
            self._record_reading(gateway, wire, addressed=addressed)
        if not gateway.answers:
            self.dispatch.reported(gateway, uid, endpoint, message.data)

    def _record_reading(self, gateway: Gateway, wire: bytes, *, addressed: bool) -> None:
        receipts = gateway.receipts
        if addressed:
            # The answer to one client's question says nothing that was not said before.
            if receipts is not None:
                receipts.skip()
            return
        number = self.recording.put(wire)
        if receipts is not None:
            receipts.wait(number)

    def reading_refused(self, gateway: Gateway) -> None:
        """A gateway sent a reading that cannot be used."""
        if gateway.receipts is not None:
            gateway.receipts.skip()

    def _happened(self, audience: Audience, wire: bytes, node: Node) -> None:
        """Something happened that the record holds, as clients that know of availability see it."""
        self._effects.event(audience, wire, node)
        if self.recording.expected:
            self.recording.put(wire)

    def _stamp(self, wall: float) -> float:
        """A time for a reading that has none.

        Many are read at one moment; a store would take two of one time for the same.
        """
        later = self._stamped + APART
        self._stamped = later if wall < later <= wall + AHEAD else wall
        return self._stamped

    def _new(self, gateway: Gateway, message: New, now: Moment) -> None:
        uid = checked_uid(message.uid)
        if self._needs_token(gateway, uid):
            self.counts.strays += 1
            return
        availability = (
            Availability.ONLINE if message.availability is UNSET else message.availability
        )
        seen = now.wall if message.seen is UNSET else min(message.seen, now.wall)
        node = self.nodes.get(uid)
        if node is None:
            self._add(gateway, uid, availability, seen)
            return
        if availability is Availability.OFFLINE and node.gateway not in {None, gateway}:
            # A gateway that comes back tells of all nodes it ever had; others may hold them now.
            self.counts.strays += 1
            return
        visible = node.visible
        self._claim(gateway, node, now)
        self._judge(node, availability, seen)
        if message.dst != EVERYONE:
            self._forward(message.dst, New(uid, message.dst), node)
        elif visible and node.visible:
            self._effects.event(Audience.ORIGINAL, encode(New(uid)), node)

    def _needs_token(self, gateway: Gateway, uid: str) -> bool:
        """Whether nobody can be this node at a gateway that asks for no tokens."""
        device = None if gateway.checks else self.directory.devices.known.get(uid)
        if device is None or not device.bound:
            return False
        if not gateway.warned:
            gateway.warned = True
            self._effects.note(
                f"Gateway {gateway.label} asks for no tokens: nodes that need one, such as {uid},"
                " cannot come by it."
            )
        return True

    def _add(self, gateway: Gateway, uid: str, availability: Availability, seen: float) -> None:
        evicted = self.nodes.make_room()
        if evicted is not None:
            self.counts.evicted += 1
            self._happened(Audience.AWARE, encode(Out(evicted.uid)), evicted)
            self._disclosure.left(evicted)
        node = self.nodes.add(uid, availability, seen)
        node.gateway = gateway
        gateway.nodes[uid] = node
        self._disclosure.entered(node)
        if node.visible:
            self._effects.event(Audience.ORIGINAL, encode(New(uid)), node)
        self._happened(Audience.AWARE, encode(New(uid, EVERYONE, availability, seen)), node)
        self._disclosure.introduced(node)

    def _claim(self, gateway: Gateway, node: Node, now: Moment) -> None:
        old = node.gateway
        if old is gateway:
            return
        if old is not None:
            del old.nodes[node.uid]
            self._moves.moved(node.uid, old.label, gateway.label, now.steady)
        node.gateway = gateway
        gateway.nodes[node.uid] = node

    def _judge(self, node: Node, availability: Availability, seen: float) -> None:
        visible = node.visible
        self.nodes.judge(node, availability, seen)
        if node.visible and not visible:
            self._effects.event(Audience.ORIGINAL, encode(New(node.uid)), node)
            for resource in node.resources.values():
                # Whoever is too slow for this gets what changed, so this must count as a change.
                self.nodes.journal.touch(resource)
                self._effects.update(Audience.ORIGINAL, resource.wire, node.seers)
            self._disclosure.introduced(node, again=True)
        elif visible and not node.visible:
            self._effects.event(Audience.ORIGINAL, encode(Out(node.uid)), node)
        changed = AvailabilityChanged(node.uid, availability, node.seen)
        self._happened(Audience.AWARE, encode(changed), node)

    def _availability(self, gateway: Gateway, message: AvailabilityChanged, now: Moment) -> None:
        node = self.nodes.get(message.uid)
        seen = min(message.seen, now.wall)
        if node is not None and node.gateway is gateway:
            self._judge(node, message.availability, seen)
        elif message.availability is Availability.ONLINE:
            # It hears the node now, and does not know that it lost it meanwhile.
            self._new(gateway, New(message.uid, EVERYONE, Availability.ONLINE, seen), now)
        else:
            self.counts.strays += 1

    def _reset_or_out(self, gateway: Gateway, message: Reset | Out) -> None:
        node = self.nodes.get(message.uid)
        if node is None or node.gateway is not gateway:
            self.counts.strays += 1
        elif isinstance(message, Out):
            self._remove(node)
        else:
            self.nodes.reset(node)
            audience = Audience.EVERYONE if node.visible else Audience.AWARE
            self._happened(audience, encode(Reset(node.uid)), node)

    def _remove(self, node: Node) -> None:
        audience = Audience.EVERYONE if node.visible else Audience.AWARE
        self.nodes.remove(node)
        self._happened(audience, encode(Out(node.uid)), node)
        self._disclosure.left(node)

    def _forward(self, client_id: str, message: Message, node: Node) -> None:
        client = self.clients.get(client_id)
        if client is not None and client.greeted and client.sees(node):
            self._effects.tell(client, encode(message), node.uid)

    def service_joined(self, service: Service) -> None:
        """A recorder or a directory connected."""
        self.services.joined(service)

    def service_left(self, service: Service) -> None:
        """The connection of a recorder or a directory ended."""
        self.services.left(service)

    def service_said(self, service: Service, message: FromService, now: Moment) -> None:
        """A recorder or a directory sent `message`."""
        if isinstance(message, Devices):
            self._devices_changed(self.services.devices(service, message))
        else:
            self.services.said(service, message, lambda client: self._greeter.greet(client, now))

    def _devices_changed(self, former: Mapping[str, Device | None]) -> None:
        for uid, was in former.items():
            node = self.nodes.get(uid)
            if node is None or uid in self.directory.devices.known:
                continue
            # A node that was forgotten must be gone before it becomes nobody's, and with that
            # perhaps everybody's. If it is there its gateway tells of it anew; one that hears
            # nothing of this would not.
            bound = was is not None and was.bound
            if bound or node.gateway is None or node.gateway.checks:
                self._remove(node)
        # Nodes that need a token from now on are no more at gateways that ask for none.
        for gateway in self.gateways.values():
            for node in () if gateway.checks else tuple(gateway.nodes.values()):
                if self._needs_token(gateway, node.uid):
                    del gateway.nodes[node.uid]
                    node.gateway = None
                    if node.visible:
                        self._judge(node, Availability.OFFLINE, node.seen)

    def client_joined(self, client: Client) -> None:
        """A client connected."""
        self.clients[client.id] = client
        self.sessions.joined(client)

    def client_left(self, client: Client) -> None:
        """A client's connection ended."""
        del self.clients[client.id]
        self.sessions.left(client)
        self.dispatch.client_left(client)

    def client_said(self, client: Client, message: FromClient, now: Moment) -> None:
        """A client sent `message`."""
        if client.dismissed:
            return
        if isinstance(message, Hello):
            self._greeter.hello(client, message, now)
        elif isinstance(message, Renew):
            self.sessions.renew(
                client, message.token, now, lambda each: self._greeter.greet(each, now)
            )
        else:
            self.dispatch.command(client, message, now)

    def refuse(self, client: Client, error: PyaiotError, command_id: str | None = None) -> None:
        """Tell a client that its message cannot be used, if it can be told."""
        self.counts.refused += 1
        if command_id is not None:
            self.dispatch.result(client, command_id, Status.FAILED, error.reason)
        elif Feature.RESULT in client.features:
            self._effects.tell(client, encode(Failure(error.code, error.reason)))

    def tick(self, now: Moment) -> None:
        """Time has passed: to be called at `next_deadline`, and each second or so."""
        self.dispatch.tick(now)
        self.services.tick()
        self.sessions.tick(now)
        for note in self._moves.notes(now.steady):
            self._effects.note(note)
        self._snapshots.tick(now.steady)

    @property
    def next_deadline(self) -> float | None:
        """When `tick` is to be called, on the steady clock; never too late."""
        return self.dispatch.pending.next_deadline
