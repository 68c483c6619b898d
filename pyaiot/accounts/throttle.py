# SPDX-License-Identifier: BSD-3-Clause
"""How often somebody may try to log in."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from pyaiot.errors import RateExceeded

K = TypeVar("K")

REMEMBERED: Final = 4096
"""Names, and addresses, whose failures are counted; the ones not tried for longest make room."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many failures are forgiven, and how long one waits after more, in seconds."""

    free: int
    first: float
    longest: float
    forgotten: float
    """Without another try for so long, all is forgiven."""

    def wait(self, failures: int) -> float:
        """How long to wait after so many failures in a row."""
        beyond = failures - self.free
        if beyond <= 0:
            return 0.0
        # From some power on a float would overflow.
        return min(self.longest, self.first * 2.0 ** min(beyond - 1, 64))


# Whoever tries names of others must not lock these out for long; whoever tries from one address
# may be many people behind one router.
BY_NAME: Final = Patience(free=5, first=1.0, longest=60.0, forgotten=3600.0)
BY_ADDRESS: Final = Patience(free=20, first=1.0, longest=900.0, forgotten=3600.0)


@dataclass(slots=True)
class _Trail:
    failures: int = 0
    tried: float = 0.0
    until: float = 0.0


class _Trails(Generic[K]):
    """Failures by name, or by address; bounded."""

    def __init__(self, patience: Patience, size: int) -> None:
        self._patience = patience
        self._size = size
        self._trails: OrderedDict[K, _Trail] = OrderedDict()

    def wait(self, key: K, now: float) -> float:
        trail = self._trails.get(key)
        if trail is None:
            return 0.0
        if now - trail.tried >= self._patience.forgotten:
            del self._trails[key]
            return 0.0
        return trail.until - now

    def failed(self, key: K, now: float) -> None:
        trail = self._trails.setdefault(key, _Trail())
        self._trails.move_to_end(key)
        trail.failures += 1
        trail.tried = now
        trail.until = now + self._patience.wait(trail.failures)
        if len(self._trails) > self._size:
            self._trails.popitem(last=False)

    def took_back(self, key: K) -> None:
        trail = self._trails.get(key)
        if trail is not None:
            trail.failures -= 1
            trail.until = 0.0

    def forgave(self, key: K) -> None:
        self._trails.pop(key, None)

    def __len__(self) -> int:
        return len(self._trails)


class Throttle:
    """Slows down whoever guesses, by the name that is tried and by the address it comes from.

    A try counts as failed until it is said to have succeeded: tries at the same time do not slip
    through together. Where somebody came in before, they are not made to wait for what others try
    with their name elsewhere: guessing must not lock the owner out.
    """

    def __init__(
        self,
        by_name: Patience = BY_NAME,
        by_address: Patience = BY_ADDRESS,
        size: int = REMEMBERED,
    ) -> None:
        self._names: _Trails[tuple[str, str]] = _Trails(by_name, size)
        self._addresses: _Trails[str] = _Trails(by_address, size)
        self._at_home: OrderedDict[tuple[str, str], None] = OrderedDict()
        """Names that came in, and the addresses where they did."""
        self._size = size

    def admit(self, name: str, address: str, now: float) -> None:
        """Count a try for `name` from `address` at `now`, in seconds on a steady clock.

        Raises RateExceeded, which says how long to wait; such a try is not counted.
        """
        place = neighbourhood(address)
        key = self._key(name, place)
        wait = max(self._names.wait(key, now), self._addresses.wait(place, now))
        if wait > 0:
            raise RateExceeded("Too many tries. Wait a little.", retry_after=wait)
        self._names.failed(key, now)
        self._addresses.failed(place, now)

    def succeeded(self, name: str, address: str) -> None:
        """The try was right. What else failed from that address stays counted.

        Otherwise somebody with an account could go on for ever by logging in between guesses.
        """
        place = neighbourhood(address)
        self._names.forgave(self._key(name, place))
        self._addresses.took_back(place)
        self._at_home[name, place] = None
        self._at_home.move_to_end((name, place))
        if len(self._at_home) > self._size:
            self._at_home.popitem(last=False)

    def _key(self, name: str, place: str) -> tuple[str, str]:
        """By what tries for a name are counted that come from there."""
        return name, place if (name, place) in self._at_home else ""

    @property
    def remembered(self) -> int:
        """How many names and addresses are in memory."""
        return len(self._names) + len(self._addresses) + len(self._at_home)


def neighbourhood(address: str) -> str:
    """What is counted as one address: of IPv6 the network, in which anybody has 2^64 of them."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False).network_address)
