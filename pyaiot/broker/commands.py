# SPDX-License-Identifier: BSD-3-Clause
"""Commands whose result is not there yet. Each leaves this ledger once, with its one result."""

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

from pyaiot.broker.peers import Client, Gateway
from pyaiot.errors import QueueFull
from pyaiot.messages.types import Target

_SLACK: Final = 64


@dataclass(eq=False, slots=True)
class Pending:
    """One command on its way."""

    id: str
    """The broker's own, so that those of clients need not differ."""
    client: Client
    asked: str
    """The id by which the client knows it."""
    gateway: Gateway
    target: Target
    timeout: float
    deadline: float
    """On a steady clock."""
    queued: bool = False
    """Whether the client was told that the node sleeps."""
    otherwise: str = ""
    """What the node reported instead, in a sentence."""


class Ledger:
    """All commands on their way."""

    def __init__(self, per_client: int, total: int) -> None:
        self._per_client = per_client
        self._total = total
        self._count = 0
        self._pending: dict[str, Pending] = {}
        self._of_client: dict[Client, int] = {}
        self._silent: dict[tuple[str, str], list[Pending]] = {}
        """Those sent to gateways that do not answer, by node and resource."""
        self._deadlines: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._pending)

    def check(self, client: Client) -> None:
        """Raise QueueFull if no more of this client's commands can be waited for."""
        if self._of_client.get(client, 0) >= self._per_client:
            raise QueueFull(f"{self._per_client} of your commands are waiting already.")
        if len(self._pending) >= self._total:
            raise QueueFull("Too many commands are waiting.")

    def open(
        self,
        client: Client,
        asked: str,
        gateway: Gateway,
        target: Target,
        *,
        timeout: float,
        now: float,
    ) -> Pending:
        """Enter a command, which `check` has let pass."""
        self._count += 1
        own_id = f"{self._count:x}"
        pending = Pending(own_id, client, asked, gateway, target, timeout, now + timeout)
        self._pending[pending.id] = pending
        self._of_client[client] = self._of_client.get(client, 0) + 1
        if not gateway.answers:
            self._silent.setdefault((target.uid, target.endpoint), []).append(pending)
        heappush(self._deadlines, (pending.deadline, pending.id))
        return pending

    def find(self, own_id: str, gateway: Gateway) -> Pending | None:
        """The command with this id, if it was sent to this gateway."""
        pending = self._pending.get(own_id)
        return pending if pending is not None and pending.gateway is gateway else None

    def silent(self, gateway: Gateway, uid: str, endpoint: str) -> list[Pending]:
        """The commands for a resource that were sent to a gateway that does not answer."""
        waiting = self._silent.get((uid, endpoint.removeprefix("/")))
        return [each for each in waiting if each.gateway is gateway] if waiting else []

    def close(self, pending: Pending) -> bool:
        """Strike a command out; False if that was done before."""
        if self._pending.pop(pending.id, None) is None:
            return False
        left = self._of_client[pending.client] - 1
        if left:
            self._of_client[pending.client] = left
        else:
            del self._of_client[pending.client]
        if not pending.gateway.answers:
            key = (pending.target.uid, pending.target.endpoint)
            self._silent[key].remove(pending)
            if not self._silent[key]:
                del self._silent[key]
        if len(self._deadlines) > 2 * len(self._pending) + _SLACK:
            self._deadlines = [(each.deadline, each.id) for each in self._pending.values()]
            heapify(self._deadlines)
        return True

    def overdue(self, now: float) -> list[Pending]:
        """The commands whose deadline is past at `now`."""
        late: list[Pending] = []
        while self._deadlines and self._deadlines[0][0] <= now:
            pending = self._pending.get(heappop(self._deadlines)[1])
            if pending is not None:
                late.append(pending)
        return late

    @property
    def next_deadline(self) -> float | None:
        """When to ask for what is overdue, on the steady clock; never too late."""
        return self._deadlines[0][0] if self._deadlines else None

    def those(self, chosen: Callable[[Pending], bool]) -> list[Pending]:
        """The commands that `chosen` picks."""
        return [pending for pending in self._pending.values() if chosen(pending)]
