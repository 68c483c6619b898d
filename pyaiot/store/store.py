# SPDX-License-Identifier: BSD-3-Clause
"""All that is remembered, in one database."""

from pyaiot.store.accounts import Accounts
from pyaiot.store.alerts import AlertBook
from pyaiot.store.audit import AuditLog
from pyaiot.store.devices import DeviceTokens
from pyaiot.store.engine import Clock, Engine, open_engine
from pyaiot.store.history import History
from pyaiot.store.inbox import Inbox
from pyaiot.store.migrations import migrate
from pyaiot.store.nodes import NodeRecords
from pyaiot.store.sessions import Sessions
from pyaiot.store.versions import Versions


class Store:
    """The parts of the store; each takes the same engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.history = History(engine)
        self.nodes = NodeRecords(engine)
        self.versions = Versions(engine)
        self.accounts = Accounts(engine)
        self.sessions = Sessions(engine)
        self.devices = DeviceTokens(engine)
        self.inbox = Inbox(engine)
        self.audit = AuditLog(engine)
        self.alerts = AlertBook(engine)

    @classmethod
    async def open(cls, url: str, clock: Clock, *, make: bool = True) -> "Store":
        """The store at `url`, made or brought to the present schema if need be.

        Raises StartFailed with one sentence where it cannot be used, StoreAway where perhaps it
        can later, and StoreMissing where its file is not there and is not to be made.
        """
        return cls(await open_engine(url, clock, migrate, make=make))

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.close()
