# SPDX-License-Identifier: BSD-3-Clause
"""Nodes that move from one gateway to another: worth one line, however many there are."""

from collections import deque
from typing import Final

FLAPPING: Final = 3
"""Moves of one node within `PERIOD` that are no longer moves but a quarrel."""
PERIOD: Final = 60.0
_SHOWN: Final = 3


class Moves:
    """Gathers moves until somebody asks what is to be said of them."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[float]] = {}
        self._moved: dict[tuple[str, str], list[str]] = {}
        self._quarrels: dict[tuple[str, str], dict[str, None]] = {}
        self._reported: dict[tuple[str, str], float] = {}

    def moved(self, uid: str, old: str, new: str, now: float) -> None:
        """Node `uid` went from gateway `old` to gateway `new` at `now` on a steady clock."""
        times = self._recent.setdefault(uid, deque(maxlen=FLAPPING))
        times.append(now)
        if len(times) == FLAPPING and now - times[0] <= PERIOD:
            self._quarrels.setdefault((min(old, new), max(old, new)), {})[uid] = None
        else:
            self._moved.setdefault((old, new), []).append(uid)

    def notes(self, now: float) -> list[str]:
        """What is to be said since the last time; of each quarrel at most once in `PERIOD`."""
        said = [
            f"{_named(uids)} moved from gateway {old} to gateway {new}."
            for (old, new), uids in self._moved.items()
        ]
        self._moved.clear()
        for pair in [pair for pair in self._quarrels if self._due(pair, now)]:
            uids = list(self._quarrels.pop(pair))
            said.append(
                f"Gateways {pair[0]} and {pair[1]} claim the same, and the newest claim wins:"
                f" {_named(uids)}. Do two nodes have the same uid?"
            )
            self._reported[pair] = now
        self._forget(now)
        return said

    def _due(self, pair: tuple[str, str], now: float) -> bool:
        return pair not in self._reported or now - self._reported[pair] >= PERIOD

    def _forget(self, now: float) -> None:
        for uid in [uid for uid, times in self._recent.items() if now - times[-1] > PERIOD]:
            del self._recent[uid]
        for pair in [pair for pair, at in self._reported.items() if now - at > PERIOD]:
            del self._reported[pair]


def _named(uids: list[str]) -> str:
    if len(uids) == 1:
        return f"Node {uids[0]}"
    more = ", …" if len(uids) > _SHOWN else ""
    return f"{len(uids)} nodes ({', '.join(uids[:_SHOWN])}{more})"
