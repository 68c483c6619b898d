# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import signal
from typing import Any

import pytest

from tests.cli.stage import ANSWER, Stage, playing, stage
from tests.waiting import eventually


def reporting(value: str) -> ANSWER:
    """A gateway that carries out every command."""

    def answer(command: dict[str, Any]) -> list[dict[str, Any]]:
        data = command["data"]
        told = {"type": "update", "uid": data["uid"], "endpoint": data["endpoint"], "data": value}
        result = {"type": "result", "id": command["id"], "status": "applied"}
        return [told, result]

    return answer


def ending(status: str, reason: str = "") -> ANSWER:
    """A gateway whose commands all end so."""
    return lambda command: [
        {"type": "result", "id": command["id"], "status": status, "reason": reason}
    ]


@pytest.mark.parametrize("node", ["1234abcd", "1234a", "Desk lamp"])
@pytest.mark.parametrize("resource", ["led", "/led"])
async def test_sets_a_resource(scene: Stage, node: str, resource: str) -> None:
    scene.gateway.answer = reporting("1")
    ended = await scene.aiot("set", node, resource, "1")
    assert (ended.status, ended.out, ended.err) == (0, "Desk lamp  led 1\n", "")
    (command,) = scene.gateway.commands
    assert command["data"] == {"uid": "1234abcd", "endpoint": "led", "payload": "1"}


async def test_node_without_a_name(scene: Stage) -> None:
    await scene.gateway.node("nameless", led="0")
    await eventually(lambda: len(scene.broker.core.nodes.roll) == 3)
    scene.gateway.answer = reporting("1")
    assert (await scene.aiot("set", "nameless", "led", "1")).out == "nameless  led 1\n"


@pytest.mark.parametrize("value", ["-255:0:-255\n", "-h", "--json", "", "ü °"])
async def test_any_value(scene: Stage, value: str) -> None:
    scene.gateway.answer = reporting(value)
    ended = await scene.aiot("set", "Rover", "ribot", "--", value)
    assert (ended.status, ended.err) == (0, "")
    assert scene.gateway.commands[0]["data"]["payload"] == value


async def test_value_may_begin_with_a_minus(scene: Stage) -> None:
    scene.gateway.answer = reporting("")
    assert (await scene.aiot("set", "Rover", "ribot", "-255:0:-255")).status == 0
    assert scene.gateway.commands[0]["data"]["payload"] == "-255:0:-255"


@pytest.mark.parametrize(
    ("status", "reason", "exit_status", "line"),
    [
        ("failed", "The node refuses\nthat.", 3, "aiot: failed: The node refuses\\nthat.\n"),
        ("failed", "", 3, "aiot: failed\n"),
        ("timeout", "Nothing was heard.", 4, "aiot: timeout: Nothing was heard.\n"),
        ("denied", "No.", 5, "aiot: denied: No.\n"),
        ("unknown_node", "It left.", 6, "aiot: unknown_node: It left.\n"),
    ],
)
async def test_result_is_the_exit_status(
    scene: Stage, status: str, reason: str, exit_status: int, line: str
) -> None:
    scene.gateway.answer = ending(status, reason)
    ended = await scene.aiot("set", "Rover", "led", "1")
    assert (ended.status, ended.out, ended.err) == (exit_status, "", line)


async def test_tells_programs(scene: Stage) -> None:
    scene.gateway.answer = ending("failed", "No.")
    ended = await scene.aiot("set", "--json", "Rover", "led", "1")
    assert (ended.status, ended.err) == (3, "")
    assert ended.objects == [
        {
            "uid": "1234ef01",
            "name": "Rover",
            "resource": "led",
            "value": "1",
            "status": "failed",
            "reason": "No.",
        }
    ]


async def test_waits_for_a_node_that_sleeps(scene: Stage) -> None:
    def answer(command: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            *ending("queued", "The node sleeps.")(command),
            *ending("applied")(command),
        ]

    scene.gateway.answer = answer
    ended = await scene.aiot("set", "Rover", "led", "1")
    assert (ended.status, ended.out) == (0, "Rover  led 1\n")
    assert ended.err == "aiot: The node sleeps.\n"


async def test_gives_up(scene: Stage) -> None:
    ended = await scene.aiot("set", "--timeout=0.2", "Rover", "led", "1")
    assert ended.status == 4
    assert ended.err.startswith("aiot: timeout: ")


async def test_stranger_may_only_look(home: object) -> None:
    del home
    async with stage(anonymous="view") as scene:
        ended = await scene.aiot("set", "Rover", "led", "1")
        assert ended.status == 5
        assert ended.err.startswith("aiot: denied")
        assert scene.gateway.commands == []


async def test_node_that_is_not_there(scene: Stage) -> None:
    ended = await scene.aiot("set", "teapot", "led", "1")
    assert (ended.status, ended.err) == (6, "aiot: There is no node 'teapot'.\n")


async def test_node_that_may_be_several(scene: Stage) -> None:
    ended = await scene.aiot("set", "1234", "led", "1")
    assert ended.status == 2
    assert ended.err == (
        "aiot: '1234' is the beginning of the uid of several nodes: 1234abcd, 1234ef01.\n"
    )
    assert scene.gateway.commands == []


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("Rover",),
        ("Rover", "led"),
        ("Rover", "led", "1", "2"),
        ("Rover", "", "1"),
        ("Rover", "l\ned", "1"),
        ("Rover", "led", "x" * 65_537),
        ("Rover", "led", "1", "--jsno"),
        ("Rover", "led", "1", "--timeout=soon"),
    ],
)
async def test_mistakes(scene: Stage, words: tuple[str, ...]) -> None:
    ended = await scene.aiot("set", *words)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("aiot: ")
    assert ended.err.count("\n") == 1
    assert scene.gateway.commands == []


async def test_broker_that_is_not_there(scene: Stage) -> None:
    assert (await scene.aiot("set", "Rover", "led", "1", port=1)).status == 1


async def test_broker_that_goes_away(scene: Stage) -> None:
    attempt = asyncio.create_task(scene.aiot("set", "Rover", "led", "1"))
    await eventually(lambda: scene.gateway.commands)
    await scene.broker.server.stop()
    ended = await attempt
    assert ended.status == 1
    assert ended.err.startswith("aiot: no connection to the broker at 127.0.0.1:")


async def test_node_at_an_original_gateway(scene: Stage) -> None:
    def answer(command: dict[str, Any]) -> list[dict[str, Any]]:
        return reporting(command["data"]["payload"])({**command, "id": ""})[:1]

    async with playing(scene.broker) as original:
        original.answer = answer
        await original.node("old", name="Original", led="0")
        await eventually(lambda: len(scene.broker.core.nodes.roll) == 3)
        ended = await scene.aiot("set", "Original", "led", "1")
        assert (ended.status, ended.err) == (0, "")


async def test_interrupted(scene: Stage) -> None:
    process = await scene.start("set", "Rover", "led", "1")
    await eventually(lambda: scene.gateway.commands)
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"\n")
