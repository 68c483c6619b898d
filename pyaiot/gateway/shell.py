# SPDX-License-Identifier: BSD-3-Clause
"""The gateway at work: an adapter on one side, a link on the other, the core between them.

Here is no decision; whatever happens is told to the core with the time, and what the core answers
is carried out. All tasks belong to the group of `Gateway.run`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Final, Protocol

from pyaiot.errors import CommandFailed, CommandTimeout
from pyaiot.gateway.adapter import Adapter, Address, Refusal, Sighting, Written
from pyaiot.gateway.core import GatewayCore
from pyaiot.gateway.effects import (
    Begin,
    Discover,
    Disown,
    Effect,
    Expel,
    Note,
    Refuse,
    Resend,
    Send,
    Write,
)
from pyaiot.gateway.outbox import Outbox
from pyaiot.gateway.spool import Spool
from pyaiot.messages.types import Feature, ForGateway, Message, Stored
from pyaiot.model.moment import Moment
from pyaiot.model.value import Value

logger = logging.getLogger(__name__)

DISCOVERY_TIME: Final = 60.0
"""Seconds for one discovery."""

DISCOVERIES: Final = 200
"""Discoveries at once; a building that gets its power back does not drown its own network."""

_NEVER: Final = float("inf")


class Uplink(Protocol):
    """What a gateway needs of its link (`pyaiot.link.client`)."""

    async def run(self, peer: "Gateway") -> None:
        """Connect `peer` to the broker, again and again, until cancelled."""

    def wake(self) -> None:
        """There is something to send."""

    def restart(self, reason: str) -> None:
        """Make a new connection."""


class Gateway:
    """One gateway; to its adapter it is `Events`, to its link the peer."""

    def __init__(
        self,
        adapter: Adapter,
        uplink: Uplink,
        core: GatewayCore,
        spool: Spool,
        clock: Callable[[], Moment],
    ) -> None:
        self._adapter = adapter
        self._uplink = uplink
        self._core = core
        self._spool = spool
        self._outbox = Outbox(core.announcer, spool)
        self._clock = clock
        self._group: asyncio.TaskGroup | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = _NEVER
        self._discoveries = asyncio.Semaphore(DISCOVERIES)
        self._lost_before = 0
        self._refusal: Refusal | None = None

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled; `ready` is called once nodes can reach the adapter.

        Raises StartFailed when the adapter cannot start.
        """
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._set_timer()
                group.create_task(self._uplink.run(self))
                group.create_task(self._adapter.run(self, ready))
        except BaseExceptionGroup as broken:
            # Each of the two ends the other; what came first is what matters.
            raise _first(broken) from broken
        finally:
            self._group = None
            if self._timer is not None:
                self._timer.cancel()

    # What the adapter says

    def seen(self, address: Address, sighting: Sighting) -> Refusal | None:
        """A node is there, unless it may not be."""
        self._refusal = None
        self._carry_out(self._core.seen, address, sighting)
        return self._refusal

    def objection(self, sighting: Sighting) -> Refusal | None:
        """Why a node would be refused."""
        return self._core.objection(sighting)

    def report(
        self, address: Address, endpoint: str, value: Value, time: float | None = None
    ) -> None:
        """A resource has this value."""
        self._carry_out(self._core.report, address, endpoint, value, time)

    def lost(self, address: Address) -> None:
        """A node's connection ended."""
        self._carry_out(self._core.lost, address)

    # What the link says

    def connected(self, granted: frozenset[Feature]) -> None:
        """The broker is there."""
        lost = self._spool.dropped - self._lost_before
        if lost:
            logger.warning("%d readings were lost while the broker could not be reached", lost)
        self._lost_before = self._spool.dropped
        self._carry_out(self._core.joined, granted)

    def disconnected(self, *, refused: bool) -> None:
        """The broker is gone."""
        self._core.left(self._outbox.end(refused=refused))
        self._set_timer()

    def received(self, message: ForGateway) -> None:
        """The broker says `message`."""
        if isinstance(message, Stored):
            self._outbox.stored(message.through)
            return
        self._carry_out(self._core.received, message)

    def take(self, limit: int) -> Sequence[Message]:
        """What to send next."""
        return self._outbox.take(limit)

    def confirmed(self, number: int) -> None:
        """What was sent has arrived."""
        self._outbox.confirm(number)

    # What is to be done

    def _carry_out(self, decide: Callable[..., Iterable[Effect]], *facts: Any) -> None:
        """Tell the core what happened, and do what it says; nobody outside hears of a failure."""
        try:
            for effect in decide(*facts, self._clock()):
                self._do(effect)
            self._set_timer()
        except Exception:  # an adapter or link must survive a fault of ours: Events never raise
            logger.exception("Internal error in %s", decide.__name__)

    def _do(self, effect: Effect) -> None:
        match effect:
            case Send(message):
                self._send(message)
            case Begin() | Disown() | Resend():
                self._change_outbox(effect)
            case Discover():
                self._start(self._discover(effect))
            case Write():
                self._start(self._write(effect))
            case Refuse(refusal):
                self._refusal = refusal
            case Expel(address, refusal):
                self._adapter.expel(address, refusal)
            case Note(level, text):
                logger.log(level, "%s", text)

    def _change_outbox(self, effect: Begin | Disown | Resend) -> None:
        match effect:
            case Begin(until_stored):
                self._outbox.begin(until_stored=until_stored)
            case Disown(uids):
                self._spool.disown(uids)
            case Resend(dst):
                if not self._outbox.resend(dst):
                    logger.warning("Too many clients ask for everything at once")
        self._uplink.wake()

    def _send(self, message: Message) -> None:
        dropped, unproven = self._spool.dropped, self._spool.unproven
        self._spool.put(message)
        if self._spool.dropped > dropped == self._lost_before:
            logger.warning("No room for more readings until the broker is back: the oldest go")
        if self._spool.unproven > unproven == 0:
            logger.warning("More readings wait to be stored than the spool holds: the oldest go")
        if self._spool.overrun:
            self._uplink.restart("the broker does not keep up")
        self._uplink.wake()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        if self._group is not None:
            try:
                self._group.create_task(work)
            except RuntimeError:
                logger.debug("The gateway is ending; what nodes wait for is left undone")
            else:
                return
        work.close()

    async def _discover(self, wanted: Discover) -> None:
        failure: CommandFailed | None = None
        try:
            async with self._discoveries, asyncio.timeout(DISCOVERY_TIME):
                await self._adapter.discover(wanted.address)
        except TimeoutError:
            failure = CommandTimeout(f"It took more than {DISCOVERY_TIME:g} s.")
        except CommandFailed as exc:
            failure = exc
        except Exception:  # one node's failure, even ours, must not end all others
            logger.exception("Internal error while discovering %s", wanted.uid)
            failure = CommandFailed("Internal error.")
        self._carry_out(self._core.discovered, wanted.uid, wanted.serial, failure)

    async def _write(self, wanted: Write) -> None:
        outcome: Written | CommandFailed
        try:
            async with asyncio.timeout(wanted.patience):
                outcome = await self._adapter.write(wanted.address, wanted.endpoint, wanted.payload)
        except TimeoutError:
            outcome = CommandTimeout("The node did not answer in time.")
        except CommandFailed as exc:
            outcome = exc
        except Exception:  # as above
            logger.exception("Internal error while writing to %s", wanted.uid)
            outcome = CommandFailed("Internal error.")
        self._carry_out(self._core.written, wanted.uid, wanted.serial, outcome)

    def _set_timer(self) -> None:
        """Have the core called when it is due; one that is called too early only looks again."""
        due = self._core.due
        if self._group is None or due >= self._timer_due:
            return
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, due - self._clock().steady)
        self._timer = asyncio.get_running_loop().call_later(delay, self._tick)
        self._timer_due = due

    def _tick(self) -> None:
        self._timer_due = _NEVER
        self._carry_out(self._core.tick)


def _first(broken: BaseExceptionGroup[BaseException]) -> BaseException:
    exc = broken.exceptions[0]
    return _first(exc) if isinstance(exc, BaseExceptionGroup) else exc
