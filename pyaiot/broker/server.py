# SPDX-License-Identifier: BSD-3-Clause
"""The broker's server: one port for gateways, clients, health and metrics."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from websockets.frames import CloseCode

from pyaiot.broker.admission import Doorkeeper
from pyaiot.broker.complaints import Complaints
from pyaiot.broker.connection import (
    HANDSHAKE_TIME,
    READ_LARGE,
    READ_SMALL,
    Connection,
    Page,
    Upgrade,
)
from pyaiot.broker.core import Core
from pyaiot.broker.fanout import Fanout
from pyaiot.broker.limits import Limits
from pyaiot.broker.nodes import Nodes
from pyaiot.broker.post import Post
from pyaiot.broker.reception import MAX_SERVICES, Capacity, Reception, Surroundings
from pyaiot.broker.statistics import samples
from pyaiot.link.descriptors import room_for
from pyaiot.link.listen import BACKLOG
from pyaiot.link.strangers import Strangers
from pyaiot.model.moment import Moment
from pyaiot.observe.health import Health
from pyaiot.observe.metrics import Metrics

SWEEP: Final = 1.0
"""Seconds between two looks at everything that may have timed out."""
STRANGERS: Final = 256
"""Connections that may be in their handshake, beyond those that have been let in."""
GATHERING: Final = 0.02
"""Seconds for which messages to be recorded gather: a frame of many costs less than many frames."""
FAREWELL: Final = 0.4
"""Seconds that peers have to take the last bytes when the broker ends."""

_log = logging.getLogger(__name__)


class _Scheduler:
    """The event loop, with a clock of its own: that of some loops counts milliseconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.time = time.monotonic
        self.call_soon = loop.call_soon
        self.call_later = loop.call_later


class BrokerServer:
    """All connections, and the core they lead to."""

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        limits: Limits,
        capacity: Capacity,
        surroundings: Surroundings,
        health: Health,
    ) -> None:
        """Start nothing yet. The steady clock must be `time.monotonic`."""
        self._loop = asyncio.get_running_loop()
        nodes = Nodes(limits.max_nodes)
        self.fanout = Fanout(nodes, _Scheduler(self._loop), capacity.flush_window)
        # Called for each read, so there is nothing in between.
        self.settle = self.fanout.settle
        self.post = Post(self.fanout, self._arm, self._gather)
        stream = surroundings.new_id()
        self.core = Core(
            nodes,
            self.post,
            limits,
            health.version,
            rules=doorkeeper.rules,
            signer=doorkeeper.signer,
            stream=stream,
            started=surroundings.clock().wall,
        )
        complaints = Complaints(time.monotonic)
        self.complain = complaints.add
        self.reception = Reception(
            doorkeeper,
            capacity,
            surroundings,
            post=self.post,
            core=self.core,
            complaints=complaints,
        )
        whole = memoryview(bytearray(READ_LARGE))
        self._buffers = {size: whole[:size] for size in (READ_SMALL, READ_LARGE)}
        self.buffer = self._buffers.__getitem__
        self.max_message = capacity.max_message
        self._capacity = capacity
        self._clock = surroundings.clock
        self._health = health
        self._metrics = Metrics(lambda: samples(self.core, self.fanout, self.reception))
        most = capacity.max_clients + capacity.max_gateways + MAX_SERVICES + STRANGERS
        self._room = room_for(most)
        if self._room < most:
            _log.warning("no more than %d connections at once: see ulimit -n", self._room)
        self._connections: set[Connection] = set()
        self._strangers: Strangers[Connection] = Strangers(lambda each: each.stranger)
        self._gone = asyncio.Event()
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._gathering: asyncio.TimerHandle | None = None

    async def start(self, sockets: list[socket.socket], tls: ssl.SSLContext | None) -> None:
        """Serve on `sockets`; by TLS, and by nothing else, where a context is given."""
        for sock in sockets:
            server = await self._loop.create_server(
                lambda: Connection(self, time.monotonic),
                sock=sock,
                backlog=BACKLOG,  # asyncio listens once more, with a hundred if not told otherwise
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_TIME if tls else None,
            )
            self._servers.append(server)
        self._sweep()

    async def stop(self) -> None:
        """Say goodbye to all peers, and do not wait long for theirs."""
        for server in self._servers:
            server.close()
        for timer in (self._sweeper, self._alarm, self._gathering):
            if timer is not None:
                timer.cancel()
        for connection in tuple(self._connections):
            connection.close(CloseCode.GOING_AWAY, "The broker is stopping.")
        self.fanout.close()
        try:
            async with asyncio.timeout(FAREWELL):
                while self._connections:
                    self._gone.clear()
                    await self._gone.wait()
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.abort()
            await asyncio.sleep(0)  # they are told in the next turn

    def hold(self) -> Moment:
        """A connection is about to hand on what it read, all of it at one moment: now."""
        self.fanout.held = True
        return self._clock()

    def opened(self, connection: Connection) -> bool:
        """Somebody connected; False if there are too many already."""
        self._connections.add(connection)
        self._strangers.came(connection)
        return len(self._connections) <= self._room or self._strangers.make_room(
            Connection.abort, besides=connection
        )

    def answer(self, path: str, headers: Mapping[str, str], peer: str) -> Page | Upgrade:
        """What `peer` gets who asks for `path`."""
        if path == "/health":
            body = self._health.report(
                self._clock(),
                gateways=len(self.core.gateways),
                clients=len(self.core.clients),
                nodes=len(self.core.nodes),
            )
            return Page(HTTPStatus.OK, body, Health.content_type)
        if path == "/metrics":
            return Page(HTTPStatus.OK, self._metrics.text(), Metrics.content_type)
        answer = self.reception.answer(path, headers, peer)
        if answer is None:
            return Page(
                HTTPStatus.NOT_FOUND, "There are /ws, /gw, /service, /health and /metrics here."
            )
        return answer

    def closed(self, connection: Connection) -> None:
        """A connection is no more."""
        self._connections.discard(connection)
        self._strangers.left(connection)
        self._gone.set()

    def _sweep(self) -> None:
        """Look after everything that may have timed out."""
        interval, timeout = self._capacity.ping_interval, self._capacity.ping_timeout
        pause = min([SWEEP, timeout / 4, *([interval / 4] if interval else [])])
        self._sweeper = self._loop.call_later(pause, self._sweep)
        now = self._clock()
        for connection in tuple(self._connections):
            connection.check(now.steady, interval, timeout)
        self.core.tick(now)

    def _gather(self) -> None:
        """Give recorders what there is, and what comes within a moment with it."""
        if self._gathering is None:
            self._gathering = self._loop.call_later(GATHERING, self._record)

    def _record(self) -> None:
        self._gathering = None
        for station in tuple(self.post.services.values()):
            station.record()
        self.core.recording.rest()

    def _arm(self) -> None:
        """See to it that the core is woken for its next deadline."""
        deadline = self.core.next_deadline
        if deadline is None:
            return
        # The event loop may call earlier than it was told, by the resolution of its clock.
        when = deadline + 0.001
        if self._alarm is not None:
            if self._alarm.when() <= when:
                return
            self._alarm.cancel()
        self._alarm = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.core.tick(self._clock())
        self._arm()
