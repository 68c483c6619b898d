# SPDX-License-Identifier: BSD-3-Clause
"""CoAP requests and responses over one UDP port, as server and client at once (RFC 7252).

aiocoap's message layer does the work (`exchanges`). What it has above that is not used: it
makes a task for each request, never ends an observation, observes under a new token each time, and
puts no bound on bodies.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeAlias

from aiocoap import error
from aiocoap.message import Message
from aiocoap.numbers.constants import TransportTuning
from aiocoap.numbers.types import Type
from aiocoap.transports.udp6 import UDP6EndpointAddress

from pyaiot.errors import CommandFailed, CommandTimeout
from pyaiot.gateway.coap.exchanges import Datagrams, Exchanges
from pyaiot.gateway.coap.quiet import Quiet
from pyaiot.gateway.coap.sockets import (
    bound_sockets,
    error_text,
    local_address,
    socket_address,
    source,
)

TOKEN_LENGTH: Final = 4
"""Bytes; random, so that nobody off the path can forge a response (RFC 7252 section 5.3.1)."""

Remote: TypeAlias = UDP6EndpointAddress
"""The other end: an IP, a port, an interface."""

Answer = Callable[[Message], Message]
"""Answers a request at once, whatever it holds."""

Notify = Callable[[Message], None]
"""Is told each notification that follows the first response to an observing request."""


class Tuning(TransportTuning):  # type: ignore[misc]  # aiocoap is untyped
    """How often a request is repeated.

    Once less than usual: whoever asks bounds the time anyway, and a frozen node is given up after
    30 to 45 s rather than 93 s.
    """

    MAX_RETRANSMIT = 3
    reliability = True


class Unreachable(CommandFailed):
    """The network or the node's host turns messages to the node away."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that was sent, and who waits for what comes back."""

    response: asyncio.Future[Message]
    notify: Notify | None = None
    observing: bool = False

    def fail(self, failure: CommandFailed) -> None:
        if not self.response.done():
            self.response.set_exception(failure)

    def rejected(self) -> None:
        self.fail(CommandFailed("The node rejected the message."))


class Transport:
    """One UDP port and its traffic; made by `open`."""

    def __init__(self, answer: Answer, random: Random, log: Quiet) -> None:
        """Nothing is opened yet. `answer` is called for each request; `random` makes tokens."""
        # aiocoap wants these two by these names.
        self.loop = asyncio.get_running_loop()
        self.log = log
        self._answer = answer
        self._random = random
        self.port = 0
        """The port on which it listens."""
        self._sockets: list[Datagrams] = []
        self._waiting: dict[Remote, dict[bytes, _Waiting]] = {}

    @classmethod
    async def open(
        cls, host: str, port: int, answer: Answer, random: Random, log: Quiet
    ) -> "Transport":
        """Listen on `host` (empty for all interfaces) and `port` (0 for any).

        Raises StartFailed when that is not possible.
        """
        self = cls(answer, random, log)
        bound = await bound_sockets(host, port)
        try:
            for sock in bound:
                self.port = sock.getsockname()[1]
                # Cancelled halfway, it would leave a socket that nobody closes.
                opening = asyncio.ensure_future(Datagrams.over(sock, Exchanges(self)))
                try:
                    await asyncio.shield(opening)
                finally:
                    self._sockets.append(await opening)
        except BaseException:
            await self.close()
            for sock in bound[len(self._sockets) :]:
                sock.close()
            raise
        return self

    async def close(self) -> None:
        """Close the socket; whoever waits for a response is told."""
        for waiting in [each for own in self._waiting.values() for each in own.values()]:
            waiting.fail(CommandFailed("The gateway is stopping."))
        self._waiting.clear()
        for datagrams in self._sockets:
            await datagrams.exchanges.shutdown()

    def remote(self, host: str, port: int, local: str = "") -> Remote:
        """Where to send a request; it leaves from our address `local` if that is given.

        Raises CommandFailed when the zone in `host` is that of no interface.
        """
        datagrams = self._sockets[0]
        if self._sockets[1:]:
            ipv4 = ":" not in host
            datagrams = next(
                (each for each in self._sockets if each.takes_ipv4_only is ipv4), datagrams
            )
        return UDP6EndpointAddress(socket_address(host, port), datagrams, pktinfo=source(local))

    async def request(
        self, message: Message, *, token: bytes | None = None, notify: Notify | None = None
    ) -> Message:
        """Send a request to its `remote`; the first response.

        An observing request has `notify` called for what follows, until `forget`. Whoever observes
        once more gives the `token` of before (RFC 7641 section 3.3.1). Cancelling frees everything.
        Raises CommandTimeout when no answer comes, Unreachable when none can come, CommandFailed
        when the node rejects the message.
        """
        remote = message.remote
        message.token = token or self.new_token(remote)
        waiting = _Waiting(self.loop.create_future(), notify)
        self._waiting.setdefault(remote, {})[message.token] = waiting
        give_up: Callable[[], None] | None = None
        try:
            give_up = self._send(message, waiting)
            return await waiting.response
        finally:
            if give_up is not None:
                give_up()
            if not waiting.observing:
                self._drop(remote, message.token, waiting)

    def forget(self, remote: Remote, token: bytes) -> None:
        """End an observation; the node is told so when it next notifies."""
        self._drop(remote, token, None)

    def new_token(self, remote: Remote) -> bytes:
        """A token that no other request to `remote` has."""
        used = self._waiting.get(remote, {})
        while (token := self._random.randbytes(TOKEN_LENGTH)) in used:
            pass
        return token

    def process_request(self, request: Message) -> None:
        """Answer a request; called by aiocoap."""
        response = self._answer(request)
        to_group = not local_address(request.remote.pktinfo)
        if to_group and not response.code.is_successful():
            return  # RFC 7252 section 8.2: a group hears no errors
        if (request.opt.no_response or 0) & 1 << (response.code.class_ - 1):
            return  # RFC 7967 section 2; aiocoap acknowledges what it must by itself
        response.token = request.token
        response.remote = request.remote.as_response_address() if to_group else request.remote
        response.request = request
        if request.mtype is Type.NON:
            response.mtype = Type.NON
        response.remote.interface.exchanges.send_message(response, _nobody_is_told)

    def process_response(self, response: Message) -> bool:
        """Pass on a response; whether anybody waits for it. Called by aiocoap."""
        waiting = self._waiting.get(response.remote, {}).get(response.token)
        if waiting is None:
            if response.opt.observe is not None and response.mtype is Type.NON:
                response.remote.interface.exchanges.reject(response)
            return False
        waiting.observing = (
            waiting.notify is not None
            and response.opt.observe is not None
            and response.code.is_successful()
        )
        if not waiting.observing:
            self._drop(response.remote, response.token, waiting)
        if not waiting.response.done():
            waiting.response.set_result(response)
        elif waiting.notify is not None:
            waiting.notify(response)
        return True

    def dispatch_error(self, exc: Exception, remote: Remote) -> None:
        """Tell those who wait that `remote` cannot be reached, or is silent. Called by aiocoap."""
        for waiting in self._waiting.get(remote, {}).values():
            if isinstance(exc, error.TimeoutError):
                waiting.fail(CommandTimeout("The node does not answer."))
            else:
                waiting.fail(Unreachable(f"The node cannot be reached: {error_text(exc)}."))

    def _send(self, message: Message, waiting: _Waiting) -> Callable[[], None]:
        try:
            exchanges: Exchanges = message.remote.interface.exchanges
            return exchanges.send_message(message, waiting.rejected)
        except (error.Error, OSError, ValueError) as exc:
            raise CommandFailed(f"The request cannot be sent: {error_text(exc)}.") from exc

    def _drop(self, remote: Remote, token: bytes, waiting: _Waiting | None) -> None:
        own = self._waiting.get(remote, {})
        # What was asked once more with the same token is another's to drop.
        if token in own and (waiting is None or own[token] is waiting):
            del own[token]
            if not own:
                del self._waiting[remote]


def _nobody_is_told(*_: Any) -> None:
    """Of a response that does not arrive."""
