# SPDX-License-Identifier: BSD-3-Clause
"""Carries out what the core decides: to the lanes of clients and the links of gateways."""

import logging
from collections.abc import Callable, Collection, Iterator
from typing import Protocol

from pyaiot.broker.effects import Audience
from pyaiot.broker.fanout import Fanout, Group
from pyaiot.broker.frames import text_frame
from pyaiot.broker.lane import About, Lane
from pyaiot.broker.nodes import Node
from pyaiot.broker.peers import Client, Gateway, Service
from pyaiot.errors import PyaiotError
from pyaiot.messages.codec import encode
from pyaiot.messages.types import Failure, Feature, Pending, Relayed

_log = logging.getLogger(__name__)


class Relay(Protocol):
    """A gateway that is connected."""

    def relay(self, message: Relayed) -> bool:
        """Send a command; False if the gateway has not taken those before."""

    def notify(self) -> None:
        """Send what is in its notices, as it can take it."""

    def send_again(self) -> None:
        """End the connection, so that the gateway sends again what is not stored."""


class Station(Protocol):
    """A recorder or a directory that is connected."""

    def inform(self, message: Pending) -> bool:
        """Send something; False if so much is waiting that it is not sent."""

    def record(self) -> None:
        """Send what is to be recorded, as it can be taken."""


class Post:
    """Where everybody can be reached."""

    def __init__(
        self,
        fanout: Fanout,
        relayed: Callable[[], None],
        recorded: Callable[[], None] = lambda: None,
    ) -> None:
        """`relayed` is called for each command that goes out: it has a deadline.

        `recorded` is called when there is something to be recorded.
        """
        self.clients: dict[str, Lane] = {}
        self.gateways: dict[str, Relay] = {}
        self.services: dict[str, Station] = {}
        self.record = recorded
        self._fanout = fanout
        self._relayed = relayed
        # Called for each message, so there is nothing in between.
        self.update = fanout.update
        self.flush = fanout.flush

    def event(self, audience: Audience, wire: bytes, about: Node) -> None:
        """Something happened to a node that nobody who sees it may miss."""
        self._fanout.event(audience, About(wire, about.uid), about.seers)

    def tell(self, client: Client, wire: bytes, about: str = "") -> None:
        """Something for one client alone."""
        lane = self.clients.get(client.id)
        if lane is not None:
            self._fanout.reply(lane, About(wire, about) if about else wire)

    def show(self, client: Client, wire: bytes, about: str) -> None:
        """Something of a node for one client, in its place."""
        lane = self.clients.get(client.id)
        if lane is not None:
            self._fanout.show(lane, About(wire, about))

    def greet(self, client: Client, backlog: Iterator[bytes], since: int) -> None:
        """From here on the client is told what happens."""
        lane = self.clients.get(client.id)
        if lane is not None:
            self._fanout.join(lane, backlog, since, group=_group(client), sees=client.sees)

    def regroup(self, client: Client) -> None:
        """A client has another view."""
        lane = self.clients.get(client.id)
        if lane is not None:
            self._fanout.regroup(lane, _group(client))

    def reveal(self, client: Client, wires: list[bytes], about: str, since: int) -> None:
        """A node is there for a client from now on."""
        lane = self.clients.get(client.id)
        if lane is not None:
            self._fanout.reveal(lane, [About(wire, about) for wire in wires], since)

    def conceal(self, client: Client, about: str) -> bool:
        """A node is not there for a client any more."""
        lane = self.clients.get(client.id)
        return lane is not None and lane.forget(about)

    def subjects(self, client: Client) -> Collection[str]:
        """The nodes of which something waits for a client that not everybody may know."""
        lane = self.clients.get(client.id)
        return () if lane is None else lane.subjects

    def dismiss(self, client: Client, error: PyaiotError) -> None:
        """Send a client away."""
        lane = self.clients.get(client.id)
        if lane is None or lane.dismissed:
            return
        if Feature.RESULT in client.features:
            # Not after what it has not read yet, which it may never be sent.
            lane.outlet.write(text_frame(encode(Failure(error.code, error.reason))))
        self._fanout.dismiss(lane, error)

    def paused(self, lane: Lane) -> None:
        """A client does not read fast enough."""
        self._fanout.paused(lane)

    def resumed(self, lane: Lane) -> None:
        """A client has read what was waiting for it."""
        self._fanout.resumed(lane)

    def client_left(self, client: Client) -> None:
        """A client is gone."""
        self._fanout.leave(self.clients.pop(client.id))

    def gateway_left(self, gateway: Gateway) -> None:
        """A gateway is gone."""
        del self.gateways[gateway.id]

    def service_left(self, service: Service) -> None:
        """A recorder or a directory is gone."""
        del self.services[service.id]

    def relay(self, gateway: Gateway, message: Relayed) -> bool:
        """A command for a gateway; False if it cannot take it."""
        link = self.gateways.get(gateway.id)
        if link is None or not link.relay(message):
            return False
        self._relayed()
        return True

    def notify(self, gateway: Gateway) -> None:
        """There is something new in the notices of a gateway."""
        link = self.gateways.get(gateway.id)
        if link is not None:
            link.notify()

    def send_again(self, gateway: Gateway) -> None:
        """Have a gateway connect again."""
        link = self.gateways.get(gateway.id)
        if link is not None:
            link.send_again()

    def inform(self, service: Service, message: Pending) -> None:
        """Something for a directory."""
        station = self.services.get(service.id)
        if station is not None and not station.inform(message):
            _log.debug("directory %s reads too slowly to hear of what is pending", service.label)

    def note(self, text: str) -> None:
        """Something that the operator should know."""
        _log.warning("%s", text)


def _group(client: Client) -> Group:
    return Group(client.aware, Feature.BATCH in client.features, client.view)
