# SPDX-License-Identifier: BSD-3-Clause
"""Passwords as they are stored: Argon2id (RFC 9106), with what argon2-cffi recommends.

The defaults are RFC 9106's second recommendation: 64 MiB of memory, three passes. That takes a
fraction of a second, also on a Raspberry Pi, and cannot be had cheaply by whoever steals a store.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from pyaiot.accounts.passwords import as_bytes
from pyaiot.errors import InvalidValue, RateExceeded

AT_ONCE: Final = 2
"""Hashes that are reckoned at the same time: each takes 64 MiB, and keeps a core busy."""
WAITING: Final = 64
"""How many may wait for their turn; whoever comes then is asked to come back."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash costs; `argon2.profiles.RFC_9106_LOW_MEMORY` by default."""

    passes: int = argon2.profiles.RFC_9106_LOW_MEMORY.time_cost
    memory: int = argon2.profiles.RFC_9106_LOW_MEMORY.memory_cost
    """In KiB."""
    lanes: int = argon2.profiles.RFC_9106_LOW_MEMORY.parallelism


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password is right, and where it is stored in an old way, how to store it now."""

    right: bool
    renewed: str | None = None


WRONG: Final = Verdict(right=False)


class Hasher:
    """Hashes and checks passwords in threads of their own, a few at once."""

    def __init__(self, cost: Cost | None = None, at_once: int = AT_ONCE) -> None:
        cost = cost or Cost()
        self._argon = argon2.PasswordHasher(
            time_cost=cost.passes, memory_cost=cost.memory, parallelism=cost.lanes
        )
        self._turn = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """How `password` is to be stored. Raises InvalidValue for what is no text."""
        raw = as_bytes(password)
        await self._take_turn()
        try:
            return await asyncio.to_thread(self._argon.hash, raw)
        finally:
            self._turn.release()

    async def check(self, stored: str | None, password: str) -> Verdict:
        """Whether `password` is the one that is `stored`.

        Without a stored one (nobody has that name) it takes as long, so that the time does not
        tell which names there are. Raises RateExceeded when too many wait already.
        """
        try:
            raw = as_bytes(password)
        except InvalidValue:
            raw, stored = b"", None
        await self._take_turn()
        try:
            return await asyncio.to_thread(self._verdict, stored, raw)
        finally:
            self._turn.release()

    async def _take_turn(self) -> None:
        if self._waiting >= WAITING:
            raise RateExceeded("Too many people log in at once. Wait a little.", retry_after=5.0)
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1

    def _verdict(self, stored: str | None, raw: bytes) -> Verdict:
        # Made the first time, whatever the name, so that it tells nothing.
        self._decoy = self._decoy or self._argon.hash(b"")
        if stored is None:
            self._fits(self._decoy, raw + b"-")
            return WRONG
        if not self._fits(stored, raw):
            return WRONG
        stale = self._argon.check_needs_rehash(stored)
        return Verdict(right=True, renewed=self._argon.hash(raw) if stale else None)

    def _fits(self, stored: str, raw: bytes) -> bool:
        try:
            return self._argon.verify(stored, raw)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            # Also where what is stored is no hash: nobody comes in by that.
            return False
