# SPDX-License-Identifier: BSD-3-Clause
"""libcoap's tools as nodes: its client posts, its server is discovered, set and observed."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator

import pytest

from pyaiot.errors import CommandFailed
from pyaiot.gateway.adapter import Address
from pyaiot.gateway.coap.adapter import CoapAdapter
from pyaiot.gateway.coap.links import segments
from pyaiot.gateway.registrar import Policy
from pyaiot.messages.types import Device
from tests.gateway.coap.firmware import free_port
from tests.gateway.coap.gate import Gate, gate
from tests.gateway.guarded import LAMP, guarded, token
from tests.programs import require
from tests.waiting import eventually


@pytest.fixture
async def running_gate() -> AsyncIterator[Gate]:
    async with gate() as running:
        yield running


class Client:
    """coap-client."""

    def __init__(self, port: int) -> None:
        self._program = require("coap-client-notls", "libcoap3-bin")
        self._port = port

    async def __call__(
        self, path: str, body: str = "", *options: str, method: str = "post"
    ) -> tuple[str, str]:
        """What it writes to stdout, and to stderr."""
        payload = ("-e", body) if body else ()
        process = await asyncio.create_subprocess_exec(
            self._program,
            *("-m", method, "-B", "5", *payload, *options),
            f"coap://127.0.0.1:{self._port}/{path}",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, errors = await process.communicate()
        return out.decode(), errors.decode()


@pytest.fixture
def client(running_gate: Gate) -> Client:
    return Client(running_gate.port)


async def test_shows_a_token() -> None:
    adapter = CoapAdapter("127.0.0.1", 0)
    async with guarded(adapter, Policy.TOKEN, LAMP) as gateway:
        client = Client(adapter.port)
        assert "needs_token" in "".join(await client("alive", "alive:lamp"))
        # Its addresses have room for 100 bytes, an option by its number has more.
        shown = ("-O", f"15,token={token()}")
        await client("alive", "alive:lamp", *shown)
        assert gateway.nodes == {"lamp": "online"}
        await client("server", "temperature:21.5°C", *shown)
        await gateway.told("lamp", "temperature", "21.5°C")
        await client("server", f"token={token()}\ntemperature:22°C")
        await gateway.told("lamp", "temperature", "22°C")
        gateway.change(Device("lamp", (), bound=True))
        out, errors = await client("server", "temperature:0°C", *shown)
        assert "4.01" in out + errors
        assert "revoked" in out + errors
        assert not gateway.said("0°C")


@contextlib.asynccontextmanager
async def server(*options: str) -> AsyncIterator[int]:
    """coap-server at a port of its own."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        require("coap-server-notls", "libcoap3-bin"),
        *("-A", "127.0.0.1", "-p", str(port), *options),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        asker = Client(port)
        while "time" not in (await asker(".well-known/core", method="get"))[0]:
            assert process.returncode is None
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_its_posts(running_gate: Gate, client: Client) -> None:
    out, errors = await client("alive", "alive:lib")
    assert (out.strip(), errors) == ("Received 'alive:lib'", "")
    address = await running_gate.seen("lib")
    assert (await client("server", "temperature:23.4%20C"))[0].strip() == (
        "Received 'temperature:23.4 C'"
    )
    await running_gate.value(address, "temperature", "23.4 C")


async def test_its_non_confirmable_posts(running_gate: Gate, client: Client) -> None:
    assert (await client("reset", "reset:lib", "-N"))[0].strip() == "Received 'reset:lib'"
    await running_gate.seen("lib")
    assert running_gate.heard.sightings[0][1].rebooted


async def test_its_errors(client: Client) -> None:
    for method in ("get", "put"):
        assert "4.05" in (await client("alive", method=method))[1]
    assert "4.00" in (await client("server", "nocolon"))[1]
    assert "4.00" in (await client("alive"))[1]
    assert "4.04" in (await client("else", "x"))[1]


@pytest.mark.parametrize("size", [64, 1024])
async def test_its_long_posts(running_gate: Gate, client: Client, size: int) -> None:
    """Three kilobytes in blocks; the answer comes in blocks as well."""
    await client("alive", "alive:lib")
    address = await running_gate.seen("lib")
    text = "0123456789" * 300
    out, errors = await client("server", f"js:{text}", "-b", str(size))
    assert errors == ""
    assert out.strip() == f"Received 'js:{text}'"
    await running_gate.value(address, "js", text)


async def joined(running_gate: Gate, client: Client, port: int) -> Address:
    await client(f"alive?port={port}", "alive:lib")
    return await running_gate.seen("lib")


async def test_its_server_is_discovered(running_gate: Gate, client: Client) -> None:
    async with server() as port:
        address = await joined(running_gate, client, port)
        await running_gate.adapter.discover(address)
        values = running_gate.heard.values(address)
        assert {"time", "async", "example_data"} <= values.keys()
        assert values["async"] == "done"  # which takes it seconds
        assert str(values["example_data"]).startswith("a123456789b123456789")
        assert len(str(values["example_data"])) > 1024  # in blocks, that is


async def test_its_server_is_observed(running_gate: Gate, client: Client) -> None:
    """Its clock ticks each second; it notifies with both kinds of messages."""
    async with server("-N") as port:
        address = await joined(running_gate, client, port)
        discovery = asyncio.create_task(running_gate.adapter.discover(address))

        def ticks() -> set[object]:
            said = running_gate.heard.reports
            return {each.value for each in said if each.endpoint == "time"}

        await eventually(lambda: len(ticks()) >= 4)
        discovery.cancel()
        await asyncio.wait({discovery})


async def test_its_server_is_set(running_gate: Gate, client: Client) -> None:
    async with server("-d", "10", "-e") as port:
        address = await joined(running_gate, client, port)
        write = running_gate.adapter.write
        assert (await write(address, "example_data", "short")).confirmed
        assert (await client_of(port)("example_data", method="get"))[0].strip() == "short"
        text = "long°" * 150
        assert (await write(address, "example_data", text)).confirmed
        assert (await client_of(port)("example_data", method="get"))[0].strip() == text
        # Paths of several segments are made there.
        assert (await write(address, "a/b c", "1")).confirmed
        assert segments("a/b c") == ("a", "b c")
        assert (await client_of(port)("a/b%20c", method="get"))[0].strip() == "1"
        with pytest.raises(CommandFailed, match=r"4\.05"):
            await write(address, "async", "x")


def client_of(port: int) -> Client:
    return Client(port)
