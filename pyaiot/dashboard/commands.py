# SPDX-License-Identifier: BSD-3-Clause
"""Commands that were given by the REST API, until somebody has seen how they ended."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from pyaiot.dashboard.api.forms import CommandState
from pyaiot.dashboard.live import BrokerUnreachable, Live
from pyaiot.errors import QueueFull
from pyaiot.messages.types import Result, Status, Target

KEPT: Final = 2000
"""Commands that are remembered; those that ended make room first."""
BYTES: Final = 16 << 20
"""Characters of all that they set."""
OF_ONE: Final = 64
"""Commands of one asker that may be under way."""
GRACE: Final = 2.0
"""Seconds beyond a command's time in which its result may still come."""


@dataclass(slots=True)
class _Order:
    state: CommandState
    asker: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Commands:
    """Commands by their ids, in the order in which they were given."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._orders: OrderedDict[str, _Order] = OrderedDict()
        self._size = 0

    def get(self, identity: str) -> tuple[CommandState, str] | None:
        """How it stands with a command, and who gave it."""
        order = self._orders.get(identity)
        return None if order is None else (order.state, order.asker)

    def begin(self, target: Target, identity: str, asker: str, now: float) -> CommandState:
        """Remember a command that is about to be sent. Raises QueueFull."""
        mine = sum(
            1 for each in self._orders.values() if each.asker == asker and not each.ended.is_set()
        )
        if mine >= OF_ONE:
            raise QueueFull(f"{OF_ONE} commands of yours are under way; wait for one of them.")
        self._make_room(len(target.text))
        state = CommandState(identity, target.uid, target.endpoint, target.text, now, None)
        self._orders[identity] = _Order(state, asker)
        return state

    async def carry_out(self, target: Target, identity: str, patience: float) -> CommandState:
        """Send the command that was begun, and wait for its end. Raises BrokerUnreachable."""
        order = self._orders[identity]
        try:
            with self._live.awaiting(identity, self._noting(order)):
                await self._live.command(target, identity, patience)
                async with asyncio.timeout(patience + GRACE):
                    await order.ended.wait()
        except TimeoutError:
            self._note(order, Result(identity, Status.TIMEOUT, "There was no result in time."))
        except BrokerUnreachable as exc:
            self._note(order, Result(identity, Status.FAILED, exc.reason))
            raise
        return order.state

    def _noting(self, order: _Order) -> Callable[[Result], None]:
        return lambda result: self._note(order, result)

    def _note(self, order: _Order, result: Result) -> None:
        order.state = structs.replace(order.state, status=result.status, reason=result.reason)
        if result.status is not Status.QUEUED:
            order.ended.set()

    def _make_room(self, size: int) -> None:
        """Remember fewer, so that there is room for one more of that `size`."""
        while len(self._orders) >= KEPT or self._size + size > BYTES:
            done = next((key for key, each in self._orders.items() if each.ended.is_set()), None)
            if done is None:
                raise QueueFull("Too many commands are under way.")
            self._size -= len(self._orders.pop(done).state.payload)
        self._size += size
