# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import contextlib
import os
import socket
from pathlib import Path

import pytest

from pyaiot.observe.systemd import ServiceManager
from tests.waiting import eventually


def test_without_a_manager_nothing_happens() -> None:
    manager = ServiceManager.of({"WATCHDOG_USEC": "1000000"}, 1)
    assert manager == ServiceManager()
    manager.notify("READY=1")
    asyncio.run(manager.keep_informed())


@pytest.mark.parametrize(
    ("environ", "watchdog"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
def test_the_environment(environ: dict[str, str], watchdog: float) -> None:
    manager = ServiceManager.of({"NOTIFY_SOCKET": "/run/x", **environ}, 7)
    assert manager == ServiceManager("/run/x", watchdog)


def test_the_abstract_namespace() -> None:
    name = f"pyaiot-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        ServiceManager(f"@{name}").notify("READY=1")
        sock.setblocking(False)
        assert sock.recv(100) == b"READY=1"


def test_a_manager_that_does_not_listen(caplog: pytest.LogCaptureFixture) -> None:
    ServiceManager("/nowhere/at/all").notify("READY=1")
    assert "cannot tell the service manager READY=1" in caplog.text


async def test_the_watchdog_hears_again_and_again(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        heard = []

        def listen() -> int:
            with contextlib.suppress(BlockingIOError):
                heard.append(sock.recv(100))
            return len(heard)

        manager = ServiceManager(str(tmp_path / "notify"), 0.01)
        task = asyncio.create_task(manager.keep_informed())
        await eventually(lambda: listen() > 2)
        task.cancel()
    assert set(heard) == {b"WATCHDOG=1"}
