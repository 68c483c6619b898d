# SPDX-License-Identifier: BSD-3-Clause
"""The adapter for nodes on websockets: a server, one socket per node (WIRE.md section 6).

A node is asked for its resources as soon as its socket is open, and is announced with the first
values it sends, or a little later if it stays silent. Until then it may name itself (`payload`);
a named node has the same identity each time it comes. A name that comes later makes it another
node: the nameless one is lost. Of two sockets with one name the newer is the node. A node that
comes with a token (`handshake`) is who the token says.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from pyaiot.errors import (
    CommandFailed,
    InvalidInput,
    InvalidValue,
    LimitExceeded,
    ListenFailed,
    OriginRefused,
    PermissionDenied,
    PyaiotError,
    RateExceeded,
)
from pyaiot.gateway.adapter import Address, Events, Naming, Refusal, Sighting, Written
from pyaiot.gateway.websocket.handshake import (
    SUBPROTOCOL,
    close_code_of,
    status_of,
    token_of,
)
from pyaiot.gateway.websocket.payload import DISCOVER, parse, set_request
from pyaiot.gateway.websocket.socket import LibraryLog, NodeSocket
from pyaiot.link.strangers import Strangers
from pyaiot.messages.origin import check_origin, is_loopback
from pyaiot.model.rate import Allowance

logger = logging.getLogger(__name__)

ROUTE: Final = "/node"
MAX_FRAME: Final = 1 << 17
"""Bytes in one frame from a node; a script of the largest size fits."""
MAX_HANDSHAKES: Final = 100
"""Connections that have not asked for the route yet, beyond those of nodes."""
FRAMES: Final = (100.0, 200.0)
"""Frames a second, and at once, that one node may send."""
COMPLAINTS: Final = (1.0, 20.0)
"""Lines a second, and at once, that bad input may add to the log."""
REFUSALS: Final = frozenset({1002, 1007, 1009})
"""Close codes the library sends to a peer that breaks the protocol (RFC 6455 section 7.4.1)."""
JUST_NOW: Final = 1.0
"""Seconds for which the values that a node was announced with count as its answer."""


class _Node:
    """One socket and what it has said of itself."""

    __slots__ = (
        "address",
        "allowance",
        "fresh_until",
        "life",
        "name",
        "sighting",
        "socket",
        "token",
    )

    def __init__(self, socket: NodeSocket, address: Address, now: float) -> None:
        self.socket = socket
        self.token = socket.token
        self.address = address
        self.allowance = Allowance(*FRAMES)
        self.name: str | None = None
        self.sighting: Sighting | None = None
        self.fresh_until = now
        self.life: asyncio.Task[None]


class WebsocketAdapter:
    """Serves ``/node`` on `host` and `port`; fits `pyaiot.gateway.adapter.Adapter`."""

    protocol: Final = "WebSocket"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        max_nodes: int = 10_000,
        grace: float = 3.0,
        ping_interval: float = 20.0,
        ping_timeout: float = 20.0,
        clock: Callable[[], float] = time.monotonic,
        new_name: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        """Serve on all interfaces where `host` is empty, and on any free port where `port` is 0.

        A node that says nothing is announced after `grace` seconds. `clock` is steady; `new_name`
        makes up the names of nodes that have none. All times are in seconds.
        """
        self.port = port
        """The port that is served, once `run` is ready."""
        self._host = host
        self._max_nodes = max_nodes
        self._grace = grace
        self._ping_interval = ping_interval
        self._ping_timeout = ping_timeout
        self._clock = clock
        self._new_name = new_name
        self._complaints = Allowance(*COMPLAINTS)
        self._strangers: Strangers[NodeSocket] = Strangers()
        self._sockets: set[NodeSocket] = set()
        self._nodes: dict[Address, _Node] = {}
        self._named: dict[str, _Node] = {}
        self._serial = 0
        self._events: Events
        self._tasks: asyncio.TaskGroup

    async def run(self, events: Events, ready: Callable[[], None]) -> None:
        """Serve until cancelled. Raises StartFailed when the port cannot be had."""
        self._events = events
        server = await self._bind()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await server.start_serving()
                logger.info("Nodes can connect to ws://%s:%d%s", self._host, self.port, ROUTE)
                ready()
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    await self._shut(server)
        finally:
            server.close()

    async def discover(self, address: Address) -> None:
        """Ask for all resources, unless the node has just sent them of its own accord."""
        node = self._at(address)
        answered, node.fresh_until = self._clock() < node.fresh_until, 0.0
        if not answered:
            await self._send(node, DISCOVER)

    async def write(self, address: Address, endpoint: str, payload: str) -> Written:
        """Set a resource. Nodes do not answer; their next report tells."""
        await self._send(self._at(address), set_request(endpoint, payload))
        return Written(confirmed=False)

    def _at(self, address: Address) -> _Node:
        try:
            return self._nodes[address]
        except KeyError:
            raise CommandFailed("The node is not connected.") from None

    def expel(self, address: Address, refusal: Refusal) -> None:
        """Close the node's socket, and take nothing from it any more."""
        node = self._nodes.get(address)
        if node is not None:
            self._turn_away(node, refusal)

    async def _send(self, node: _Node, frame: str) -> None:
        try:
            await node.socket.send(frame)
        except ConnectionClosed as exc:
            raise CommandFailed("The node's connection has ended.") from exc

    async def _bind(self) -> Server:
        class Socket(NodeSocket):
            opened = staticmethod(self._opened)
            ended = staticmethod(self._ended)

        try:
            server = await serve(
                self._serve,
                self._host or None,
                self.port,
                process_request=self._admit,
                select_subprotocol=_subprotocol,
                create_connection=Socket,
                compression=None,
                open_timeout=5,
                ping_interval=None,
                max_size=MAX_FRAME,
                max_queue=4,
                logger=LibraryLog(logger, self._complain),
                start_serving=False,
            )
        except OSError as exc:
            raise ListenFailed(
                f"cannot listen on {self._host or '*'}:{self.port}: {exc.strerror or exc}"
            ) from exc
        self.port = next(iter(server.sockets)).getsockname()[1]
        return server

    async def _shut(self, server: Server) -> None:
        server.close()
        try:
            async with asyncio.timeout(0.5):
                await server.wait_closed()
        except TimeoutError:
            for socket in tuple(self._sockets):
                socket.transport.abort()
            await server.wait_closed()

    def _opened(self, socket: NodeSocket) -> bool:
        self._sockets.add(socket)
        self._strangers.came(socket)
        return len(self._sockets) <= self._max_nodes + MAX_HANDSHAKES or self._strangers.make_room(
            lambda longest: longest.transport.abort(), besides=socket
        )

    def _ended(self, socket: NodeSocket) -> None:
        self._sockets.discard(socket)
        self._strangers.left(socket)

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        assert isinstance(socket, NodeSocket)  # noqa: S101 - it came from `_bind`
        self._strangers.left(socket)
        headers = request.headers
        if request.path.partition("?")[0] != ROUTE:
            return socket.respond(HTTPStatus.NOT_FOUND, "Not found\n")
        socket.token = token_of(
            headers.get_all("Authorization"), headers.get_all("Sec-WebSocket-Protocol")
        )
        if not socket.token:
            try:
                check_origin(
                    headers.get_all("Origin"),
                    headers.get_all("Host"),
                    loopback=is_loopback(socket.local_address[0]),
                )
            except OriginRefused as exc:
                self._complain(exc.reason)
                return socket.respond(HTTPStatus.FORBIDDEN, f"{exc.reason}\n")
        refusal = self._events.objection(Sighting("", Naming.PASSING, token=socket.token))
        if refusal is not None:
            self._complain(f"refused {socket.remote_address[0]}: {refusal}")
            return _unauthorized(socket, refusal)
        if len(self._nodes) >= self._max_nodes:
            self._complain(f"more than {self._max_nodes} nodes want to connect")
            return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many nodes\n")
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, NodeSocket)  # noqa: S101 - it came from `_bind`
        node = _Node(connection, self._address(connection), self._clock())
        self._nodes[node.address] = node
        node.life = self._tasks.create_task(self._keep(node))
        verdict: PyaiotError | None = None
        try:
            await connection.send(DISCOVER)
            while True:
                frame = await connection.frame()
                if node.address in self._nodes:
                    self._take(node, frame)
        except ConnectionClosed as exc:
            if exc.sent is not None and exc.sent.code in REFUSALS:
                self._complain(f"closed the connection of {node.address}: {exc.sent}")
        except (InvalidInput, LimitExceeded) as exc:
            self._complain(f"closed the connection of {node.address}: {exc}")
            verdict = exc
        finally:
            self._forget(node)
        if verdict is not None:
            # The original ends each of its reasons with two full stops (WIRE.md section 2.2).
            await connection.end(verdict.close_code, f"{verdict}.")

    def _address(self, socket: NodeSocket) -> Address:
        host, port = socket.remote_address[:2]
        self._serial += 1
        # Numbered, because a port may be used again before its former user is known to be gone.
        return Address(f"{f'[{host}]' if ':' in host else host}:{port}#{self._serial}")

    def _take(self, node: _Node, frame: bytes) -> None:
        now = self._clock()
        if not node.allowance.take(now):
            raise RateExceeded("More messages than one node may send")
        said = parse(frame)
        for fault in said.faults:
            self._complain(f"{node.address} sent what is of no use: {fault}")
        if said.name is not None:
            self._name(node, said.name)
        if node.sighting is None and said.values is not None:
            if said.values:
                node.fresh_until = now + JUST_NOW
            self._announce(node)
        else:
            self._see(node)
        if node.address not in self._nodes:  # it may not be here
            return
        for endpoint, value in (said.values or {}).items():
            self._events.report(node.address, endpoint, value)

    def _name(self, node: _Node, name: str) -> None:
        if node.name is not None and node.name != name:
            raise InvalidValue("A node must not change its id")
        if node.token:
            node.name = name
            if node.sighting is not None:
                node.sighting = self._sighting(node)
            return
        if node.name is None and node.sighting is not None:
            self._events.lost(node.address)
            node.fresh_until = 0.0
            node.name = name
            self._announce(node)
        node.name = name

    def _see(self, node: _Node) -> bool:
        """Tell that `node` is there; whether it may be."""
        if node.sighting is None:
            return True
        refusal = self._events.seen(node.address, node.sighting)
        if refusal is not None:
            self._turn_away(node, refusal)
        return refusal is None

    def _turn_away(self, node: _Node, refusal: Refusal) -> None:
        # At once: while its socket closes, nothing that it says may be taken for the node's.
        self._forget(node)
        self._tasks.create_task(node.socket.end(close_code_of(refusal), str(refusal)))

    def _sighting(self, node: _Node) -> Sighting:
        if node.name is None:
            return Sighting(self._new_name(), Naming.PASSING, token=node.token)
        return Sighting(node.name, Naming.LOCAL, facts={"id": node.name}, token=node.token)

    def _announce(self, node: _Node) -> None:
        node.sighting = self._sighting(node)
        if not self._see(node) or node.name is None or node.token:
            return
        older = self._named.get(node.name)
        self._named[node.name] = node
        if older is not None:
            self._complain(f"{node.address} takes the place of {older.address} as '{node.name}'")
            self._forget(older)
            self._tasks.create_task(
                older.socket.end(PermissionDenied.close_code, "Replaced by a newer connection")
            )

    def _forget(self, node: _Node) -> None:
        if self._nodes.pop(node.address, None) is None:
            return
        node.life.cancel()
        if node.name is not None and self._named.get(node.name) is node:
            del self._named[node.name]
        if node.sighting is not None:
            self._events.lost(node.address)

    async def _keep(self, node: _Node) -> None:
        """Announce a silent node, and notice when it is gone (RFC 6455 section 5.5.2)."""
        await asyncio.sleep(self._grace)
        if node.sighting is None:
            self._announce(node)
        try:
            while True:
                await asyncio.sleep(self._ping_interval)
                async with asyncio.timeout(self._ping_timeout):
                    await (await node.socket.ping())
                self._see(node)
        except ConnectionClosed:
            pass
        except TimeoutError:
            self._complain(f"{node.address} does not answer any more")
            await node.socket.end(1011, "No answer to a ping")

    def _complain(self, text: str) -> None:
        if self._complaints.take(self._clock()):
            shown = "".join(
                char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
            )
            logger.warning("%s", shown)


def _subprotocol(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    # A browser ends a connection whose answer names none of what it offered.
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None


def _unauthorized(socket: NodeSocket, refusal: Refusal) -> Response:
    response = socket.respond(HTTPStatus(status_of(refusal)), f"{refusal}\n")
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
