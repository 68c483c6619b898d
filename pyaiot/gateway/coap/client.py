# SPDX-License-Identifier: BSD-3-Clause
"""What is asked of CoAP servers: GET, PUT, POST and observing, bodies of any allowed length."""

import asyncio
import logging
from typing import Final

from aiocoap.message import Message
from aiocoap.numbers.codes import Code

from pyaiot.errors import CommandFailed, CommandTimeout, InvalidInput
from pyaiot.gateway.coap.blocks import MAX_EXPONENT, Block, Download, Upload, upload_exponent
from pyaiot.gateway.coap.blockwise import block_of
from pyaiot.gateway.coap.payload import diagnostic
from pyaiot.gateway.coap.transport import TOKEN_LENGTH, Notify, Remote, Transport, Tuning

_log = logging.getLogger(__name__)

Path = tuple[str, ...]

PATIENCE: Final = 20.0
"""Seconds for one answer: time for four transmissions of the request."""

MAX_PLAIN: Final = 1024
"""Bytes that a node which knows no blocks is sent in one message."""

_SET: Final = frozenset({Code.CHANGED, Code.CONTENT, Code.CREATED})
_REGISTER: Final = 0


class Client:
    """Requests over one transport.

    All raise CommandFailed when the node refuses, CommandTimeout when it does not answer and
    Unreachable when it cannot.
    """

    def __init__(self, transport: Transport, patience: float = PATIENCE) -> None:
        """`patience` is how many seconds one answer may take."""
        self._transport = transport
        self._patience = patience

    async def ask(self, remote: Remote, path: Path) -> Message:
        """The first response to a GET, whatever it says."""
        return await self._ask(_request(Code.GET, remote, path))

    async def observe(self, remote: Remote, path: Path, token: bytes, notify: Notify) -> Message:
        """The first response to an observing GET; the node goes on by calling `notify`."""
        request = _request(Code.GET, remote, path)
        request.opt.observe = _REGISTER
        return await self._ask(request, token, notify)

    async def whole(self, remote: Remote, path: Path, response: Message) -> bytes:
        """The body of which `response` is the first block, or all."""
        download = Download()
        while True:
            if response.code is not Code.CONTENT:
                raise CommandFailed(reason_of(response))
            try:
                wanted = download.add(
                    block_of(response.opt.block2), response.payload, response.opt.etag
                )
            except InvalidInput as exc:
                raise CommandFailed(exc.reason) from exc
            if wanted is None:
                return download.body
            request = _request(Code.GET, remote, path)
            request.opt.block2 = wanted
            response = await self._ask(request)

    async def put(self, remote: Remote, path: Path, body: bytes) -> bytes:
        """Set a resource; what the node answers to that."""
        request = _request(Code.PUT, remote, path)
        overhead = 4 + TOKEN_LENGTH + len(request.opt.encode())
        exponent = upload_exponent(overhead, len(body))
        if exponent is None:
            response = await self._send(Code.PUT, remote, path, body)
        else:
            response = await self._send_blocks(Code.PUT, remote, path, Upload(body, exponent))
            if response.code is Code.BAD_OPTION and len(body) <= MAX_PLAIN:
                response = await self._send(Code.PUT, remote, path, body)
        if response.code not in _SET:
            raise CommandFailed(reason_of(response))
        return bytes(response.payload)

    async def post(self, remote: Remote, path: Path, body: bytes) -> None:
        """Post to a server that is no constrained node."""
        if len(body) <= MAX_PLAIN:
            response = await self._send(Code.POST, remote, path, body)
        else:
            upload = Upload(body, MAX_EXPONENT)
            response = await self._send_blocks(Code.POST, remote, path, upload)
        if response.code not in _SET:
            raise CommandFailed(reason_of(response))

    async def _send_blocks(self, code: Code, remote: Remote, path: Path, upload: Upload) -> Message:
        while True:
            block, part = upload.next()
            response = await self._send(code, remote, path, part, block)
            answer = block_of(response.opt.block1)
            if response.code is Code.REQUEST_ENTITY_TOO_LARGE and upload.refused(answer):
                continue
            if not response.code.is_successful():
                return response
            if answer is None and block.more:
                raise CommandFailed("Values as long as this are not taken.")
            try:
                more = upload.acknowledged(answer)
            except InvalidInput as exc:
                raise CommandFailed(exc.reason) from exc
            if not more:
                return response

    async def _send(
        self, code: Code, remote: Remote, path: Path, body: bytes, block: Block | None = None
    ) -> Message:
        request = _request(code, remote, path)
        request.payload = body
        request.opt.block1 = block
        return await self._ask(request)

    async def _ask(
        self, request: Message, token: bytes | None = None, notify: Notify | None = None
    ) -> Message:
        try:
            async with asyncio.timeout(self._patience):
                response = await self._transport.request(request, token=token, notify=notify)
        except TimeoutError:
            raise CommandTimeout("The node does not answer.") from None
        if _log.isEnabledFor(logging.DEBUG):
            path = "/".join(request.opt.uri_path)
            _log.debug(
                "%s /%s at %s: %s", request.code, path, request.remote.hostinfo, response.code
            )
        return response


def reason_of(response: Message) -> str:
    """What a node says when it does not do what it was asked."""
    said = diagnostic(response.payload) if not response.code.is_successful() else ""
    return f"{response.code}: {said}" if said else f"{response.code}."


def _request(code: Code, remote: Remote, path: Path) -> Message:
    request = Message(code=code, transport_tuning=Tuning())
    request.remote = remote
    request.opt.uri_path = path
    return request
