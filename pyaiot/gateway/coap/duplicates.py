# SPDX-License-Identifier: BSD-3-Clause
"""Which requests have been heard before (RFC 7252 section 4.5)."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

CONFIRMABLE_LIFETIME: Final = 60.0
NON_CONFIRMABLE_LIFETIME: Final = 10.0
"""Seconds for which a request is remembered.

The last copy of a confirmable request is sent 45 s after the first. Non-confirmable ones are sent
once; the network may double them, but at once. The RFC's far longer times would make a gateway deaf
for minutes to a rebooted node that counts its messages from the same number again.
"""


@dataclass(slots=True)
class _Heard:
    fingerprint: int
    until: float
    answer: Hashable | None = None


class Duplicates:
    """The last requests and how they were answered; the oldest give way."""

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._heard: OrderedDict[tuple[Hashable, int], _Heard] = OrderedDict()

    def __len__(self) -> int:
        return len(self._heard)

    def is_new(
        self, sender: Hashable, mid: int, datagram: bytes, lifetime: float, now: float
    ) -> bool:
        """Whether this request has not been heard within its lifetime; if so, it now has."""
        key = (sender, mid)
        known = self._heard.get(key)
        fingerprint = hash(datagram)
        if known is not None and known.fingerprint == fingerprint and known.until > now:
            return False
        self._heard.pop(key, None)
        self._heard[key] = _Heard(fingerprint, now + lifetime)
        if len(self._heard) > self._limit:
            self._heard.popitem(last=False)
        return True

    def answered(self, sender: Hashable, mid: int, answer: Hashable) -> None:
        """Remember how a confirmable request was answered."""
        known = self._heard.get((sender, mid))
        if known is not None:
            known.answer = answer

    def answer(self, sender: Hashable, mid: int) -> Hashable | None:
        """How that request was answered, or None if it was not yet."""
        known = self._heard.get((sender, mid))
        return None if known is None else known.answer
