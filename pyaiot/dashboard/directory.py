# SPDX-License-Identifier: BSD-3-Clause
"""Tells the broker who may do what, and takes in who asks to be let in."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec

from pyaiot.dashboard.roll import News, Roll
from pyaiot.errors import StoreFailed
from pyaiot.link.client import Link
from pyaiot.messages.types import (
    Access,
    Alert,
    Device,
    Devices,
    Feature,
    ForService,
    Message,
    NodeAccess,
    Pending,
    People,
    Person,
)
from pyaiot.store.versions import Changed

PART: Final = 65_536
"""Bytes of one message of a list."""
ALERTS: Final = 1000
"""Alerts that wait for a broker that is away; the newest are kept."""
WAITING: Final = 1000
"""Nodes that ask to be let in and are not in the store yet."""
RETRY: Final = 1.0
"""Seconds until a store that failed is asked again."""

_log = logging.getLogger(__name__)


class Book(Protocol):
    """What is asked of the store."""

    async def version(self) -> int:
        """Grows with each change of what follows. Raises StoreFailed."""

    async def newer(self, known: int) -> int:
        """The version, once it is another than `known`. Raises StoreFailed."""

    async def changed_since(self, known: int) -> Changed | None:
        """What is another than with the version `known`; None: all of it. Raises StoreFailed."""

    async def people(self, ids: Collection[str] | None = None) -> Sequence[Person]:
        """All accounts, or those with one of `ids`. Raises StoreFailed."""

    async def access(self, uids: Collection[str] | None = None) -> Sequence[NodeAccess]:
        """Who may do what with which node, all or one of `uids`. Raises StoreFailed."""

    async def devices(self, uids: Collection[str] | None = None) -> Sequence[Device]:
        """Who may be which node, any or one of `uids`; those that were forgotten are gone.

        Raises StoreFailed.
        """

    async def ask(self, pending: Pending) -> None:
        """Remember that a node waits for somebody's approval. Raises StoreFailed."""


class Directory:
    """A link's peer (`pyaiot.link.conversation.Peer`): the one who knows who may do what."""

    def __init__(self, book: Book, roll: Roll) -> None:
        self._book = book
        self._roll = roll
        self._version = -1
        self._lock = asyncio.Lock()
        self._wake: Callable[[], None] = lambda: None
        self._connected = False
        self._outbox: deque[Message] = deque()
        self._alerts: deque[Alert] = deque(maxlen=ALERTS)
        self._waiting: OrderedDict[str, Pending] = OrderedDict()
        self._asked = asyncio.Event()
        self.turned_away = 0
        """How many times a node that waits could not be remembered."""
        self.well = True
        """Whether the store answered when it was last asked."""

    @property
    def connected_to_broker(self) -> bool:
        """Whether the broker is there."""
        return self._connected

    async def changed(self) -> None:
        """Something about people, access or devices is another: read it, and tell the broker.

        Raises StoreFailed.
        """
        async with self._lock:
            version = await self._book.version()
            if version == self._version:
                return
            news = await self._read()
            # What changes while it is read has a newer version still, and is read again.
            self._version = version
        self._tell(news)

    def alert(self, alert: Alert) -> None:
        """Have the broker tell of an alert."""
        self._alerts.append(alert)
        self._wake()

    async def run(self, link: Link[ForService] | None) -> None:
        """Be there for the broker, if there is a way to it, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if link is not None:
                self._wake = link.wake
                tasks.create_task(link.run(self))
            tasks.create_task(self._follow())
            tasks.create_task(self._remember())

    # As a link's peer

    def connected(self, granted: frozenset[Feature]) -> None:
        """Tell everything there is, in parts."""
        del granted
        self._connected = True
        self._outbox.clear()
        roll = self._roll
        self._outbox += _whole(People, roll.people.values())
        # Before it is said whose nodes are: those that were forgotten are to be gone by then.
        self._outbox += _whole(Devices, roll.devices.values())
        self._outbox += _whole(Access, roll.nodes.values())
        self._wake()

    def disconnected(self, *, refused: bool) -> None:
        """What was on its way is told anew with everything else."""
        del refused
        self._connected = False
        self._outbox.clear()

    def received(self, message: ForService) -> None:
        """Somebody asks to be let in."""
        if isinstance(message, Pending):
            self._waiting[message.uid] = message
            self._waiting.move_to_end(message.uid)
            if len(self._waiting) > WAITING:
                # It asks again before long.
                self._waiting.popitem(last=False)
                self.turned_away += 1
            self._asked.set()

    def take(self, limit: int) -> Sequence[Message]:
        """The next messages; lists come before alerts, which say who is to see them."""
        taken: list[Message] = []
        while len(taken) < limit and self._outbox:
            taken.append(self._outbox.popleft())
        while len(taken) < limit and self._alerts:
            taken.append(self._alerts.popleft())
        return taken

    def confirmed(self, number: int) -> None:
        """Everything is told anew on the next connection."""

    # Inside

    async def _read(self) -> News:
        """Read what is another: with thousands of nodes that is far less than all there is."""
        book, roll = self._book, self._roll
        changed = None if self._version < 0 else await book.changed_since(self._version)
        if changed is None:
            return roll.take(await book.people(), await book.access(), await book.devices())
        people = await book.people(changed.people) if changed.people else ()
        access = await book.access(changed.nodes) if changed.nodes else ()
        devices = await book.devices(changed.nodes) if changed.nodes else ()
        return roll.update(changed.people, people, changed.nodes, access, devices)

    def _tell(self, news: News) -> None:
        if self._connected and news:
            self._outbox += _parts(People, news.people)
            self._outbox += _parts(Devices, news.devices)
            self._outbox += _parts(Access, news.nodes)
            self._wake()

    async def _follow(self) -> None:
        """Hear of changes, whoever made them."""
        while True:
            try:
                if not self.well:
                    # It answers again, though perhaps nothing is another.
                    await self.changed()
                    self.well = True
                await self._book.newer(self._version)
                await self.changed()
            except StoreFailed as exc:
                if self.well:
                    _log.warning("The store cannot be asked who may do what, retrying: %s", exc)
                self.well = False
                await asyncio.sleep(RETRY)

    async def _remember(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            while self._waiting:
                _, pending = self._waiting.popitem(last=False)
                try:
                    await self._book.ask(pending)
                except StoreFailed as exc:
                    self.turned_away += 1
                    _log.warning("A node that waits cannot be remembered: %s", exc)
                    await asyncio.sleep(RETRY)


def _whole(kind: Any, items: Iterable[Any]) -> list[Message]:
    """A whole list, in parts of which the first begins a new one."""
    parts = _cut(items) or [()]
    last = len(parts) - 1
    return [
        kind(part, number, last=number == last, whole=True) for number, part in enumerate(parts)
    ]


def _parts(kind: Any, items: Iterable[Any]) -> list[Message]:
    return [kind(part) for part in _cut(items)]


def _cut(items: Iterable[Any]) -> list[tuple[Any, ...]]:
    parts: list[tuple[Any, ...]] = []
    part: list[Any] = []
    size = 0
    for item in items:
        length = len(msgspec.json.encode(item))
        if part and size + length > PART:
            parts.append(tuple(part))
            part, size = [], 0
        part.append(item)
        size += length
    return [*parts, tuple(part)] if part else parts
