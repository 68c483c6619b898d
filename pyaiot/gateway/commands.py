# SPDX-License-Identifier: BSD-3-Clause
"""The commands to one node: one is carried out at a time, the others wait in a short queue.

Each command that carries an id gets exactly one final result, `Status.QUEUED` not counted. Values
for a node that sleeps are kept, the newest for each resource, until the node is heard.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyaiot.errors import CommandFailed, CommandTimeout, UnknownNode
from pyaiot.gateway.adapter import Address, Written
from pyaiot.gateway.effects import Effect, Send, Write
from pyaiot.messages.types import MAX_REASON, Result, Status
from pyaiot.model.value import Value, says

QUEUE: Final = 16
"""Commands that may wait for one node."""

UNCONFIRMED: Final = 64
"""Commands of one node that were handed over and wait for the node's report."""

PATIENCE: Final = 10.0
"""Seconds for a command that does not say how long its asker waits."""

_QUOTED: Final = 64

_STATUS: Final = {CommandTimeout: Status.TIMEOUT, UnknownNode: Status.UNKNOWN_NODE}


@dataclass(slots=True, eq=False)
class Command:
    """One value for one resource."""

    serial: int
    endpoint: str
    payload: str
    deadline: float
    """On the steady clock, in seconds."""
    id: str | None = None
    """The broker's name for it; None where nobody waits for a result."""
    reported: bool = False
    """The node reported the resource after the write began."""
    agreed: bool = False
    """What it reported is what was asked for."""
    otherwise: str = ""
    """What it reported instead."""

    def heard(self, value: Value) -> None:
        """The node says that the resource is `value`."""
        self.reported = True
        if says(value, self.payload):
            self.agreed = True
        else:
            self.otherwise = f"The node says it is {str(value)[:_QUOTED]!r}."


class Commands:
    """The commands of one node. Methods give what is to be done, results among it."""

    __slots__ = ("_held", "_uid", "_unconfirmed", "_waiting", "_writing")

    def __init__(self, uid: str) -> None:
        self._uid = uid
        self._writing: Command | None = None
        self._waiting: deque[Command] = deque()
        self._held: dict[str, Command] = {}
        self._unconfirmed: deque[Command] = deque()

    def hold(self, command: Command) -> Iterator[Effect]:
        """Keep `command` until the node wakes; it replaces an older one for its resource."""
        older = self._held.pop(command.endpoint, None)
        if older is not None:
            yield from result(older, Status.FAILED, "A newer value took its place.")
        elif len(self._held) + len(self._waiting) >= QUEUE:
            yield from result(command, Status.FAILED, "Queue full.")
            return
        self._held[command.endpoint] = command
        yield from result(command, Status.QUEUED, "The node sleeps.")

    def add(self, command: Command) -> Iterator[Effect]:
        """Let `command` wait for its turn; `start` begins it."""
        if len(self._waiting) >= QUEUE:
            yield from result(command, Status.FAILED, "Queue full.")
        else:
            self._waiting.append(command)

    def wake(self) -> None:
        """The node listens: what was held is next."""
        self._waiting.extend(self._held.values())
        self._held.clear()

    def start(self, address: Address | None, now: float) -> Iterator[Effect]:
        """Begin with the next command, unless one is under way."""
        while self._writing is None and self._waiting:
            command = self._waiting.popleft()
            if address is None:
                yield from result(command, Status.FAILED, "The node is not connected.")
                continue
            self._writing = command
            yield Write(
                self._uid,
                command.serial,
                address,
                command.endpoint,
                command.payload,
                max(0.0, command.deadline - now),
            )

    def written(self, serial: int) -> Command | None:
        """The command under way, which has ended now; None if it is not the one of `serial`."""
        command = self._writing
        if command is None or command.serial != serial:
            return None
        self._writing = None
        return command

    def conclude(self, command: Command, outcome: Written | CommandFailed) -> Iterator[Effect]:
        """The result of `command`; without the node's confirmation its report is waited for."""
        if isinstance(outcome, CommandFailed):
            yield from result(command, _STATUS.get(type(outcome), Status.FAILED), outcome.reason)
        elif outcome.confirmed or command.agreed:
            yield from result(command, Status.APPLIED)
        elif command.id is not None:
            if len(self._unconfirmed) >= UNCONFIRMED:
                oldest = self._unconfirmed.popleft()
                yield from result(oldest, Status.TIMEOUT, "The node did not confirm the value.")
            self._unconfirmed.append(command)

    def reported(self, endpoint: str, value: Value) -> Iterator[Effect]:
        """The node says that `endpoint` is `value`, which may confirm what was written to it.

        Another value confirms nothing: it may have been under way, or be all that the protocol
        has for a refusal. Where nothing better comes, it is the reason why the command failed.
        """
        if self._writing is not None and self._writing.endpoint == endpoint:
            self._writing.heard(value)
        mine = [each for each in self._unconfirmed if each.endpoint == endpoint]
        for command in mine:
            command.heard(value)
        agreed = max((number for number, each in enumerate(mine) if each.agreed), default=-1)
        # What came before has been overtaken, and will not be reported any more.
        for command in mine[: agreed + 1]:
            self._unconfirmed.remove(command)
            yield from result(command, Status.APPLIED)

    @property
    def due(self) -> float:
        """The next deadline of a command that is not under way; infinity if there is none."""
        kept = (*self._held.values(), *self._waiting, *self._unconfirmed)
        return min((command.deadline for command in kept), default=float("inf"))

    def expire(self, now: float) -> Iterator[Effect]:
        """Give up what is past its deadline; a write under way ends by its own time limit."""
        for kept, reason in (
            (list(self._held.values()), "The node did not wake up in time."),
            (list(self._waiting), "Earlier commands kept the node busy."),
            (list(self._unconfirmed), "The node did not confirm the value."),
        ):
            for command in kept:
                if command.deadline > now:
                    continue
                self._forget(command)
                if command.otherwise:
                    yield from result(command, Status.FAILED, command.otherwise)
                else:
                    yield from result(command, Status.TIMEOUT, reason)

    def fail(self, reason: str) -> Iterator[Effect]:
        """End all commands, as the node is gone for good."""
        under_way = () if self._writing is None else (self._writing,)
        kept = (*under_way, *self._waiting, *self._held.values(), *self._unconfirmed)
        self._writing = None
        self._waiting.clear()
        self._held.clear()
        self._unconfirmed.clear()
        for command in kept:
            yield from result(command, Status.FAILED, reason)

    def _forget(self, command: Command) -> None:
        if self._held.get(command.endpoint) is command:
            del self._held[command.endpoint]
        elif command in self._waiting:
            self._waiting.remove(command)
        else:
            self._unconfirmed.remove(command)


def result(command: Command, status: Status, reason: str = "") -> Iterator[Effect]:
    """The message that `command` ended so, where somebody waits for it."""
    if command.id is not None:
        yield Send(Result(command.id, status, reason[:MAX_REASON]))
