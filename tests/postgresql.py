# SPDX-License-Identifier: BSD-3-Clause
"""A real PostgreSQL, started by the tests that need it, with a database for each.

It never flushes to the disk: what it holds ends with the tests.
"""

import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

import pytest

_USER = "postgres"
_QUICK = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off",
    "shared_buffers=32MB", "max_wal_senders=0", "wal_level=minimal", "max_connections=100",
)  # fmt: skip


def program(name: str) -> str:
    """The path of a program of Debian's PostgreSQL, which keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not found:
        pytest.fail(f"'{name}' is missing: install it with 'apt-get install postgresql'.")
    return str(found[-1])


def _as_postgres() -> list[str]:
    """What to put before a command that refuses to run as root; it ends with its parent."""
    words = ["setpriv", "--pdeathsig", "INT"]
    if os.getuid() == 0:
        words += [f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"]
    return words


@dataclass
class PostgreSQL:
    """One server, listening on a socket in its folder."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = None
    _made: int = field(default=0, repr=False)

    def start(self) -> None:
        """Start it, and wait until it can be connected to."""
        settings = [word for each in _QUICK for word in ("-c", each)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *_as_postgres(), program("postgres"), "-D", str(self.folder / "data"),
                    "-k", str(self.folder), "-c", "listen_addresses=", *settings,
                ],
                stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while self._ask("SELECT 1", check=False):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it at once; whoever is connected is thrown out."""
        if self.process is not None:
            # What SIGINT is to it: a fast shutdown.
            self.process.send_signal(2)
            self.process.wait(30)
            self.process = None

    def create(self, template: str = "template1") -> str:
        """A new database, copied from `template`; its name."""
        self._made += 1
        name = f"test_{self._made}"
        self._ask(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Throw a database away, whoever uses it."""
        self._ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def empty(self, name: str) -> None:
        """Throw away all rows of a database of the store; quicker than another database."""
        self._ask(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - a name of ours
            " AND pid <> pg_backend_pid();"
            "DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(quote_ident(relname), ', ')"
            " || ' RESTART IDENTITY' FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version');"
            "END $$",
            name,
        )

    def url(self, name: str) -> str:
        """The store's address of a database."""
        return f"postgresql+asyncpg://{_USER}@/{name}?host={self.folder}"

    def _ask(self, statement: str, name: str = _USER, *, check: bool = True) -> int:
        command = [program("psql"), "-XqAt", "-h", str(self.folder), "-U", _USER, "-d", name]
        return subprocess.run(
            [*command, "-c", statement], check=check, capture_output=True
        ).returncode


@contextmanager
def postgresql_server() -> Iterator[PostgreSQL]:
    """A server for as long as the block lasts."""
    # Not pytest's folder: others may not look into that, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pyaiot-postgresql-"))
    try:
        if os.getuid() == 0:
            account = pwd.getpwnam(_USER)
            os.chown(folder, account.pw_uid, account.pw_gid)
        subprocess.run(
            [
                *_as_postgres(), program("initdb"), "-D", str(folder / "data"), "-U", _USER,
                "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync",
            ],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
        server = PostgreSQL(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        rmtree(folder, ignore_errors=True)
