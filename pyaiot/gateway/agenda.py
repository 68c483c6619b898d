# SPDX-License-Identifier: BSD-3-Clause
"""When the commands of which node are to be looked at."""

import heapq
from collections.abc import Iterator


class Agenda:
    """One time for each node, the earliest that was asked for; in seconds on a steady clock."""

    def __init__(self) -> None:
        self._times: list[tuple[float, str]] = []
        self._wanted: dict[str, float] = {}

    @property
    def due(self) -> float:
        """When `take` gives something next; infinity if never."""
        return self._times[0][0] if self._times else float("inf")

    def put(self, uid: str, time: float) -> None:
        """Look at node `uid` at `time`, unless that is to be done sooner."""
        if time < self._wanted.get(uid, float("inf")):
            self._wanted[uid] = time
            heapq.heappush(self._times, (time, uid))

    def take(self, now: float) -> Iterator[str]:
        """The nodes to look at; each is off the agenda then."""
        while self._times and self._times[0][0] <= now:
            time, uid = heapq.heappop(self._times)
            # Otherwise it was looked at sooner.
            if self._wanted.get(uid) == time:
                del self._wanted[uid]
                yield uid
