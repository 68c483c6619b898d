# SPDX-License-Identifier: BSD-3-Clause
"""What one reader of live values still has to be told: of each thing the newest. Pure."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from pyaiot.link.mirror import Change, Event

MAX: Final = 4096
"""Things that may wait for a reader who is slow; beyond that, all has to be told anew."""

_SAME: Final = {Event.AVAILABILITY: Event.NEW}
"""What is told as the same thing: that a node is there, and how."""


class Feed:
    """Takes changes in, and gives them out one by one."""

    def __init__(
        self, wanted: Callable[[Change], bool], wake: Callable[[], None], most: int = MAX
    ) -> None:
        """`wanted` says whether a change is told; `wake` is called where there is one to tell."""
        self._wanted = wanted
        self._wake = wake
        self._most = most
        self._waiting: OrderedDict[tuple[Event, str, str], Change] = OrderedDict()
        self.overrun = False
        """There was no room: what is known of all things is to be told, until `begin`."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, change: Change) -> None:
        """Something has changed."""
        if self.overrun or not self._wanted(change):
            return
        endpoint = change.reading.endpoint if change.reading is not None else ""
        key = (_SAME.get(change.event, change.event), change.uid, endpoint)
        # Taken out first: what is told of a node that goes comes after its last value.
        self._waiting.pop(key, None)
        self._waiting[key] = change
        if len(self._waiting) > self._most:
            self._waiting.clear()
            self.overrun = True
        self._wake()

    def begin(self) -> None:
        """Whatever is known at this moment is being told; from here on, changes are enough."""
        self._waiting.clear()
        self.overrun = False

    def take(self, limit: int) -> list[Change]:
        """The next changes, at most `limit`."""
        count = min(limit, len(self._waiting))
        return [self._waiting.popitem(last=False)[1] for _ in range(count)]


def told(change: Change) -> dict[str, Any]:
    """What is said of a change."""
    said: dict[str, Any] = {"uid": change.uid, "time": change.time}
    if change.reading is not None:
        said |= {"endpoint": change.reading.endpoint, "value": change.reading.value}
    if change.availability is not None:
        said["availability"] = change.availability
    return said
