# SPDX-License-Identifier: BSD-3-Clause
"""Tried in threads, so that the thread of the tests is never watched."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pyaiot.recorder.guard import Guard, Refused, is_public


def tried(guard: Guard, code: Callable[[], object]) -> BaseException | None:
    """What comes of running `code` in a watched thread."""
    raised: list[BaseException] = []

    def work() -> None:
        with guard.watching():
            try:
                code()
            except BaseException as exc:  # noqa: BLE001 - it is looked at
                raised.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return raised[0] if raised else None


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("8.8.8.8", True),
        ("2a00:1450:4001::1", True),
        ("127.0.0.1", False),
        ("127.1.2.3", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("172.16.3.4", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("ff0e::1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_addresses(host: str, public: bool) -> None:
    assert is_public(host) == public


def test_connections_are_looked_at_as_they_are_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

        def connect() -> None:
            # By name: what counts is where it leads.
            socket.create_connection(("localhost", address[1])).close()

        def talk() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                udp.sendto(b"x", address)

        for code in (connect, talk):
            guard = Guard(local=False)
            assert isinstance(tried(guard, code), Refused)
            assert "private network" in guard.refused
        assert tried(Guard(local=True), connect) is None
        over = Guard(local=True)
        over.over = True
        assert isinstance(tried(over, connect), Refused)
        # This thread is nobody's business; one that a library has left behind is.
        connect()
        left: list[BaseException] = []

        def go_on() -> None:
            try:
                connect()
            except Refused as exc:
                left.append(exc)

        thread = threading.Thread(target=go_on, name="paho-mqtt-client-1")
        thread.start()
        thread.join()
        assert left


def test_files_and_programs(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    (tmp_path / "link").symlink_to(secret)

    def unix() -> None:
        with socket.socket(socket.AF_UNIX) as plain:
            plain.connect(str(tmp_path / "socket"))

    for code in (
        secret.read_text,
        (tmp_path / "link").read_text,
        lambda: (tmp_path / "new").write_text("x"),
        lambda: Path("/etc/passwd").read_text(),
        lambda: open(os.fsencode(secret)),  # noqa: SIM115, PTH123 - is refused
        lambda: subprocess.run([sys.executable, "-V"], check=True),
        lambda: os.system("true"),  # noqa: S605
        lambda: sys.audit("open", object(), "r", 0),
        unix,
    ):
        guard = Guard(local=True)
        assert isinstance(tried(guard, code), Refused), code
        assert guard.refused
    allowed = Guard(local=False)
    assert tried(allowed, lambda: Path(os.__file__).read_bytes()) is None
    assert tried(allowed, lambda: os.fdopen(os.dup(2)).close()) is None
    assert not allowed.refused


def test_it_says_nothing_while_the_interpreter_ends() -> None:
    code = r"""
import os, sys
from pyaiot.recorder.guard import Guard

with Guard(local=False).watching():
    pass

class Last:
    def __del__(self, open=open, write=os.write):
        open("/dev/null").close()
        write(1, b"opened\n")

# Of all modules it is the last one to be cleared.
sys.last = Last()
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert (ran.stdout, ran.stderr) == ("opened\n", "")
