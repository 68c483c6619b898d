# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from pyaiot.errors import ListenFailed, SettingsInvalid, StartFailed
from pyaiot.run import LoopFactory, Ready, Service, quick_loop, run
from tests.loops import BOTH


async def forever(ready: Ready) -> None:
    ready("listening on nothing")
    await asyncio.Event().wait()


def signalled(number: int = signal.SIGTERM) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize("loop_factory", BOTH.values(), ids=BOTH)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_services(number: int, loop_factory: LoopFactory) -> None:
    ended = []

    async def serve(ready: Ready) -> None:
        try:
            await forever(ready)
        finally:
            ended.append(1)

    services = [Service("a", serve), Service("b", serve)]
    assert run(services, on_ready=signalled(number), loop_factory=loop_factory) == 0
    assert len(ended) == 2


def test_the_loop_is_the_one_that_is_asked_for() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve(ready: Ready) -> None:
        loops.append(asyncio.get_running_loop())
        await forever(ready)

    for factory in BOTH.values():
        run([Service("a", serve)], on_ready=signalled(), loop_factory=factory)
    expected = ["asyncio", "uvloop"][: len(BOTH)]
    assert [type(loop).__module__.partition(".")[0] for loop in loops] == expected


def test_where_uvloop_is_not_to_be_had_the_loop_is_the_usual_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert quick_loop() is None


def test_a_stage_starts_when_the_one_before_is_ready() -> None:
    order = []

    def service(name: str, delay: int) -> Service:
        async def serve(ready: Ready) -> None:
            order.append(f"{name} starts")
            for _ in range(delay):
                await asyncio.sleep(0)
            order.append(f"{name} ready")
            await forever(ready)

        return Service(name, serve)

    stages = [service("a", 3), service("b", 1)], [service("c", 0)]
    assert run(*stages, on_ready=signalled()) == 0
    assert order == ["a starts", "b starts", "b ready", "a ready", "c starts", "c ready"]


def test_readiness_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def quiet(ready: Ready) -> None:
        ready("")
        await asyncio.Event().wait()

    with caplog.at_level(logging.INFO):
        run([Service("broker", forever), Service("node", quiet)], on_ready=signalled())
    assert [record.message for record in caplog.records] == [
        "broker listening on nothing",
        "stopping",
    ]


@pytest.mark.parametrize("error", [StartFailed("port taken"), SettingsInvalid("no such file")])
def test_what_a_service_says_of_itself_is_raised(error: Exception) -> None:
    async def fails(_ready: Ready) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run([Service("a", forever), Service("b", fails)])
    assert caught.value is error


def test_a_port_that_is_taken_names_the_option() -> None:
    async def fails(_ready: Ready) -> None:
        raise ListenFailed("port taken.")

    with pytest.raises(StartFailed, match=r"^port taken \(--port\)$"):
        run([Service("a", fails, "--port")])


def test_what_is_wrong_elsewhere_names_no_such_option() -> None:
    async def fails(_ready: Ready) -> None:
        raise StartFailed("The store cannot be used.")

    with pytest.raises(StartFailed, match=r"^The store cannot be used\.$"):
        run([Service("a", fails, "--port")])


def test_a_crash_is_logged_and_ends_the_others(caplog: pytest.LogCaptureFixture) -> None:
    async def crashes(ready: Ready) -> None:
        ready("")
        async with asyncio.TaskGroup() as group:
            group.create_task(forever(ready))
            raise ZeroDivisionError("oh")

    assert run([Service("a", forever), Service("b", crashes)]) == 1
    (record,) = [each for each in caplog.records if each.levelno == logging.CRITICAL]
    assert record.message == "crashed: oh"
    assert record.exc_info is not None


def test_a_service_that_ends_by_itself_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    async def ends(_ready: Ready) -> None:
        pass

    assert run([Service("b", ends)]) == 1
    assert "crashed: b ended by itself" in caplog.text


def test_the_service_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        run([Service("a", forever)], on_ready=signalled())
        told = [manager.recv(100) for _ in range(3)]
    assert told == [b"WATCHDOG=1", b"READY=1", b"STOPPING=1"]


HANGING = """
    import asyncio, time
    from pyaiot.run import Service, run

    async def thread(ready):
        ready("")
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)

    async def stubborn(ready):
        ready("")
        while True:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                pass

    raise SystemExit(run([Service("x", NAME)], on_ready=lambda: print("ready", flush=True)))
"""


@pytest.mark.parametrize("name", ["thread", "stubborn"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_holds_the_process_up(name: str, number: int) -> None:
    program = textwrap.dedent(HANGING).replace("NAME", name)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(number)
            assert process.wait(20) == 0
        finally:
            process.kill()
