# SPDX-License-Identifier: BSD-3-Clause
"""A broker for tests, on a free port of 127.0.0.1."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from pyaiot.broker.core import Core
from pyaiot.broker.server import BrokerServer
from pyaiot.broker.service import build, tls_context
from pyaiot.link.listen import open_sockets
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.signing import TokenGate, make_token
from pyaiot.settings import BrokerSettings


@dataclass(frozen=True)
class RunningBroker:
    """What a test needs of it."""

    port: int
    ring: KeyRing
    server: BrokerServer
    tls: bool

    @property
    def core(self) -> Core:
        return self.server.core

    @property
    def url(self) -> str:
        """Without a path: ``ws://127.0.0.1:12345``."""
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.port}"

    @property
    def http(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def token(self, age: float = 0.0) -> str:
        """A token that was made `age` seconds ago."""
        return make_token(self.ring.current, time.time() - age)


@asynccontextmanager
async def running_broker(
    *, ring: KeyRing | None = None, host: str = "127.0.0.1", port: int = 0, **overrides: Any
) -> AsyncIterator[RunningBroker]:
    """A broker with default settings but for `overrides`; its keys need no file.

    A fixed `port` lets a test start it again at the same place.
    """
    ring = ring or KeyRing((KeyPair.generate(os.urandom),))
    settings = replace(BrokerSettings(broker_host=host, broker_port=port), **overrides)
    sockets = await open_sockets(host, port)
    server = build(settings, TokenGate(ring, settings.clock_skew), sockets)
    tls = tls_context(settings)
    await server.start(sockets, tls)
    try:
        yield RunningBroker(sockets[0].getsockname()[1], ring, server, tls is not None)
    finally:
        await server.stop()
