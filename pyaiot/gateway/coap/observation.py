# SPDX-License-Identifier: BSD-3-Clause
"""One resource of one node that tells of its changes (RFC 7641)."""

import asyncio
import logging
from collections.abc import Callable
from random import Random
from typing import Final

from aiocoap.message import Message

from pyaiot.errors import CommandFailed, CommandTimeout
from pyaiot.gateway.coap.client import Path
from pyaiot.gateway.coap.freshness import Sequence, patience
from pyaiot.gateway.coap.node import Node
from pyaiot.gateway.coap.transport import Remote, Transport, Unreachable

_log = logging.getLogger(__name__)

REFUSED: Final = 60.0
"""Seconds until a node that refused is asked again; twice as long each time."""
REFUSED_MAX: Final = 3600.0

Report = Callable[[bytes], None]
"""Is given each value that the resource has."""


class Observation:
    """Asks to be told of changes, again and again.

    It asks when the node was silent for too long, when it rebooted or moved, and when it is heard
    after it did not answer.
    """

    def __init__(
        self, node: Node, path: Path, report: Report, transport: Transport, random: Random
    ) -> None:
        """Nothing is asked before `run`."""
        self._node = node
        self._path = path
        self._report = report
        self._transport = transport
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._registered: tuple[Remote, bytes] | None = None
        self._asking = True
        self._failed = False
        self._refusals = 0
        self._not_before = 0.0
        self._asked: asyncio.Future[None] = self._loop.create_future()
        self._stirred = asyncio.Event()
        """Set for a notification, and for a reason to ask again."""
        self._renewed = False
        self._sequence: Sequence | None = None
        self._notice: Message | None = None
        self._overdue = 0.0

    def renew(self) -> None:
        """Ask again now: what was arranged with the node holds no more."""
        self._renewed = True
        self._stirred.set()

    def heard(self) -> None:
        """The node is there; ask again if it did not answer when last asked.

        If it answered, but with an error or more than may be, it is asked ever more rarely.
        """
        if self._failed and self._loop.time() >= self._not_before:
            self.renew()

    async def read(self) -> None:
        """Ask now, and return when the value was reported.

        Raises CommandFailed when the node does not answer with one.
        """
        if not self._asking:
            self.renew()
        await asyncio.shield(self._asked)

    async def run(self) -> None:
        """Observe until cancelled, or until the node says that this cannot be observed."""
        try:
            while True:
                self._asking, self._renewed = True, False
                try:
                    observed = await self._ask()
                except CommandFailed as exc:
                    self._put_off(exc)
                    self._settle(exc)
                    await self._until_heard()
                    continue
                self._refusals = 0
                self._settle(None)
                if not observed:
                    return
                await self._follow()
        finally:
            self._asking = True  # whoever still calls `read` is told at once
            _fail(self._asked, CommandFailed("The node is observed no more."))
            self._forget()

    async def _ask(self) -> bool:
        """Register, and report the first value; whether others will follow."""
        remote = await self._node.remote()
        if self._registered is not None and self._registered[0] != remote:
            self._forget()
        if self._registered is None:
            self._registered = (remote, self._transport.new_token(remote))
        _, token = self._registered
        self._sequence = self._notice = None
        self._stirred.clear()
        first = await self._node.observe(remote, self._path, token, self._notified)
        number = first.opt.observe
        if number is not None:
            self._sequence = Sequence(number, self._loop.time())
        await self._take(remote, first)
        return number is not None

    def _put_off(self, failure: CommandFailed) -> None:
        self._not_before = self._loop.time()
        if not isinstance(failure, CommandTimeout | Unreachable):
            self._forget()
            self._not_before += min(REFUSED * 2.0**self._refusals, REFUSED_MAX)
            self._refusals = min(self._refusals + 1, 16)

    async def _until_heard(self) -> None:
        self._failed = True
        while not self._renewed:
            self._stirred.clear()
            await self._stirred.wait()
        self._failed = False

    async def _follow(self) -> None:
        """Report what the node notifies, until there is a reason to ask again."""
        while not self._renewed:
            try:
                async with asyncio.timeout(self._overdue):
                    await self._stirred.wait()
            except TimeoutError:
                return
            self._stirred.clear()
            notice, self._notice = self._notice, None
            if notice is not None and self._registered is not None:
                try:
                    await self._take(self._registered[0], notice)
                except CommandFailed as exc:
                    _log.debug("%s of %s: %s", "/".join(self._path), self._node.peer.address, exc)

    async def _take(self, remote: Remote, message: Message) -> None:
        self._overdue = patience(message.opt.max_age, self._random.random())
        self._report(await self._node.whole(remote, self._path, message))

    def _notified(self, message: Message) -> None:
        number = message.opt.observe
        # Without a number it is the last one: the node ends the observation.
        if number is None or (
            self._sequence is not None and self._sequence.admits(number, self._loop.time())
        ):
            self._notice = message
            self._stirred.set()

    def _settle(self, failure: CommandFailed | None) -> None:
        """Tell those who wait in `read`."""
        self._asking = False
        asked, self._asked = self._asked, self._loop.create_future()
        if failure is None:
            asked.set_result(None)
        else:
            _fail(asked, failure)

    def _forget(self) -> None:
        if self._registered is not None:
            self._transport.forget(*self._registered)
            self._registered = None


def _fail(asked: asyncio.Future[None], failure: CommandFailed) -> None:
    asked.set_exception(failure)
    asked.exception()  # it is no fault that nobody waits for it
