# SPDX-License-Identifier: BSD-3-Clause
"""What is still to be sent to one client, in as little memory as it takes.

A client that keeps up shares the bytes of all others like it and needs nothing here. One that
does not, or has just come, gets in this order: what is for it alone; what happened before it asked
for everything; everything; what happened since; the newest values of what changed since. The last
needs one number, whatever the client missed.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final, Protocol, Self

from pyaiot.broker.frames import framed
from pyaiot.errors import PyaiotError

CHUNK: Final = 32_768
"""About how many bytes are given to a socket at once."""
HELD: Final = 4_194_304
"""Bytes of messages that nobody may miss and a client has not read, at which it is sent away.

The messages themselves are shared by all such clients; what each costs is a reference."""


class About(bytes):
    """An encoded message, and the node that it is about."""

    uid: str

    def __new__(cls, wire: bytes, uid: str) -> Self:
        about = super().__new__(cls, wire)
        about.uid = uid
        return about


class Changes(Protocol):
    """What counts the changes."""

    seq: int
    """The number of the newest."""


class Source(Protocol):
    """Where the newest values are."""

    @property
    def journal(self) -> Changes:
        """The same object for as long as this is."""

    def changes(
        self, since: int, *, aware: bool, sees: Callable[[Any], bool]
    ) -> Iterator[tuple[int, bytes]]:
        """The newest values that changed after number `since`: their numbers and bytes."""


class Outlet(Protocol):
    """A client's connection, as far as it is written to."""

    def write(self, data: bytes) -> None:
        """Send whole frames; what the socket does not take at once is kept by the transport."""

    def end(self, error: PyaiotError) -> None:
        """Close the connection for this reason."""


class Lane:
    """The way to one client."""

    __slots__ = (
        "_backlog",
        "_before",
        "_held",
        "_replies",
        "_size",
        "aware",
        "batch",
        "dismissed",
        "joined",
        "live",
        "outlet",
        "sees",
        "since",
        "writable",
    )

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.aware = False
        self.batch = False
        self.sees: Callable[[Any], bool] = _nothing
        """Which nodes are there for the client."""
        self.joined = False
        """Whether the client is to be told what happens."""
        self.dismissed = False
        """Whether the client is being sent away."""
        self.live = False
        """Whether the client is up to date, and its socket takes more."""
        self.writable = True
        """Whether the socket takes more."""
        self.since = 0
        """Which changes the client has seen already, while it is not live."""
        self._replies: list[bytes] = []
        self._before: list[bytes] = []
        self._backlog: Iterator[bytes] | None = None
        self._held: list[bytes] = []
        self._size = 0

    def reply(self, wire: bytes) -> bool:
        """Add something for this client alone; False when too much is waiting."""
        self._replies.append(wire)
        self._size += len(wire)
        return self._size <= HELD

    def hold(self, wires: list[bytes], size: int) -> bool:
        """Add `size` bytes of what nobody may miss; False when too much is waiting."""
        self._held += wires
        self._size += size
        return self._size <= HELD

    def restart(self, backlog: Iterator[bytes], since: int) -> None:
        """Send everything, as it was at change `since`, whatever was being sent before."""
        self._before += self._held
        self._held = []
        self._backlog = backlog
        self.since = since
        self.live = False

    def forget(self, uid: str) -> bool:
        """Send nothing of what waits and is about a node: the client may not see it any more.

        Whether there was anything.
        """
        before = self._size
        for waiting in (self._replies, self._before, self._held):
            kept = [wire for wire in waiting if type(wire) is not About or wire.uid != uid]
            if len(kept) < len(waiting):
                self._size -= sum(map(len, waiting)) - sum(map(len, kept))
                waiting[:] = kept
        return self._size < before

    @property
    def subjects(self) -> set[str]:
        """The nodes of which something waits that not everybody may know."""
        waiting = chain(self._replies, self._before, self._held)
        return {wire.uid for wire in waiting if isinstance(wire, About)}

    def chunk(self, source: Source) -> bytes | None:
        """The next frames to send; None when the client is up to date."""
        wires = self._taken(self._replies)
        if not wires and self.joined and not self.live:
            wires = self._missed(source)
        return framed(wires, batch=self.batch) if wires else None

    def _missed(self, source: Source) -> list[bytes]:
        wires = self._taken(self._before)
        if wires:
            return wires
        if self._backlog is not None:
            wires = _first(self._backlog)
            if wires:
                return wires
            self._backlog = None
        return self._taken(self._held) or self._changed(source)

    def _changed(self, source: Source) -> list[bytes]:
        wires: list[bytes] = []
        size = 0
        for seq, wire in source.changes(self.since, aware=self.aware, sees=self.sees):
            wires.append(wire)
            self.since = seq
            size += len(wire)
            if size >= CHUNK:
                break
        return wires

    def _taken(self, waiting: list[bytes]) -> list[bytes]:
        if not waiting:
            return []
        wires = _first(iter(waiting))
        del waiting[: len(wires)]
        self._size -= sum(map(len, wires))
        return wires


def _nothing(_: object) -> bool:
    return False


def _first(wires: Iterator[bytes]) -> list[bytes]:
    taken: list[bytes] = []
    size = 0
    for wire in wires:
        taken.append(wire)
        size += len(wire)
        if size >= CHUNK:
            break
    return taken
