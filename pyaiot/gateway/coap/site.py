# SPDX-License-Identifier: BSD-3-Clause
"""What nodes find at the gateway: ``/alive``, ``/reset`` and ``/server`` (WIRE.md section 4)."""

import logging
from collections.abc import Callable
from typing import Final, Protocol

from aiocoap.message import Message
from aiocoap.numbers.codes import Code
from aiocoap.numbers.optionnumbers import OptionNumber

from pyaiot.errors import InvalidInput, InvalidValue
from pyaiot.gateway.adapter import Refusal
from pyaiot.gateway.coap.blockwise import Blockwise, failure
from pyaiot.gateway.coap.payload import Announcement, Posted, announcement, posted, proof
from pyaiot.gateway.coap.quiet import Quiet
from pyaiot.gateway.coap.sockets import Sender, sender

_log = logging.getLogger(__name__)

ALIVE: Final = "alive"
RESET: Final = "reset"
SERVER: Final = "server"
TOKEN: Final = "token="  # noqa: S105 - what stands before one

_UNDERSTOOD: Final = frozenset(
    {
        OptionNumber.URI_HOST,
        OptionNumber.URI_PORT,
        OptionNumber.URI_PATH,
        OptionNumber.URI_QUERY,
        OptionNumber.ACCEPT,  # whoever accepts only this or that gets a diagnostic all the same
        OptionNumber.BLOCK1,
        OptionNumber.BLOCK2,
    }
)
_PROXY: Final = frozenset({OptionNumber.PROXY_URI, OptionNumber.PROXY_SCHEME})


class Visited(Protocol):
    """Who is told what nodes say."""

    def announced(
        self, sender: Sender, said: int | None, announcement: Announcement, token: str
    ) -> Refusal | None:
        """A node is there, perhaps says at which port it serves, and perhaps shows a token."""

    def posted(
        self, sender: Sender, said: int | None, posted: Posted, token: str
    ) -> Refusal | None:
        """A resource has a value."""


class Site:
    """Answers nodes at once; what follows from a message happens afterwards."""

    def __init__(
        self, visited: Visited, log: Quiet, clock: Callable[[], float], interface: str = ""
    ) -> None:
        """`interface` is the zone of link-local senders that come without one."""
        self._visited = visited
        self._log = log
        self._blockwise = Blockwise(clock)
        self._interface = interface

    def answer(self, request: Message) -> Message:
        """The response to any request."""
        response = self._answer(request)
        if _log.isEnabledFor(logging.DEBUG):
            path = "/".join(request.opt.uri_path)
            _log.debug(
                "%s /%s from %s: %s", request.code, path, request.remote.hostinfo, response.code
            )
        return response

    def _answer(self, request: Message) -> Message:
        critical = {number for number in request.opt._options if number.is_critical()}  # noqa: SLF001 - aiocoap has no public way to list them
        if critical & _PROXY:
            return failure(Code.PROXYING_NOT_SUPPORTED, "This is no proxy.")
        if critical - _UNDERSTOOD:
            return failure(Code.BAD_OPTION, f"Option {min(critical - _UNDERSTOOD)} is unknown.")
        path = request.opt.uri_path
        if path not in {(ALIVE,), (RESET,), (SERVER,)}:
            return failure(Code.NOT_FOUND, "There are only /alive, /reset and /server.")
        if request.code is not Code.POST:
            return failure(Code.METHOD_NOT_ALLOWED, "Only POST is allowed.")
        return self._blockwise.answer(request, lambda body: self._take(path[0], request, body))

    def _take(self, name: str, request: Message, body: bytes) -> Message:
        visitor = sender(request.remote.sockaddr, request.remote.pktinfo, self._interface)
        try:
            said = _port(request.opt.uri_query)
            token = _token(request.opt.uri_query)
            if not token:
                token, body = proof(body)
            if name == SERVER:
                refusal = self._visited.posted(visitor, said, posted(body), token)
            else:
                told = announcement(body, visitor.host, reset=name == RESET)
                refusal = self._visited.announced(visitor, said, told, token)
        except InvalidInput as exc:
            self._log.warning("Refusing a post to /%s from %s: %s", name, visitor.host, exc)
            return failure(Code.BAD_REQUEST, exc.reason)
        if refusal is not None:
            later = refusal.code == "not_ready"
            code = Code.SERVICE_UNAVAILABLE if later else Code.UNAUTHORIZED
            return failure(code, str(refusal))
        return Message(code=Code.CHANGED, payload=b"Received '" + body + b"'")


def _port(query: tuple[str, ...]) -> int | None:
    """The port in ``?port=5690``, if there is any."""
    for item in query:
        name, _, value = item.partition("=")
        if name == "port":
            if not (value.isascii() and value.isdecimal() and 0 < int(value[:6]) < 65_536):
                raise InvalidValue("A port must be a number from 1 to 65535.")
            return int(value)
    return None


def _token(query: tuple[str, ...]) -> str:
    """The device token in ``?token=T``; one too long for an option comes in several, in order."""
    return "".join(item[len(TOKEN) :] for item in query if item.startswith(TOKEN))
