# SPDX-License-Identifier: BSD-3-Clause
"""aiocoap's message layer and socket, with what a gateway needs of them changed.

A gateway hears thousands of nodes, of which any may be frozen, gone, broken or hostile. Each change
has its reason where it is made.
"""

import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

from aiocoap.message import Message
from aiocoap.messagemanager import MessageManager
from aiocoap.numbers.codes import EMPTY
from aiocoap.numbers.types import Type
from aiocoap.transports.udp6 import MessageInterfaceUDP6

from pyaiot.errors import InvalidMessage
from pyaiot.gateway.coap.datagram import Screen
from pyaiot.gateway.coap.duplicates import (
    CONFIRMABLE_LIFETIME,
    NON_CONFIRMABLE_LIFETIME,
    Duplicates,
)
from pyaiot.model.rate import Allowances

REQUESTS_PER_SECOND: Final = 2000.0
REQUESTS_AT_ONCE: Final = 4000.0
"""What one host may ask for; behind a host there may be many nodes."""

MAX_HOSTS: Final = 4096
"""Hosts whose rate is remembered."""

SEND_ATTEMPTS: Final = 4
"""How often a datagram is handed to the system that reports the failures of others."""


class Exchanges(MessageManager):  # type: ignore[misc]  # aiocoap is untyped
    """Acknowledges, retransmits and matches messages (RFC 7252 section 4)."""

    def __init__(self, user: Any) -> None:
        """`user` is what aiocoap calls a token manager."""
        super().__init__(user)
        self._screen = Screen()
        self._duplicates = Duplicates()
        self._allowances = Allowances(REQUESTS_PER_SECOND, REQUESTS_AT_ONCE, MAX_HOSTS)

    def admits(self, datagram: bytes, address: tuple[Any, ...], *, cut_off: bool) -> bool:
        """Whether a datagram is to be decoded.

        aiocoap remembers every request for minutes, with its response, however many there are.
        Raises InvalidMessage for what nobody should decode.
        """
        if cut_off:
            raise InvalidMessage("longer than any message")
        head = self._screen.head(datagram)
        if not head.request:
            return True
        now = self.loop.time()
        if not self._allowances.take(address[0], now):
            self.log.warning("Too many requests from %s; ignoring some", address[0])
            return False
        lifetime = CONFIRMABLE_LIFETIME if head.confirmable else NON_CONFIRMABLE_LIFETIME
        if self._duplicates.is_new(address, head.mid, datagram, lifetime, now):
            return True
        answer = self._duplicates.answer(address, head.mid)
        if answer is not None:
            self._send_via_transport(answer)
        return False

    def send_message(
        self, message: Message, messageerror_monitor: Callable[[], None]
    ) -> Callable[[], None]:
        """Send, and return what ends the retransmission.

        aiocoap goes on repeating what nobody waits for any more, and queues all else behind it:
        one resource that does not answer would keep the others from being asked. Here nothing
        queues; who asks bounds what is outstanding (RFC 7252 section 4.7).
        """
        if message.code.is_request():
            message.mtype = Type.CON
            message.mid = self._next_message_id()
            self._send_initially(message, messageerror_monitor)
        else:
            super().send_message(message, messageerror_monitor)
        return partial(self._stop, message)

    def reject(self, message: Message) -> None:
        """Tell a node that nobody waits for `message`, so that it stops notifying.

        aiocoap does so for confirmable messages alone; many nodes notify with others.
        """
        reset = Message(_mtype=Type.RST, _mid=message.mid, code=EMPTY)
        reset.remote = message.remote.as_response_address()
        self._send_initially(reset)

    def _stop(self, message: Message) -> None:
        if self._active_exchanges is None:  # shut down meanwhile
            return
        exchange = self._active_exchanges.pop((message.remote, message.mid), None)
        if exchange is not None:
            exchange[1].cancel()
            self._continue_backlog(message.remote)

    def _continue_backlog(self, remote: Any) -> None:
        if not any(other == remote for other, _ in self._active_exchanges):
            self._backlogs.pop(remote, None)

    def _retransmit(self, message: Message, timeout: float, retransmission_counter: int) -> None:
        # It deletes the queue in the end, but another exchange of the same node may have.
        self._backlogs.setdefault(message.remote, [])
        super()._retransmit(message, timeout, retransmission_counter)

    def _deduplicate_message(self, _message: Message) -> bool:
        return False  # `admits` has done that

    def _store_response_for_duplicates(self, message: Message) -> None:
        if message.mtype in {Type.ACK, Type.RST}:
            self._duplicates.answered(message.remote.sockaddr, message.mid, message)


class Datagrams(MessageInterfaceUDP6):  # type: ignore[misc]  # as above
    """The socket. Nothing that arrives at it can raise.

    To aiocoap a path that is not UTF-8 is an error of the event loop.
    """

    @property
    def exchanges(self) -> Exchanges:
        """The layer above."""
        return cast("Exchanges", self._ctx)

    @property
    def takes_ipv4_only(self) -> bool:
        """It is bound to an address of IPv4."""
        sock = self.transport.get_extra_info("socket")
        return str(sock.getsockname()[0]).startswith("::ffff:")

    @classmethod
    async def over(cls, sock: socket.socket, exchanges: Exchanges) -> "Datagrams":
        """Read `sock` from now on."""
        made = await cls._create_transport_endpoint(sock, exchanges, exchanges.log, exchanges.loop)
        exchanges.message_interface = made
        return cast("Datagrams", made)

    async def shutdown(self) -> None:
        """Close the socket. aiocoap waits for that, and fails when whoever closes is cancelled."""
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""

    def send(self, message: Message) -> None:
        """Send a datagram, or tell the layer above that it cannot be sent.

        The system reports that one node turned a datagram away when the next is sent, which may be
        to another, and does not send that. aiocoap takes this for the other node's failure.
        """
        remote = message.remote
        ancillary = (
            [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, remote.pktinfo)] if remote.pktinfo else []
        )
        datagram = message.encode()
        sock: socket.socket = self.transport.get_extra_info("socket")
        failure: OSError | None = None
        for _ in range(SEND_ATTEMPTS):
            try:
                sock.sendmsg([datagram], ancillary, 0, remote.sockaddr)
            except BlockingIOError:
                return  # lost, as any datagram may be
            except OSError as exc:
                failure = exc
            else:
                return
        self.exchanges.dispatch_error(failure, remote)

    def datagram_msg_received(
        self, data: bytes, ancdata: Any, flags: int, address: tuple[Any, ...]
    ) -> None:
        """A datagram came."""
        try:
            if self.exchanges.admits(data, address, cut_off=bool(flags & socket.MSG_TRUNC)):
                super().datagram_msg_received(data, ancdata, flags, address)
        except InvalidMessage as exc:
            self.log.warning("Ignoring a datagram from %s: %s", address[0], exc)
        except Exception as exc:  # noqa: BLE001 - whatever a stranger can cause here ends here
            self.log.warning("Ignoring a datagram from %s: %r", address[0], exc)

    def datagram_errqueue_received(
        self, data: bytes, ancdata: Any, flags: int, address: tuple[Any, ...]
    ) -> None:
        """The network says that a datagram of ours did not arrive."""
        try:
            super().datagram_errqueue_received(data, ancdata, flags, address)
        except Exception as exc:  # noqa: BLE001 - as above
            self.log.warning("Ignoring an error message about %s: %r", address[0], exc)
