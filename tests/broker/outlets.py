# SPDX-License-Identifier: BSD-3-Clause
"""An event loop that turns when it is told to, and sockets that take what they are told to."""

import json
from collections.abc import Callable
from typing import Any

from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from pyaiot.errors import PyaiotError


class Call:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """Calls back in `turn` what is due."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[Call] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], None]) -> Call:
        return self.call_later(0.0, callback)

    def call_later(self, delay: float, callback: Callable[[], None]) -> Call:
        call = Call(self.now + delay, callback)
        self.calls.append(call)
        return call

    def turn(self) -> None:
        """One turn of the loop."""
        due = [call for call in self.calls if call.when <= self.now]
        self.calls = [call for call in self.calls if call not in due]
        for call in due:
            if not call.cancelled:
                call.callback()

    def settle(self) -> None:
        """Turn until nothing is to come."""
        while self.calls:
            self.now = max(self.now, min(call.when for call in self.calls))
            self.turn()


class Outlet:
    """A socket that takes everything, or only so much before it pauses its writer."""

    def __init__(self, room: int | None = None) -> None:
        self.room = room
        self.taken = 0
        self.writes: list[bytes] = []
        self.ended: PyaiotError | None = None
        self.on_pause: Callable[[], None] = lambda: None
        self.on_write: Callable[[bytes], None] = lambda _: None
        self._client = ClientProtocol(parse_uri("ws://localhost"), state=OPEN, max_size=None)

    def write(self, data: bytes) -> None:
        assert self.ended is None, "written to after its end"
        self.on_write(data)
        self.writes.append(data)
        self.taken += len(data)
        if self.room is not None and self.taken > self.room:
            self.on_pause()

    def end(self, error: PyaiotError) -> None:
        assert self.ended is None
        self.ended = error

    def frames(self) -> list[Any]:
        """What was written since the last time."""
        for data in self.writes:
            self._client.receive_data(data)
        self.writes = []
        assert self._client.parser_exc is None
        frames = self._client.events_received()
        return [json.loads(bytes(each.data)) for each in frames if isinstance(each, Frame)]

    def messages(self) -> list[dict[str, Any]]:
        """The same, arrays taken apart."""
        messages: list[dict[str, Any]] = []
        for frame in self.frames():
            messages += frame if isinstance(frame, list) else [frame]
        return messages
