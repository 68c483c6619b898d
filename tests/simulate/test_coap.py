# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pyaiot.errors import CommandFailed, InvalidValue, StartFailed
from pyaiot.gateway.adapter import Naming
from pyaiot.gateway.coap.adapter import CoapAdapter
from pyaiot.simulate import coap
from pyaiot.simulate.coap import CoapNode
from pyaiot.simulate.things import Thing
from tests.contracts.adapter import running
from tests.gateway.coap import wire
from tests.gateway.coap.firmware import free_port, udp
from tests.gateway.coap.gate import Gate, gate
from tests.gateway.coap.wire import Datagram
from tests.waiting import eventually

COMMAND = Path(__file__).parents[2] / "utils" / "coap" / "coap-test-node.py"


@pytest.fixture
async def running_gate() -> AsyncIterator[Gate]:
    async with gate() as running:
        yield running


@contextlib.asynccontextmanager
async def living(
    port: int,
    *resources: str,
    uid: str = "n1",
    period: float | None = None,
    host: str = "127.0.0.1",
    ports: Sequence[int] = (0,),
) -> AsyncIterator[tuple[CoapNode, Thing]]:
    thing = Thing(("name", "led", *resources), Random(1), period=period)
    node = CoapNode(thing, Random(1), uid=uid, gateway_host=host, gateway_port=port, ports=ports)
    task = asyncio.create_task(node.run())
    try:
        yield node, thing
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_announces_itself(running_gate: Gate) -> None:
    async with living(running_gate.port, "temperature") as (node, thing):
        address = await running_gate.seen("n1", 2)
        first, second = (sighting for _, sighting in running_gate.heard.sightings)
        assert (first.rebooted, second.rebooted) == (True, False)
        assert first.naming is Naming.UNIQUE
        assert address == f"127.0.0.1:{node.port}"
        await running_gate.adapter.discover(address)
        assert running_gate.heard.values(address) == thing.values


async def test_reports_of_its_own_accord(running_gate: Gate) -> None:
    async with living(running_gate.port, "temperature", "imu", period=0.02):
        address = await running_gate.seen("n1")
        await eventually(lambda: len(running_gate.heard.reports) > 5)
        assert str(running_gate.heard.values(address)["temperature"]).endswith("°C")


async def test_takes_values_and_reports_them(running_gate: Gate) -> None:
    async with living(running_gate.port, "js") as (_, thing):
        address = await running_gate.seen("n1")
        written = await running_gate.adapter.write(address, "led", "1")
        assert (written.confirmed, written.value) == (True, "1")
        await running_gate.value(address, "led", "1")
        script = "print('ü');" * 200
        await running_gate.adapter.write(address, "js", script)
        assert thing.values["js"] == script
        await running_gate.value(address, "js", script)


@pytest.mark.parametrize(
    ("resource", "value", "reason"),
    [
        ("led", "5", r"4\.00 Bad Request: Resource 'led' does not take this value"),
        ("name", "x", r"4\.05 Method Not Allowed: Resource 'name' is read-only"),
        ("teapot", "x", r"4\.04 Not Found: No resource 'teapot'"),
        (".well-known/core", "x", r"4\.05"),
    ],
)
async def test_refuses(running_gate: Gate, resource: str, value: str, reason: str) -> None:
    async with living(running_gate.port):
        address = await running_gate.seen("n1")
        with pytest.raises(CommandFailed, match=reason):
            await running_gate.adapter.write(address, resource, value)


async def test_refuses_what_is_no_text() -> None:
    async with living(1) as (node, _), udp() as stranger:
        await eventually(lambda: hasattr(node, "_transport"))
        asked = wire.request(wire.PUT, "led", b"\xff")
        answer = await stranger.exchange(asked, ("127.0.0.1", node.port))
        assert answer.code == wire.BAD_REQUEST
        asked = wire.request(wire.DELETE, "led", mid=2, token=b"2")
        answer = await stranger.exchange(asked, ("127.0.0.1", node.port))
        assert answer.code == wire.NOT_ALLOWED


async def test_says_formats_and_lists_its_resources() -> None:
    async with living(1) as (node, _), udp() as stranger:
        await eventually(lambda: hasattr(node, "_transport"))
        to = ("127.0.0.1", node.port)
        links = await stranger.exchange(wire.request(wire.GET, ".well-known/core"), to)
        assert links.payload == b"</name>;ct=0,</led>;ct=0"
        assert links.uint(wire.CONTENT_FORMAT) == 40
        led = await stranger.exchange(wire.request(wire.GET, "led", mid=2, token=b"2"), to)
        assert (led.payload, led.uint(wire.CONTENT_FORMAT)) == (b"0", 0)


async def test_several_on_one_machine(running_gate: Gate) -> None:
    async with (
        living(running_gate.port, uid="n1") as (_, first),
        living(running_gate.port, uid="n2") as (_, second),
    ):
        await running_gate.adapter.write(await running_gate.seen("n2"), "led", "1")
        await running_gate.seen("n1")
        assert (first.values["led"], second.values["led"]) == ("0", "1")


async def test_the_gateway_comes_later_and_goes(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coap, "ALIVE_PERIOD", 0.05)
    monkeypatch.setattr(coap, "FIRST_RETRY", 0.05)
    port = free_port()
    async with living(port, uid="n1"):
        await eventually(lambda: "does not take what is posted" in caplog.text)
        for attempt in (1, 2):
            async with running(CoapAdapter("127.0.0.1", port)) as heard:
                await eventually(lambda: heard.sightings)
                # The reboot was told before; a gateway that restarts is no reason to tell it again.
                assert heard.sightings[0][1].rebooted is (attempt == 1)
                lines = caplog.text.count("does not take")
            await eventually(lambda: caplog.text.count("does not take") > lines)  # noqa: B023
        assert caplog.text.count("is there again") == 2


async def test_a_gateway_that_refuses(caplog: pytest.LogCaptureFixture) -> None:
    async with udp() as refusing:
        refusing.on_datagram = lambda asked, address: refusing.send(
            Datagram(wire.ACK, wire.NOT_ALLOWED, asked.mid, asked.token, [], b"no"), address
        )
        async with living(refusing.port):
            await eventually(lambda: "4.05 Method Not Allowed: no" in caplog.text)


async def test_no_such_gateway(caplog: pytest.LogCaptureFixture) -> None:
    async with living(5683, host="nonesuch.invalid"):
        await eventually(lambda: "nonesuch.invalid:5683 does not take" in caplog.text)


async def test_both_addresses_of_localhost(
    running_gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway has but one of them, and not the first."""
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def both(host: Any, port: Any, **kwargs: Any) -> list[Any]:
        if host != "localhost":
            return list(await real(host, port, **kwargs))
        return [(0, 0, 0, "", ("::1", port, 0, 0)), (0, 0, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(loop, "getaddrinfo", both)
    async with living(running_gate.port, "temperature", host="localhost", period=0.02):
        await running_gate.seen("n1", 2)
        await eventually(lambda: len(running_gate.heard.reports) > 3)


async def test_a_zone_of_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    async with living(1) as (node, _):
        await eventually(lambda: hasattr(node, "_transport"))

        async def zoned(*_args: Any, **_kwargs: Any) -> list[Any]:
            return [(0, 0, 0, "", ("fe80::1", 1, 0, 7))]

        with monkeypatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "getaddrinfo", zoned)
            (remote,) = await node._remotes()
        assert remote.sockaddr == ("fe80::1", 1, 0, 7)


async def test_a_port_that_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    taken, free = free_port(), free_port()
    async with udp(port=taken), living(1, uid="", ports=(taken, free)) as (node, _):
        await eventually(lambda: node.uid)
        assert node.port == free
        assert node.uid == f"{socket.gethostname()}-{free}"
        assert f"port {taken} is taken; serving at port {free}" in caplog.text


async def test_ports_that_are_all_taken() -> None:
    thing = Thing((), Random(1))
    async with udp() as other:
        with pytest.raises(StartFailed, match="in use"):
            await CoapNode(thing, Random(1), ports=(other.port, other.port)).run()
    with pytest.raises(StartFailed):
        await CoapNode(thing, Random(1), ports=()).run()


def test_a_uid_that_no_node_can_have() -> None:
    with pytest.raises(InvalidValue):
        CoapNode(Thing((), Random(1)), Random(1), uid="a\nb")


def test_command() -> None:
    text = subprocess.run(
        [sys.executable, COMMAND, "--help"], check=True, capture_output=True, text=True
    ).stdout
    for option in ("gateway-host", "gateway-port", "imu", "led", "temperature", "pressure"):
        assert f"--{option}" in text
    for option in ("robot", "js", "version", "uid", "port", "period", "debug"):
        assert f"--{option}" in text


def test_wrong_options() -> None:
    for options in (["--uid", "a\nb"], ["--gateway-port", "x"], ["--period", "0"], ["--port=-1"]):
        done = subprocess.run(
            [sys.executable, COMMAND, *options], check=False, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1].startswith(("coap-test-node.py: ", str(COMMAND)))


def test_command_with_a_port_that_is_taken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, COMMAND, f"--port={port}"], check=False, capture_output=True, text=True
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"port {port}: Address already in use" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_commands_are_nodes(running_gate: Gate, number: signal.Signals) -> None:
    """Two on one machine, as they come."""

    async def start(uid: str, *options: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            COMMAND,
            "--gateway-host=127.0.0.1",
            f"--gateway-port={running_gate.port}",
            "--port=0",
            f"--uid={uid}",
            *options,
            stderr=subprocess.PIPE,
        )

    plain, full = await asyncio.gather(start("plain"), start("full", "--imu", "--js", "--version"))
    try:
        for uid, more in (
            ("plain", {"led", "temperature", "pressure"}),
            ("full", {"imu", "js", "version"}),
        ):
            address = await running_gate.seen(uid)
            await running_gate.adapter.discover(address)
            assert set(running_gate.heard.values(address)) == {"name", "board", "os"} | more
    finally:
        for process in (plain, full):
            process.send_signal(number)
    for process in (plain, full):
        _, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")
