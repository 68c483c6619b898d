# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import contextlib
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from websockets.asyncio.server import ServerConnection, serve

from pyaiot.errors import InvalidValue
from pyaiot.gateway.adapter import Address, Naming
from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from pyaiot.link.backoff import Backoff
from pyaiot.simulate.things import Thing
from pyaiot.simulate.websocket import WebsocketNode
from tests.contracts.adapter import Heard, running
from tests.waiting import eventually

COMMAND = Path(__file__).parents[2] / "utils" / "ws" / "ws-test-node.py"


@pytest.fixture
def adapter() -> WebsocketAdapter:
    return WebsocketAdapter("127.0.0.1", 0, grace=0.05)


@pytest.fixture
async def heard(adapter: WebsocketAdapter) -> AsyncIterator[Heard]:
    async with running(adapter) as heard:
        yield heard


@contextlib.asynccontextmanager
async def living(
    port: int, *resources: str, uid: str = "", period: float | None = None
) -> AsyncIterator[Thing]:
    thing = Thing(("name", "led", *resources), Random(1), period=period)
    url = f"ws://127.0.0.1:{port}/node"
    backoff = Backoff(lambda: 1.0, base=0.01, cap=0.02)
    task = asyncio.create_task(WebsocketNode(thing, url, Random(1), uid=uid, backoff=backoff).run())
    try:
        yield thing
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def place(heard: Heard) -> Address:
    return (await eventually(lambda: heard.sightings))[-1][0]


async def test_tells_all_when_asked(adapter: WebsocketAdapter, heard: Heard) -> None:
    async with living(adapter.port, "os") as thing:
        address = await place(heard)
        await eventually(lambda: heard.values(address) == thing.values)
        assert heard.sightings[0][1].naming is Naming.PASSING


async def test_names_itself(adapter: WebsocketAdapter, heard: Heard) -> None:
    async with living(adapter.port, uid="desk"):
        await place(heard)
    assert heard.sightings[0][1].name == "desk"
    assert heard.sightings[0][1].naming is Naming.LOCAL
    with pytest.raises(InvalidValue):
        WebsocketNode(Thing((), Random(1)), "ws://localhost/node", Random(1), uid="\n")


async def test_reports_of_its_own_accord(adapter: WebsocketAdapter, heard: Heard) -> None:
    async with living(adapter.port, "temperature", "version", period=0.01):
        address = await place(heard)
        await eventually(lambda: len({said.value for said in heard.reports}) > 5)
        assert str(heard.values(address)["temperature"]).endswith("°C")


async def test_takes_a_value_and_confirms_it(adapter: WebsocketAdapter, heard: Heard) -> None:
    async with living(adapter.port) as thing:
        address = await place(heard)
        await adapter.write(address, "led", "1")
        await eventually(lambda: heard.values(address)["led"] == "1")
        assert thing.values["led"] == "1"


async def test_says_what_is_when_it_refuses(adapter: WebsocketAdapter, heard: Heard) -> None:
    async with living(adapter.port):
        address = await place(heard)
        await eventually(lambda: heard.values(address))
        heard.reports.clear()
        await adapter.write(address, "led", "5")
        await adapter.write(address, "name", "5")
        await adapter.write(address, "teapot", "5")
        await adapter.write(address, "led", "1")
        await eventually(lambda: len(heard.reports) == 3)
        said = [(report.endpoint, report.value) for report in heard.reports]
        assert said == [("led", "0"), ("name", "Test node"), ("led", "1")]


async def test_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with living(port, uid="desk"):
        await eventually(lambda: "no connection to ws://127.0.0.1" in caplog.text)
        for _ in range(2):
            async with running(WebsocketAdapter("127.0.0.1", port)) as heard:
                address = await place(heard)
                await eventually(lambda: heard.values(address).get("led") == "0")  # noqa: B023 - waited for at once


async def test_stable_connection_ends_the_backing_off(
    adapter: WebsocketAdapter, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyaiot.simulate.websocket.STABLE", 0.0)
    async with living(adapter.port, uid="desk"):
        for count in range(1, 4):
            await eventually(lambda: len({at for at, _ in heard.sightings}) >= count)  # noqa: B023 - waited for at once
            adapter._named["desk"].socket.transport.abort()
            await eventually(lambda: len(heard.losses) >= count)  # noqa: B023 - waited for at once


@contextlib.asynccontextmanager
async def gateway(*frames: str | bytes) -> AsyncIterator[tuple[int, asyncio.Future[str | bytes]]]:
    """A gateway that sends `frames`; its port, and the first frame it gets."""
    got: asyncio.Future[str | bytes] = asyncio.get_running_loop().create_future()

    async def handle(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(frame)
        got.set_result(await connection.recv())

    async with serve(handle, "127.0.0.1", 0) as server:
        yield next(iter(server.sockets)).getsockname()[1], got


async def test_survives_a_strange_gateway(caplog: pytest.LogCaptureFixture) -> None:
    strange = ("", "[]", "5", '{"endpoint":"led"}', b"\xff", '{"endpoint":[],"payload":"1"}')
    caplog.set_level(logging.INFO)
    async with gateway(*strange, '{"endpoint":"led","payload":1}') as (port, got), living(port):
        assert await asyncio.wait_for(got, 10) == '{"type": "update", "data": {"led": "1"}}'
    assert caplog.text.count("ignored a request") == 5


def test_command() -> None:
    help_text = subprocess.run(
        [sys.executable, COMMAND, "--help"], check=True, capture_output=True, text=True
    ).stdout
    for option in ("gateway-host", "gateway-port", "uid", "period", "led", "temperature"):
        assert f"--{option}" in help_text
    for option in ("pressure", "imu", "robot", "js", "version"):
        assert f"--{option}" in help_text
    wrong = subprocess.run(
        [sys.executable, COMMAND, "--uid", "a\nb"], check=False, capture_output=True, text=True
    )
    assert wrong.returncode == 2
    assert wrong.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "resources"),
    [
        ((), {"node", "name", "led", "os"}),
        (("--uid", "desk", "--imu", "--js"), {"node", "name", "os", "imu", "js"}),
    ],
)
async def test_command_is_a_node(
    adapter: WebsocketAdapter, heard: Heard, options: tuple[str, ...], resources: set[str]
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        COMMAND,
        "--gateway-host=127.0.0.1",
        f"--gateway-port={adapter.port}",
        *options,
        stderr=subprocess.PIPE,
    )
    address = await place(heard)
    await eventually(lambda: set(heard.values(address)) == resources)
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
