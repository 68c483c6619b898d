# SPDX-License-Identifier: BSD-3-Clause
"""Stores for tests: whatever the store promises, it promises on SQLite and on PostgreSQL.

A test that asks for one of these fixtures runs once on each::

    async def test_remembers(store: Store, clock: Clock) -> None: ...

`store_url` is the address of an empty store with all its tables, where the test itself is to open
it; `blank_url` one without any. `fast_store_url` is always SQLite: for tests that are about
something else, and need a store only to run.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyaiot.store.store import Store
from tests.postgresql import PostgreSQL, postgresql_server

BACKENDS = ("sqlite", "postgresql")


@dataclass
class Clock:
    """Stands still until the test moves it; seconds since the epoch."""

    time: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.time

    def pass_(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on."""
    return str(request.param)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """The server of this session."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def blank_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a store that is not there yet, or is an empty database."""
    if backend == "sqlite":
        yield str(tmp_path / "blank" / "store.db")
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def store_url(backend: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty store that has its tables."""
    if backend == "sqlite":
        yield request.getfixturevalue("fast_store_url")
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    name: str = request.getfixturevalue("_postgresql_database")
    yield server.url(name)
    server.empty(name)


@pytest.fixture
def fast_store_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """The address of an empty store that has its tables, on SQLite."""
    path = tmp_path / "store.db"
    shutil.copyfile(_sqlite_template, path)
    return str(path)


@pytest.fixture
async def store(store_url: str, clock: Clock) -> AsyncIterator[Store]:
    """An empty store, open, at the time of `clock`."""
    store = await Store.open(store_url, clock)
    yield store
    await store.close()


@pytest.fixture
async def fast_store(fast_store_url: str, clock: Clock) -> AsyncIterator[Store]:
    """An empty store on SQLite, open."""
    store = await Store.open(fast_store_url, clock)
    yield store
    await store.close()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "template.db"
    asyncio.run(put_empty_store(path))
    return path


@pytest.fixture(scope="session")
def _postgresql_database(postgresql: PostgreSQL) -> str:
    name = postgresql.create()
    asyncio.run(_migrate(postgresql.url(name)))
    return name


_kept: list[bytes] = []
"""An empty SQLite store that has its tables, once somebody needed one."""


async def put_empty_store(path: Path) -> None:
    """Write an empty store on SQLite, which has its tables, to `path`.

    To make one takes longer than many a test.
    """
    if not _kept:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, "store.db")
            await _migrate(str(made))
            # The last connection that closes leaves all in one file.
            _kept.append(await asyncio.to_thread(made.read_bytes))
    await asyncio.to_thread(path.write_bytes, _kept[0])


async def _migrate(url: str) -> None:
    await (await Store.open(url, Clock())).close()
