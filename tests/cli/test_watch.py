# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import click
import pytest

from pyaiot.cli import watch
from pyaiot.cli.connection import subscriber_for
from pyaiot.errors import InvalidValue
from pyaiot.settings import ClientSettings
from tests.broker.running import running_broker
from tests.cli.stage import Stage, playing
from tests.waiting import eventually


@dataclass
class Watching:
    """The command at work in this process."""

    task: "asyncio.Task[int]"
    out: StringIO = field(default_factory=StringIO)
    err: StringIO = field(default_factory=StringIO)

    @property
    def lines(self) -> list[str]:
        """What was written, without the times."""
        return [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", "", line) for line in self.raw]

    @property
    def raw(self) -> list[str]:
        return self.out.getvalue().splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.raw]


@asynccontextmanager
async def watching(scene: Stage, *words: str, as_json: bool = False) -> AsyncIterator[Watching]:
    port = scene.broker.port
    settings = ClientSettings(broker_host="127.0.0.1", broker_port=port, json=as_json)
    out, err = StringIO(), StringIO()
    clients = len(scene.broker.core.clients)
    with redirect_stdout(out), redirect_stderr(err), click.Context(watch.command, info_name="aiot"):
        task = asyncio.create_task(watch._run(subscriber_for(settings), settings, words))
        await eventually(lambda: task.done() or len(scene.broker.core.clients) > clients)
        # What it asks for next it gets after everything that was said before.
        await eventually(lambda: task.done() or joined(scene))
        try:
            yield Watching(task, out, err)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def joined(scene: Stage) -> bool:
    return all(client.greeted for client in scene.broker.core.clients.values())


async def test_tells_every_change(scene: Stage) -> None:
    async with watching(scene) as seen:
        await scene.gateway.update("1234abcd", led="1", temperature="24°C")
        await scene.gateway.node("new", name="Lamp")
        await scene.gateway.say(
            {"type": "reset", "uid": "1234ef01"},
            {"type": "availability", "uid": "new", "availability": "late", "seen": 5},
            {"type": "out", "uid": "new"},
        )
        await eventually(lambda: len(seen.lines) == 7)
        assert seen.lines == [
            "Desk lamp  led 1",
            "Desk lamp  temperature 24°C",
            "new  is online",
            "Lamp  name Lamp",
            "Rover  has rebooted",
            "Lamp  is late",
            "Lamp  is gone",
        ]
        assert seen.raw[0] != seen.lines[0]
        assert seen.err.getvalue() == ""


async def test_tells_programs(scene: Stage) -> None:
    async with watching(scene, as_json=True) as seen:
        await scene.gateway.update("1234ef01", imu=[1, None])
        await scene.gateway.node("new")
        await scene.gateway.say({"type": "out", "uid": "1234abcd"})
        await eventually(lambda: len(seen.raw) == 3)
        assert all(each.pop("time") > 1e9 for each in seen.objects)
        for told in (objects := seen.objects):
            del told["time"]
        assert objects == [
            {
                "event": "update",
                "uid": "1234ef01",
                "name": "Rover",
                "resource": "imu",
                "value": [1, None],
            },
            {"event": "new", "uid": "new", "name": "", "availability": "online"},
            {"event": "out", "uid": "1234abcd", "name": "Desk lamp"},
        ]


@pytest.mark.parametrize("node", ["Desk lamp", "1234abcd", "1234a"])
async def test_one_node(scene: Stage, node: str) -> None:
    async with watching(scene, node) as seen:
        await scene.gateway.update("1234ef01", led="1")
        await scene.gateway.update("1234abcd", led="1")
        await eventually(lambda: seen.lines)
        assert seen.lines == ["Desk lamp  led 1"]


async def test_one_resource(scene: Stage) -> None:
    async with watching(scene, "Desk lamp", "/led") as seen:
        await scene.gateway.update("1234abcd", temperature="24°C")
        await scene.gateway.say({"type": "reset", "uid": "1234abcd"})
        await scene.gateway.update("1234abcd", led="1")
        await eventually(lambda: seen.lines)
        assert seen.lines == ["Desk lamp  led 1"]


async def test_waits_for_a_node(scene: Stage) -> None:
    async with watching(scene, "Lamp") as seen:
        await eventually(seen.err.getvalue)
        assert seen.err.getvalue() == "aiot: there is no node 'Lamp' yet\n"
        await scene.gateway.node("1234abcd-2", led="0", name="Lamp")
        await scene.gateway.update("1234ef01", led="1")
        await scene.gateway.update("1234abcd-2", led="1")
        await eventually(lambda: len(seen.lines) == 2)
        assert seen.lines == ["Lamp  name Lamp", "Lamp  led 1"]


async def test_goes_on_with_a_node_that_comes_back(scene: Stage) -> None:
    async with watching(scene, "1234ab") as seen:
        await scene.gateway.say({"type": "out", "uid": "1234abcd"})
        await scene.gateway.node("1234abff", name="Other")
        await scene.gateway.node("1234abcd", name="Desk lamp")
        await eventually(lambda: len(seen.lines) == 3)
        assert seen.lines == [
            "Desk lamp  is gone",
            "1234abcd  is online",
            "Desk lamp  name Desk lamp",
        ]


async def test_namesakes_are_told_apart(scene: Stage) -> None:
    async with watching(scene) as seen:
        await scene.gateway.update("1234ef01", name="Desk lamp")
        await scene.gateway.update("1234abcd", led="1")
        await eventually(lambda: len(seen.lines) == 2)
        assert seen.lines[1] == "Desk lamp (1234abcd)  led 1"


async def test_node_that_may_be_several(scene: Stage) -> None:
    with pytest.raises(InvalidValue, match="several nodes"):
        async with watching(scene, "1234") as seen:
            await seen.task


async def test_nodes_cannot_command_the_terminal(scene: Stage) -> None:
    async with watching(scene) as seen:
        await scene.gateway.update("1234ef01", name="\x1b[2J\n")
        await eventually(lambda: seen.lines)
        assert seen.lines == ["\\x1b[2J\\n  name \\x1b[2J\\n"]


async def test_comes_back_and_tells_what_it_missed(
    scene: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyaiot.link.backoff.Backoff.next", lambda _: 0.05)
    async with watching(scene) as seen:
        await scene.broker.server.stop()
        await eventually(lambda: "trying again" in seen.err.getvalue())
        assert seen.lines == []
        async with (
            running_broker(port=scene.broker.port, accept_unsigned=True) as again,
            playing(again, "availability") as gateway,
        ):
            await gateway.node("1234abcd", name="Desk lamp")
            await gateway.update("1234abcd", led="1")
            await eventually(lambda: "Desk lamp  led 1" in seen.lines)
            await gateway.update("1234abcd", led="0")
            await eventually(lambda: seen.lines[-1:] == ["Desk lamp  led 0"])
            assert "Rover  is gone" in seen.lines


@pytest.fixture
def in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals are for the main thread."""
    monkeypatch.setattr("pyaiot.cli.connection.leave_on_signal", lambda: None)


@pytest.mark.usefixtures("in_a_thread")
async def test_broker_that_is_not_there(scene: Stage) -> None:
    ended = await scene.aiot("watch", port=1)
    assert ended.status == 1
    assert ended.err == "aiot: no connection to the broker at 127.0.0.1:1: connection refused\n"


@pytest.mark.usefixtures("in_a_thread")
@pytest.mark.parametrize("words", [("a", "b", "c"), ("a", ""), ("a", "b\n"), ("--jsno",)])
async def test_mistakes(scene: Stage, words: tuple[str, ...]) -> None:
    ended = await scene.aiot("watch", *words)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ends_by_a_signal(scene: Stage, number: signal.Signals) -> None:
    process = await scene.start("watch", "--json", "Rover")
    await eventually(lambda: scene.broker.core.clients and joined(scene))
    await scene.gateway.update("1234ef01", led="1")
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline())["value"] == "1"
    process.send_signal(number)
    _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


async def test_reader_that_has_enough(scene: Stage) -> None:
    process = await scene.start("watch")
    await eventually(lambda: scene.broker.core.clients and joined(scene))
    assert process.stdout is not None
    await scene.gateway.update("1234ef01", led="1")
    await process.stdout.readline()
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]

    async def go_on() -> None:
        while process.returncode is None:
            await scene.gateway.update("1234ef01", led="0")
            await asyncio.sleep(0.05)

    await asyncio.wait_for(go_on(), 10)
    assert process.stderr is not None
    assert await process.stderr.read() == b""
