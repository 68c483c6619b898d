# SPDX-License-Identifier: BSD-3-Clause
"""What whoever asks a simulated CoAP node gets (WIRE.md section 4)."""

import logging
from collections.abc import Callable
from typing import Final

from aiocoap.message import Message
from aiocoap.numbers.codes import Code

from pyaiot.errors import InvalidValue
from pyaiot.gateway.coap.blockwise import Blockwise, failure
from pyaiot.gateway.coap.links import WELL_KNOWN
from pyaiot.simulate.things import RESOURCES, Thing

logger = logging.getLogger(__name__)

_SHORT: Final = 64
"""Bytes that the answer to a PUT may repeat of the new value."""

_TEXT: Final = 0
_LINK_FORMAT: Final = 40


class CoapServer:
    """The resources of a `Thing` as CoAP has them."""

    def __init__(
        self, thing: Thing, clock: Callable[[], float], changed: Callable[[str], None]
    ) -> None:
        """`changed` is told of each resource that was set."""
        self._thing = thing
        self._blockwise = Blockwise(clock)
        self._changed = changed

    def answer(self, request: Message) -> Message:
        """The response to any request."""
        path = request.opt.uri_path
        name = "/".join(path)
        logger.debug("%s /%s from %s", request.code, name, request.remote.hostinfo)
        if path != WELL_KNOWN and name not in self._thing.values:
            return failure(Code.NOT_FOUND, f"No resource '{name}'.")
        if request.code is Code.GET:
            return self._blockwise.answer(request, lambda _: self._get(name, path))
        if request.code in {Code.PUT, Code.POST} and path != WELL_KNOWN:
            return self._blockwise.answer(request, lambda body: self._put(name, body))
        return failure(Code.METHOD_NOT_ALLOWED, "Not allowed.")

    def _get(self, name: str, path: tuple[str, ...]) -> Message:
        if path != WELL_KNOWN:
            value = self._thing.values[name]
            return Message(code=Code.CONTENT, payload=value.encode(), content_format=_TEXT)
        links = ",".join(f"</{each}>;ct={_TEXT}" for each in self._thing.values)
        return Message(code=Code.CONTENT, payload=links.encode(), content_format=_LINK_FORMAT)

    def _put(self, name: str, body: bytes) -> Message:
        if RESOURCES[name].accepts is None:
            return failure(Code.METHOD_NOT_ALLOWED, f"Resource '{name}' is read-only.")
        try:
            self._thing.put(name, body.decode())
        except (InvalidValue, UnicodeDecodeError) as exc:
            return failure(Code.BAD_REQUEST, str(exc))
        logger.debug("set %s to %s", name, self._thing.values[name])
        self._changed(name)
        told = f"{name}:{self._thing.values[name]}".encode()
        return Message(code=Code.CHANGED, payload=told if len(told) <= _SHORT else b"")
