# SPDX-License-Identifier: BSD-3-Clause
"""Live values as server-sent events (HTML Living Standard, section 9.2)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack
from typing import Final

import msgspec

from pyaiot.accounts.permissions import permissions_on
from pyaiot.dashboard.api.call import Call, Identity
from pyaiot.dashboard.api.described import seen
from pyaiot.dashboard.api.endpoint import Endpoint, Who
from pyaiot.dashboard.api.forms import EventsWanted
from pyaiot.dashboard.feed import Feed, told
from pyaiot.link.mirror import Change, Event, Mirror
from pyaiot.model.access import Permission
from pyaiot.model.node import Twin

HEARTBEAT: Final = 15.0
"""Seconds without news after which a sign of life is sent."""
LOOK: Final = 1.0
"""Seconds after which it is looked whether the session still holds."""
PIECE: Final = 100
"""Events, and at the beginning nodes, that are sent as one piece."""

_NAMES: Final = {Event.UPDATE: "reading", Event.NEW: "node", Event.AVAILABILITY: "node"}


class _Sight:
    """What a reader may see, as things are now."""

    def __init__(self, call: Call[EventsWanted, None]) -> None:
        self._call = call
        self._edition = -1
        self._identity: Identity | None = None
        self._known: dict[str, bool] = {}

    def look(self) -> bool:
        """Whether the reader may go on reading; what they may see is looked at anew if need be."""
        self._identity = self._call.renewed()
        if self._edition != self._call.services.roll.edition:
            self._edition = self._call.services.roll.edition
            self._known.clear()
        return self._identity is not None

    def sees(self, uid: str) -> bool:
        if self._edition != self._call.services.roll.edition and not self.look():
            return False
        if self._identity is None:
            return False
        seen = self._known.get(uid)
        if seen is None:
            node = self._call.services.roll.node(uid)
            allowed = permissions_on(node, self._identity.who, self._identity.rules)
            seen = self._known[uid] = Permission.VIEW in allowed
        return seen

    def wants(self, change: Change) -> bool:
        """Whether a change is told."""
        query = self._call.query
        if query.node is not None and change.uid != query.node:
            return False
        if query.resource is not None and (
            change.reading is None or change.reading.endpoint != query.resource
        ):
            return False
        return self.sees(change.uid)


async def events(call: Call[EventsWanted, None]) -> AsyncGenerator[bytes, None]:
    if call.query.node is not None:
        await seen(call, call.query.node)
    call.headers["Content-Type"] = "text/event-stream"
    # nginx keeps answers together, unless it is told not to.
    call.headers["X-Accel-Buffering"] = "no"
    return _pieces(call)


async def _pieces(call: Call[EventsWanted, None]) -> AsyncGenerator[bytes, None]:
    sight, awake = _Sight(call), asyncio.Event()
    sight.look()
    feed = Feed(sight.wants, awake.set)
    live = call.services.live
    with ExitStack() as reading:
        reading.enter_context(call.services.readers.reading(call.who.id, call.asker.address))
        reading.enter_context(live.listening(feed.put))
        yield b"retry: 2000\n\n"
        async for piece in _all(live.mirror, sight):
            yield piece
        quiet = 0.0
        while sight.look():
            if feed.overrun:
                feed.begin()
                yield b"event: again\ndata: {}\n\n"
                async for piece in _all(live.mirror, sight):
                    yield piece
                continue
            awake.clear()
            # What was taken from the reader meanwhile is not told.
            piece = b"".join(_event(each) for each in feed.take(PIECE) if sight.sees(each.uid))
            if piece:
                quiet = 0.0
                yield piece
            elif not len(feed):
                quiet = 0.0 if await _woken(awake) else quiet + LOOK
                if quiet >= HEARTBEAT:
                    quiet = 0.0
                    yield b":\n\n"


async def _all(mirror: Mirror, sight: _Sight) -> AsyncIterator[bytes]:
    """Everything as it is, while it changes."""
    uids = sorted(mirror.nodes)
    for start in range(0, len(uids), PIECE):
        if not sight.look():
            return
        some = (mirror.nodes.get(uid) for uid in uids[start : start + PIECE])
        piece = b"".join(_state(twin, sight) for twin in some if twin is not None)
        if piece:
            yield piece
        # There may be very many nodes of which the reader sees none.
        await asyncio.sleep(0)


async def _woken(awake: asyncio.Event) -> bool:
    """Wait for news, and no longer than it takes to look again; whether there are any."""
    try:
        async with asyncio.timeout(LOOK):
            return await awake.wait()
    except TimeoutError:
        return False


def _state(twin: Twin, sight: _Sight) -> bytes:
    """All that is known of a node."""
    first = Change(Event.NEW, twin.uid, twin.seen, availability=twin.availability)
    changes = [first]
    changes += [Change(Event.UPDATE, twin.uid, each.time, reading=each) for each in twin]
    return b"".join(_event(each) for each in changes if sight.wants(each))


def _event(change: Change) -> bytes:
    name = _NAMES.get(change.event, change.event.value)
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(told(change)))


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/events", Who.VISITOR, events,
        "Live values: events `reading`, `node`, `reset` and `out`; first everything as it is, and"
        " after `again`, for a reader who was too slow, once more",
        query=EventsWanted, stream=("text/event-stream",), problems=(404, 503),
    ),
)  # fmt: skip
