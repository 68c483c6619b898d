# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import json
import signal
import socket
from pathlib import Path

import pytest

from tests.commands import free_ports, run_to_end, running
from tests.end_to_end.client import client, fetched
from tests.end_to_end.test_demo import options


async def becomes(port: int, member: str, value: int) -> None:
    """Wait until a broker's ``/health`` says so."""
    url, found = f"http://localhost:{port}/health", None
    async with asyncio.timeout(20):
        while found != value:
            found = json.loads(await fetched(url))[member]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_everything_in_one_process(number: int, tmp_path: Path) -> None:
    ports = free_ports(5)
    folder = tmp_path / "tmp"
    folder.mkdir()
    async with running(tmp_path, "aiot", "up", *options(ports), TMPDIR=str(folder)) as up:
        await up.says("The page is at")
        assert "made the key file" in up.log
        assert (tmp_path / ".pyaiot" / "keys").stat().st_mode & 0o777 == 0o600
        await becomes(ports[0], "gateways", 3)
        config = json.loads(await fetched(f"http://localhost:{ports[4]}/config.json"))
        assert config["broker"]["port"] == ports[0]
        # The page's server looks for itself.
        await becomes(ports[0], "clients", 1)
        async with client(ports[0]):
            await becomes(ports[0], "clients", 2)
        assert await up.end(number) == 0
    assert not list(folder.iterdir()), "something of this run is left behind"
    assert "Traceback" not in up.log


async def test_a_key_file_lets_others_join(tmp_path: Path) -> None:
    ports = free_ports(6)
    await run_to_end(tmp_path, "aiot-generate-keys")
    other = ("aiot-ws-gateway", f"--gateway-port={ports[5]}", f"--broker-port={ports[0]}")
    async with running(tmp_path, "aiot", "up", *options(ports[:5])) as up:
        await up.says("The page is at")
        async with running(tmp_path, *other, "--name=other") as gateway:
            await gateway.says("listening on")
            await becomes(ports[0], "gateways", 4)
            assert await gateway.end() == 0


OPTIONS = ("--broker-port", "--coap-port", "--mqtt-port", "--gateway-port", "--web-port")


@pytest.mark.parametrize("taken", range(5), ids=OPTIONS)
async def test_a_port_that_is_taken(taken: int, tmp_path: Path) -> None:
    ports = free_ports(5)
    kind = socket.SOCK_DGRAM if OPTIONS[taken] == "--coap-port" else socket.SOCK_STREAM
    with socket.socket(type=kind) as other:
        other.bind(("127.0.0.1", ports[taken]))
        if kind == socket.SOCK_STREAM:
            other.listen()
        status, log = await run_to_end(tmp_path, "aiot", "up", *options(ports), "--logging=error")
    assert status == 1
    (line,) = log.splitlines()
    assert line.startswith("aiot: ")
    assert str(ports[taken]) in line
    assert OPTIONS[taken] in line


async def test_mistakes(tmp_path: Path) -> None:
    for words, reason in (
        (["up", "--broker-port=0"], "--broker-port: 'aiot up' needs a port"),
        (["demo", "--coap-port=0"], "--coap-port: simulated nodes need a port"),
        (["up", "--key-file=missing"], "aiot-generate-keys"),
        (["up", "--host=not a host"], "not a host"),
    ):
        status, log = await run_to_end(tmp_path, "aiot", *words, "--logging=error")
        assert log.startswith("aiot: "), log
        assert reason in log
        assert log.count("\n") == 1
        assert status in {1, 2}
