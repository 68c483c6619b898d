# SPDX-License-Identifier: BSD-3-Clause
"""Whoever connects is given a page, or a link to the core."""

import base64
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from pyaiot.broker.admission import OFFER, Doorkeeper, Visitor
from pyaiot.broker.client_link import ClientLink
from pyaiot.broker.complaints import Complaints
from pyaiot.broker.connection import READ_LARGE, Connection, Page, Upgrade
from pyaiot.broker.core import Core
from pyaiot.broker.gateway_link import GatewayLink
from pyaiot.broker.peers import Client, Gateway, Service
from pyaiot.broker.post import Post
from pyaiot.broker.service_link import ServiceLink
from pyaiot.errors import (
    AuthenticationFailed,
    PermissionDenied,
    PyaiotError,
    TooManyConnections,
)
from pyaiot.messages.codec import from_client, from_gateway, from_service
from pyaiot.messages.signing import FEATURES_HEADER, NONCE_HEADER, NONCE_SIZE, SUBPROTOCOL, Session
from pyaiot.messages.types import Feature
from pyaiot.model.moment import Moment

GATEWAY_QUEUE: Final = 1_048_576
"""Bytes of commands that may wait for one gateway."""
RESERVED: Final = 10
"""One in so many clients must have shown a token: strangers keep nobody out who is known."""
MAX_SERVICES: Final = 16
"""Recorders and directories that may be connected at once."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much the server takes, and how fast it gives; see the settings of the same names."""

    max_clients: int = 6000
    max_gateways: int = 100
    max_message: int = 1_048_576
    client_rate: float = 100.0
    client_queue: int = 65_536
    flush_window: float = 0.002
    ping_interval: float = 20.0
    ping_timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the server takes from outside."""

    clock: Callable[[], Moment]
    random_bytes: Callable[[int], bytes]
    """Cryptographically strong."""
    new_id: Callable[[], str]
    """A uid that nobody ever had."""


class Reception:
    """Lets peers in, and sees them out."""

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        capacity: Capacity,
        surroundings: Surroundings,
        *,
        post: Post,
        core: Core,
        complaints: Complaints,
    ) -> None:
        self.turned_away = 0
        """Connections that were not let in."""
        self._doorkeeper = doorkeeper
        self._capacity = capacity
        self._surroundings = surroundings
        self._post = post
        self._core = core
        self._from_client = from_client(max_bytes=capacity.max_message)
        self._from_gateway = from_gateway(max_bytes=capacity.max_message)
        self._from_service = from_service(max_bytes=capacity.max_message)
        self._complaints = complaints

    def answer(self, path: str, headers: Mapping[str, str], peer: str) -> Page | Upgrade | None:
        """What `peer` gets who asks for `path`; None if nobody is received there."""
        admit = {"/ws": self._client, "/gw": self._gateway, "/service": self._service}.get(path)
        if admit is None:
            return None
        try:
            return admit(headers)
        except PyaiotError as exc:
            self.turned_away += 1
            self._complaints.add(f"{peer} was not let in to {path}: {exc}")
            return Page(_status(exc), exc.reason)

    def _client(self, headers: Mapping[str, str]) -> Upgrade:
        begin = self._core.sessions.begin
        visitor = self._doorkeeper.client(headers, self._surroundings.clock(), begin)
        room = self._capacity.max_clients
        if not visitor.token:
            room -= room // RESERVED
        if len(self._post.clients) >= room:
            raise TooManyConnections("There are as many clients as there may be.")

        def start(connection: Connection, _now: Moment) -> ClientLink:
            client = Client(
                self._surroundings.new_id(),
                visitor.permissions,
                visitor.features,
                viewer=visitor.viewer,
                session=visitor.session,
            )
            link = ClientLink(
                client,
                connection,
                core=self._core,
                codec=self._from_client,
                rate=self._capacity.client_rate,
                post=self._post,
                complaints=self._complaints,
            )
            self._post.clients[client.id] = link.lane
            self._core.client_joined(client)
            _log.debug("client %s connected from %s", client.id, connection.peer)
            return link

        return Upgrade(start, self._capacity.client_queue, headers=_granted(visitor))

    def _gateway(self, headers: Mapping[str, str]) -> Upgrade:
        if len(self._post.gateways) >= self._capacity.max_gateways:
            raise TooManyConnections("There are as many gateways as there may be.")
        visitor = self._doorkeeper.gateway(headers, self._surroundings.clock())
        if not self._core.recording.expected:
            # Nobody would ever say that anything is stored.
            visitor = replace(visitor, features=visitor.features - {Feature.STORED})
        answer = _granted(visitor)
        session = self._session(visitor, answer)

        def start(connection: Connection, _now: Moment) -> GatewayLink:
            label = _label(visitor, connection)
            gateway = Gateway(self._surroundings.new_id(), label, visitor.features)
            link = GatewayLink(
                gateway,
                connection,
                session,
                core=self._core,
                codec=self._from_gateway,
                queue=GATEWAY_QUEUE,
                post=self._post,
            )
            self._post.gateways[gateway.id] = link
            self._core.gateway_joined(gateway)
            _log.info("gateway %s connected%s", label, "" if session else ", unsigned")
            return link

        return Upgrade(start, GATEWAY_QUEUE, READ_LARGE, answer)

    def _service(self, headers: Mapping[str, str]) -> Upgrade:
        if len(self._post.services) >= MAX_SERVICES:
            raise TooManyConnections("There are as many services as there may be.")
        visitor = self._doorkeeper.service(headers, self._surroundings.clock())
        answer = _granted(visitor)
        session = self._session(visitor, answer)

        def start(connection: Connection, _now: Moment) -> ServiceLink:
            assert session is not None  # noqa: S101 - the doorkeeper lets in nobody else
            label = _label(visitor, connection)
            service = Service(self._surroundings.new_id(), label, visitor.features)
            link = ServiceLink(
                service,
                connection,
                session,
                core=self._core,
                codec=self._from_service,
                queue=GATEWAY_QUEUE,
                post=self._post,
            )
            self._post.services[service.id] = link
            self._core.service_joined(service)
            kinds = " and ".join(sorted(visitor.features & {Feature.RECORDER, Feature.DIRECTORY}))
            _log.info("%s %s connected", kinds, label)
            return link

        return Upgrade(start, GATEWAY_QUEUE, READ_LARGE, answer)

    def _session(self, visitor: Visitor, answer: dict[str, str]) -> Session | None:
        """How to sign with a visitor, who is told the nonce in `answer`; None if it cannot."""
        if Feature.SIGNED not in visitor.features or visitor.pair is None:
            return None
        nonce = self._surroundings.random_bytes(NONCE_SIZE)
        answer[NONCE_HEADER] = base64.urlsafe_b64encode(nonce).decode()
        return Session.of_broker(visitor.pair, visitor.token, nonce)


def _label(visitor: Visitor, connection: Connection) -> str:
    return f"{visitor.name} ({connection.peer})" if visitor.name else connection.peer


def _granted(visitor: Visitor) -> dict[str, str]:
    """The headers that say what a visitor is granted."""
    headers: dict[str, str] = {}
    if visitor.features:
        headers[FEATURES_HEADER] = ", ".join(sorted(visitor.features))
    if visitor.token:
        # A browser that offered subprotocols wants one of them chosen; the original's peers take
        # it, too (WIRE.md section 2.1).
        headers[OFFER] = SUBPROTOCOL
    return headers


def _status(error: PyaiotError) -> HTTPStatus:
    match error:
        case AuthenticationFailed():
            return HTTPStatus.UNAUTHORIZED
        case PermissionDenied():
            return HTTPStatus.FORBIDDEN
        case _:
            return HTTPStatus.SERVICE_UNAVAILABLE
