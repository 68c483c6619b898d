# SPDX-License-Identifier: BSD-3-Clause
"""The way to the database, SQLite or PostgreSQL, that all parts of the store share.

A part takes an `Engine` and does each thing in one transaction::

    async with self._engine.writing() as connection:
        await connection.execute(self._engine.insert(NODES).values(...).on_conflict_do_nothing())

Whatever the database has to say against it becomes a StoreFailed there, once. Within the block, a
part raises errors of its own as it likes: the transaction is undone.
"""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    any_,
    cast,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from pyaiot.errors import (
    PyaiotError,
    StartFailed,
    StoreAway,
    StoreConflict,
    StoreFailed,
    StoreMissing,
)

if TYPE_CHECKING:
    # Loaded where a store is one: it takes a twentieth of the memory of the whole process.
    from sqlalchemy.dialects import postgresql

Clock: TypeAlias = Callable[[], float]
"""Seconds since the epoch."""

Insert: TypeAlias = "sqlite.Insert | postgresql.Insert"

PATIENCE: Final = 5.0
"""Seconds to wait for another program that writes, or for a free connection."""

_LOCKED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

_PRAGMAS: Final = (
    # Before the first table: pages of what was deleted can go back to the file system.
    "auto_vacuum = INCREMENTAL",
    "journal_mode = WAL",
    # What was said to be stored is still there when the power fails.
    "synchronous = FULL",
    "foreign_keys = ON",
    # Pages of 4096 bytes: one that many readings come to is written to its place once for all.
    "wal_autocheckpoint = 4000",
    "journal_size_limit = 67108864",
    "cache_size = -16384",
    "trusted_schema = OFF",
)

_AGAIN: Final = 0.02
"""Seconds until a new file that another program is making is looked at again."""

_AT_ONCE: Final = 5
"""Connections to the database."""


class Engine:
    """One database, and the time."""

    def __init__(self, database: AsyncEngine, clock: Clock) -> None:
        self.dialect = database.dialect.name
        """"sqlite" or "postgresql"."""
        self.clock = clock
        self._database = database
        # SQLite has one writer at a time: within a process they wait here, without polling.
        self._turn = asyncio.Lock() if self.dialect == "sqlite" else None
        self._after: list[Callable[[frozenset[str]], None]] = []

    def now(self) -> int:
        """Whole microseconds since the epoch."""
        return round(self.clock() * 1e6)

    def insert(self, table: Table) -> Insert:
        """An insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        if self.dialect == "sqlite":
            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - see above

        return postgresql.insert(table)

    def one_of(self, column: Column[str], values: Collection[str]) -> ColumnElement[bool]:
        """Whether `column` is one of `values`, of which there may be very many."""
        if self.dialect == "sqlite":
            several = text("SELECT value FROM json_each(:several)")
            return column.in_(
                several.bindparams(several=msgspec.json.encode(list(values)).decode())
            )
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - see above

        return column == any_(cast(list(values), postgresql.ARRAY(Text)))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the store. Raises StoreFailed."""
        with _converted():
            async with self._database.connect() as connection, connection.begin():
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes something; all of it, or nothing where the block raises.

        Keep it short: others wait for it. Raises StoreConflict where something would be there
        twice or belong to nothing, StoreFailed for all else that is wrong with the database.
        """
        with _converted():
            if self._turn is not None:
                async with self._turn, self._transaction() as connection:
                    yield connection
            else:
                async with self._transaction() as connection:
                    yield connection

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.connect() as raw:
            connection = await raw.execution_options(writing=True)
            connection.info.pop(_RAISED, None)
            async with connection.begin():
                yield connection
            raised = frozenset(connection.info.pop(_RAISED, ()))
        if raised:
            for call in self._after:
                call(raised)

    async def lock(self, connection: AsyncConnection, number: int, *, shared: bool = False) -> None:
        """Let nobody else past this with `number` until the transaction of `connection` ends.

        Those who do it `shared` let each other past. SQLite has one writer at a time anyway.
        """
        if self.dialect == "postgresql":
            await connection.execute(_SHARED_LOCK if shared else _LOCK, {"lock": number})

    def tell(self, connection: AsyncConnection, what: str) -> None:
        """Once the transaction of `connection` holds, tell those of `on_change` of `what`."""
        del self
        connection.info.setdefault(_RAISED, set()).add(what)

    def on_change(self, call: Callable[[frozenset[str]], None]) -> None:
        """Have `call` told after each transaction that told of something."""
        self._after.append(call)

    async def close(self) -> None:
        """Let go of the database."""
        await self._database.dispose()


_RAISED: Final = "pyaiot_told"
_LOCK: Final = text("SELECT pg_advisory_xact_lock(:lock)")
_SHARED_LOCK: Final = text("SELECT pg_advisory_xact_lock_shared(:lock)")


async def open_engine(
    url: str, clock: Clock, migrate: Callable[[Engine], Awaitable[None]], *, make: bool = True
) -> Engine:
    """The engine of the store at `url`, brought to the present schema by `migrate`.

    `url` is a path, an address as SQLAlchemy knows them, or empty for the usual file. Raises
    StartFailed where it cannot be used, StoreAway where perhaps it can later, and StoreMissing
    where it is a file that is not there, unless told to `make` it.
    """
    address = store_url(url, os.environ)
    try:
        if address.get_backend_name() == "sqlite" and address.database:
            _prepare(Path(address.database), make=make)
        database = _database(address)
    except OSError as exc:
        raise StartFailed(f"The store {shown(address)} cannot be used: {exc.strerror}.") from exc
    except ModuleNotFoundError as exc:
        raise StartFailed(
            f"The store {shown(address)} needs {exc.name}: install pyaiot[postgresql]."
        ) from exc
    engine = Engine(database, clock)
    try:
        await _patiently(migrate, engine)
    except (StoreFailed, StartFailed) as exc:
        await engine.close()
        kind = StoreAway if isinstance(exc, StoreFailed) and _is_away(exc) else StartFailed
        reason = exc.reason.rstrip(".")
        raise kind(f"The store {shown(address)} cannot be used: {reason}.") from exc
    except BaseException:
        await engine.close()
        raise
    return engine


async def _patiently(migrate: Callable[[Engine], Awaitable[None]], engine: Engine) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while True:
        try:
            return await migrate(engine)
        except StoreFailed as exc:
            # SQLite waits for others that write, but not for one that makes the same file a WAL.
            if engine.dialect != "sqlite" or not _is_away(exc) or loop.time() >= deadline:
                raise
        await asyncio.sleep(_AGAIN)


def store_url(url: str, environ: "os._Environ[str] | dict[str, str]") -> URL:
    """The full address of the store that `url` names. Raises StartFailed where it names none."""
    url = url.strip()
    if not url:
        data = environ.get("XDG_DATA_HOME") or "~/.local/share"
        url = str(Path(data).expanduser() / "pyaiot" / "pyaiot.db")
    if "://" not in url:
        return URL.create("sqlite+aiosqlite", database=str(Path(url).expanduser()))
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError) as exc:
        # The text may hold a password.
        raise StartFailed("The store's address cannot be read.") from exc
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    if backend not in drivers:
        raise StartFailed(f"A store can be sqlite or postgresql, not {backend}.")
    if backend == "sqlite" and not parsed.database:
        raise StartFailed("A store of SQLite needs the name of a file.")
    return parsed.set(drivername=drivers[backend])


def shown(address: URL) -> str:
    """`address` for people, without its password."""
    if address.get_backend_name() == "sqlite":
        return f"'{address.database}'"
    return f"'{address.render_as_string(hide_password=True)}'"


def _prepare(path: Path, *, make: bool) -> None:
    """See to it that the file is there, and nobody else's business.

    Raises OSError, or StoreMissing where it is not there and is not to be made.
    """
    if not make and not path.exists():
        raise StoreMissing(f"There is no store '{path}'.")
    for folder in reversed([path.parent, *path.parent.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    # SQLite gives its other files the mode of this one.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _database(address: URL) -> AsyncEngine:
    if address.get_backend_name() == "sqlite":
        database = create_async_engine(
            address,
            connect_args={"timeout": PATIENCE},
            pool_size=_AT_ONCE,
            max_overflow=0,
            pool_timeout=PATIENCE,
            hide_parameters=True,
        )
        event.listen(database.sync_engine, "connect", _set_up)
        event.listen(database.sync_engine, "begin", _begin)
        return database
    return create_async_engine(
        address,
        connect_args={"timeout": 2 * PATIENCE, "command_timeout": 60},
        pool_size=_AT_ONCE,
        max_overflow=0,
        pool_timeout=PATIENCE,
        # A database that was started again is not an error of whoever asks next.
        pool_pre_ping=True,
        hide_parameters=True,
    )


def _set_up(connection: Any, _record: object) -> None:
    # Transactions begin where `_begin` says, not where the driver thinks best.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that read first may find that it cannot write any more.
    kind = " IMMEDIATE" if connection.get_execution_options().get("writing") else ""
    connection.exec_driver_sql(f"BEGIN{kind}")


class _converted:  # noqa: N801 - used as a function is
    """Turns what the drivers raise into errors of ours."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        if error is None or isinstance(error, PyaiotError) or not isinstance(error, _foreign()):
            return
        kind = StoreConflict if isinstance(error, IntegrityError) else StoreFailed
        raise kind(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    """What is wrong, in one line, without the values that it was about."""
    cause = _cause(error)
    text = str(cause).strip().partition("\n")[0] or type(cause).__name__
    if isinstance(cause, OSError) and cause.strerror:
        text = cause.strerror
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def _cause(error: BaseException) -> BaseException:
    """The driver's own error."""
    while isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    # The dialect of asyncpg wraps once more.
    return error.__cause__ if isinstance(error.__cause__, _foreign()) else error


def _foreign() -> tuple[type[Exception], ...]:
    """What may come out of the drivers."""
    if "asyncpg" not in sys.modules:
        return SQLAlchemyError, OSError
    import asyncpg  # noqa: PLC0415 - nothing comes out of what was not loaded

    return SQLAlchemyError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError


def _is_away(error: StoreFailed) -> bool:
    cause = _cause(error.__cause__ or error)
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _LOCKED
    if "asyncpg" not in sys.modules:
        return isinstance(cause, OSError)
    import asyncpg  # noqa: PLC0415 - as above

    return isinstance(
        cause,
        OSError
        | asyncpg.CannotConnectNowError
        | asyncpg.TooManyConnectionsError
        | asyncpg.PostgresConnectionError,
    )
