# SPDX-License-Identifier: BSD-3-Clause
"""Answers to requests whose bodies come in blocks, or whose responses must (RFC 7959)."""

from collections.abc import Callable
from typing import Any

from aiocoap.message import Message
from aiocoap.numbers.codes import Code

from pyaiot.errors import InvalidValue, MessageTooLarge
from pyaiot.gateway.coap.blocks import MAX_BODY, MAX_EXPONENT, Block, Bodies, Progress, cut


class Blockwise:
    """The bodies that are on their way to and from a server."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only ever go forward."""
        self._clock = clock
        self._coming = Bodies()
        self._going = Bodies()

    def answer(self, request: Message, respond: Callable[[bytes], Message]) -> Message:
        """The response to `request`, for whose whole body `respond` is called."""
        try:
            return self._answer(request, respond)
        except MessageTooLarge as exc:
            return failure(Code.REQUEST_ENTITY_TOO_LARGE, exc.reason, size1=MAX_BODY)
        except InvalidValue as exc:
            return failure(Code.BAD_REQUEST, exc.reason)

    def _answer(self, request: Message, respond: Callable[[bytes], Message]) -> Message:
        host = request.remote.sockaddr[0]
        key = (request.remote.sockaddr, request.code, request.opt.uri_path, request.opt.uri_query)
        sent, wanted = block_of(request.opt.block1), block_of(request.opt.block2)
        body: bytes | Progress = request.payload
        if sent is not None:
            body = self._coming.add(host, key, sent, request.payload, self._clock())
        elif wanted is not None and wanted.number > 0:
            kept = self._going.get(host, key, self._clock())
            if kept is not None:
                return _part(_empty(request), kept, wanted)
            # A value can be had anew; what came of a post cannot.
            body = body if request.code is Code.GET else Progress.INCOMPLETE
        if body is Progress.MORE:
            return Message(code=Code.CONTINUE, block1=sent)
        if body is Progress.INCOMPLETE:
            return failure(Code.REQUEST_ENTITY_INCOMPLETE, "Earlier blocks are missing.")
        response = respond(body)
        response.opt.block1 = sent
        limit = Block(0, more=False, exponent=min(_exponent(sent), _exponent(wanted)))
        if wanted is None and len(response.payload) <= limit.size:
            return response
        self._going.put(host, key, response.payload, self._clock())
        return _part(response, response.payload, wanted or limit)


def failure(code: Code, reason: str, *, size1: int | None = None) -> Message:
    """A response that says what was wrong (RFC 7252 section 5.5.2)."""
    return Message(code=code, payload=reason.encode(), size1=size1)


def block_of(option: Any) -> Block | None:
    """The block in an option of aiocoap's."""
    return None if option is None else Block(*option)


def _part(response: Message, body: bytes, wanted: Block) -> Message:
    response.opt.block2, response.payload = cut(body, wanted)
    return response


def _empty(request: Message) -> Message:
    return Message(code=Code.CONTENT if request.code is Code.GET else Code.CHANGED)


def _exponent(block: Block | None) -> int:
    return MAX_EXPONENT if block is None else block.exponent
