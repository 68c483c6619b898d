# SPDX-License-Identifier: BSD-3-Clause
"""The real endpoints on a real store, and browsers that people sit before."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

from pyaiot.accounts.hashing import Cost, Hasher, Verdict
from pyaiot.dashboard.api.endpoint import Endpoint
from pyaiot.dashboard.api.services import House
from pyaiot.dashboard.api.table import TABLE
from pyaiot.model.access import Role
from pyaiot.model.moment import Moment
from pyaiot.store.accounts import Account
from pyaiot.store.audit import TERMINAL
from pyaiot.store.store import Store
from tests.contracts.store import Clock
from tests.dashboard.api.asking import Answer, Place, ask, serving

PASSWORD = "correct horse"
API = "/api/v1"


class Interrupted(Hasher):
    """One whose checks take so long that something happens meanwhile, once."""

    def __init__(self, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__(Cost(passes=1, memory=64, lanes=1))
        self._meanwhile: Callable[[], Awaitable[object]] | None = meanwhile

    async def check(self, stored: str | None, password: str) -> Verdict:
        verdict = await super().check(stored, password)
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return verdict


@dataclass
class Browser:
    """Keeps the cookies that it is given, and sends the header of our own page."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)
    lives: dict[str, float] = field(default_factory=dict)
    answer: Answer | None = None

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        if self.cookies:
            words = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers = {"Cookie": words, **headers}
        self.answer = await ask(self.url, API + path, method=method, body=body, **headers)
        for line in self.answer.headers.get("set-cookie", "").split("\n"):
            for name, morsel in SimpleCookie(line).items():
                self.lives[name] = float(morsel["max-age"])
                self.cookies[name] = morsel.value
                if not self.lives[name]:
                    del self.cookies[name]
        return self.answer

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.call("GET", path, **headers)

    async def log_in(self, name: str, password: str = PASSWORD) -> Answer:
        return await self.call("POST", "/session", {"name": name, "password": password})

    async def who(self) -> str | None:
        """The name of whoever is logged in."""
        user = (await self.get("/session")).json["user"]
        return None if user is None else str(user["name"])


class Home(Place):
    """A place with a store, and its accounts."""

    def __init__(self, store: Store, clock: Clock, house: House | None = None) -> None:
        super().__init__(house, store)
        self.store = store
        self._clock = clock
        self._counted = 0
        self.services.hasher = Hasher(Cost(passes=1, memory=64, lanes=1))
        self.services.clock = self.moment
        self.services.token_bytes = self.random
        self.people.clear()
        self.told()

    def moment(self) -> Moment:
        return Moment(self._clock.time, self._clock.time)

    def random(self, size: int) -> bytes:
        self._counted += 1
        return self._counted.to_bytes(size, "big")

    async def add(self, name: str, role: Role = Role.OPERATOR) -> Account:
        password = await self.services.hasher.hash(PASSWORD)
        account = await self.store.accounts.add(name, password, role, TERMINAL)
        await self.services.directory.changed()
        return account


@asynccontextmanager
async def at_home(
    store: Store,
    clock: Clock,
    people: Mapping[str, Role],
    endpoints: Iterable[Endpoint] = TABLE,
    house: House | None = None,
) -> AsyncIterator[tuple[Home, str, dict[str, Account]]]:
    """A server with these endpoints; the accounts that there are, by name."""
    home = Home(store, clock, house)
    accounts = {name: await home.add(name, role) for name, role in people.items()}
    async with serving(home.api(endpoints)) as url:
        yield home, url, accounts
