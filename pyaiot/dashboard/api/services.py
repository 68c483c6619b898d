# SPDX-License-Identifier: BSD-3-Clause
"""What endpoints work with."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from pyaiot.accounts.hashing import Hasher
from pyaiot.accounts.permissions import HouseRules
from pyaiot.accounts.throttle import Throttle
from pyaiot.accounts.tokens import Signer
from pyaiot.dashboard.api.pace import Pace
from pyaiot.dashboard.api.readers import Readers
from pyaiot.dashboard.commands import Commands
from pyaiot.dashboard.directory import Directory
from pyaiot.dashboard.live import Live
from pyaiot.dashboard.roll import Roll
from pyaiot.model.moment import Moment
from pyaiot.recorder.courier import Courier
from pyaiot.store.store import Store


@dataclass(frozen=True, slots=True)
class House:
    """What the operator has said."""

    rules: HouseRules = field(default_factory=HouseRules)
    loopback: bool = True
    """Whether only this machine can connect."""
    chosen: bool = False
    """The operator said what strangers may do; else it was concluded from where they come."""
    access_life: float = 1800.0
    """Seconds that an access token holds, and a ticket."""
    refresh_life: float = 2_592_000.0
    """Seconds after which somebody who did not come back has to log in again."""
    public_url: str = ""
    """Address of the page, for links that leave it; empty where nobody has said it."""
    local_channels: bool = False
    """Channels of alerts may lead to this machine and its network."""


def unowned(_work: Coroutine[Any, Any, None]) -> object:
    """Nobody has said yet who looks after what nobody waits for."""
    raise RuntimeError("The service has not begun.")


@dataclass(slots=True)
class Services:
    """What endpoints work with."""

    signer: Signer = field(repr=False)
    roll: Roll
    house: House
    clock: Callable[[], Moment]
    token_bytes: Callable[[int], bytes] = field(repr=False)
    """Cryptographically strong."""
    store: Store
    live: Live
    directory: Directory
    hasher: Hasher = field(default_factory=Hasher, repr=False)
    throttle: Throttle = field(default_factory=Throttle, repr=False)
    later: Callable[[Coroutine[Any, Any, None]], object] = field(default=unowned, repr=False)
    """Have something done that nobody waits for; it does not raise."""
    recorder_health: str = ""
    """Address of the recorder's health; empty where it is not asked."""
    commands: Commands = field(init=False)
    readers: Readers = field(default_factory=Readers)
    """Of live values."""
    exports: Readers = field(default_factory=lambda: Readers(16, 4))

    def __post_init__(self) -> None:
        self.commands = Commands(self.live)

    courier: Courier = field(default_factory=Courier, repr=False)
    trials: Pace = field(default_factory=lambda: Pace(0.1, 5))
    """Of channels, by account."""
    makers: Readers = field(default_factory=lambda: Readers(32, 4))
    """Tokens of devices that are made, with their pictures."""
    previews: Readers = field(default_factory=lambda: Readers(8, 2))
    """Rules that are tried out, or wait for that."""
    previewing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    """One rule is tried out at a time: that takes memory."""
