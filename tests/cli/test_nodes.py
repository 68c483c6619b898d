# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import os
import pty
import struct
import termios
from fcntl import ioctl
from pathlib import Path

import pytest

from pyaiot.link.keyfile import write_keys
from pyaiot.messages.keys import KeyPair, KeyRing
from tests.cli.stage import AIOT, Stage, playing, stage
from tests.waiting import eventually


async def test_lists_what_there_is(scene: Stage) -> None:
    await scene.gateway.say(
        {"type": "availability", "uid": "1234ef01", "availability": "late", "seen": 5}
    )
    rover_known = scene.broker.core.nodes.get("1234ef01")
    await eventually(lambda: rover_known is not None and rover_known.availability == "late")
    ended = await scene.aiot("nodes")
    assert (ended.status, ended.err) == (0, "")
    header, desk, rover = (line.split("  ") for line in ended.out.splitlines())
    assert [word.strip() for word in header if word] == [
        "NAME",
        "UID",
        "PROTOCOL",
        "STATE",
        "HEARD",
        "VALUES",
    ]
    assert [word.strip() for word in desk if word] == [
        "Desk lamp",
        "1234abcd",
        "CoAP",
        "online",
        "now",
        "led=0 temperature=23°C",
    ]
    assert [word.strip() for word in rover if word][:4] == ["Rover", "1234ef01", "MQTT", "late"]
    assert rover[-1] == 'imu=[{"type": "acc"}]'


async def test_tells_programs(scene: Stage) -> None:
    ended = await scene.aiot("nodes", "--json")
    assert (ended.status, ended.err) == (0, "")
    desk, rover = ended.objects
    assert (desk["uid"], desk["name"], desk["protocol"]) == ("1234abcd", "Desk lamp", "CoAP")
    assert desk["availability"] == "online"
    assert desk["seen"] > 1e9
    assert desk["resources"]["temperature"]["value"] == "23°C"
    assert desk["resources"]["temperature"]["time"] > 1e9
    assert rover["resources"]["imu"]["value"] == [{"type": "acc"}]


async def test_nodes_cannot_command_the_terminal(scene: Stage) -> None:
    await scene.gateway.node("\u202enode", name="\x1b[2J", text="a\nb")
    await eventually(lambda: len(scene.broker.core.nodes.roll) == 3)
    ended = await scene.aiot("nodes")
    assert len(ended.out.splitlines()) == 4
    assert ended.out.replace("\n", "").isprintable()


@pytest.mark.usefixtures("home")
async def test_knows_nothing_of_an_empty_broker() -> None:
    async with stage() as scene:
        await scene.gateway.say({"type": "out", "uid": "1234abcd"})
        await scene.gateway.say({"type": "out", "uid": "1234ef01"})
        await eventually(lambda: not scene.broker.core.nodes.roll)
        ended = await scene.aiot("nodes")
        assert (ended.status, ended.out) == (0, "")
        assert ended.err.endswith("aiot simulate\n")
        ended = await scene.aiot("nodes", "--json")
        assert (ended.status, ended.out, ended.err) == (0, "", "")


async def test_fits_the_terminal(scene: Stage) -> None:
    await scene.gateway.update("1234abcd", text="word " * 50)
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *AIOT, "nodes", f"--broker-port={scene.broker.port}", "--broker-host=127.0.0.1",
        stdout=theirs,
        env={name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}},
    )  # fmt: skip
    assert await process.wait() == 0
    lines = os.read(ours, 10_000).decode().splitlines()
    os.close(ours)
    os.close(theirs)
    assert len(lines) == 3
    assert max(map(len, lines)) == 60
    assert lines[1].endswith("…")


async def test_broker_that_is_not_there(scene: Stage) -> None:
    ended = await scene.aiot("nodes", port=1)
    assert ended.status == 1
    assert ended.out == ""
    assert ended.err == "aiot: no connection to the broker at 127.0.0.1:1: connection refused\n"


async def test_address_that_is_none(scene: Stage) -> None:
    ended = await scene.aiot("nodes", "--broker-host=a b")
    assert ended.status in {1, 2}
    assert ended.err.count("\n") == 1


async def test_proves_itself_where_strangers_may_not_enter(home: Path) -> None:
    async with stage(anonymous="none") as scene:
        ended = await scene.aiot("nodes")
        assert ended.status == 5
        assert ended.err.startswith("aiot: This broker wants credentials.")
        assert ended.err.count("\n") == 1
        write_keys(home / ".pyaiot" / "keys", scene.broker.ring)
        assert (await scene.aiot("nodes")).status == 0
        named = write_keys(home / "named", KeyRing((KeyPair.generate(os.urandom),)))
        ended = await scene.aiot("nodes", f"--key-file={named}")
        reason = f"not let in with the keys of {named}: Invalid token"
        assert (ended.status, ended.err) == (5, f"aiot: {reason}\n")
        both = KeyRing((KeyPair.generate(os.urandom), scene.broker.ring.current))
        write_keys(named, both, force=True)
        assert (await scene.aiot("nodes", f"--key-file={named}")).status == 0


async def test_goes_on_without_proof_where_its_keys_are_for_another_broker(
    scene: Stage, home: Path
) -> None:
    write_keys(home / ".pyaiot" / "keys", KeyRing((KeyPair.generate(os.urandom),)))
    assert (await scene.aiot("nodes")).status == 0


async def test_key_file_that_is_named_must_be_there(scene: Stage) -> None:
    ended = await scene.aiot("nodes", "--key-file=/nowhere")
    assert ended.status == 2
    assert ended.err.startswith("aiot: There is no key file '/nowhere'.")
    assert ended.err.count("\n") == 1


async def test_settings_come_from_the_environment_too(
    scene: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYAIOT_JSON", "true")
    assert len((await scene.aiot("nodes")).objects) == 2
    assert (await scene.aiot("nodes", "--json=false")).out.startswith("NAME")
    ended = await scene.aiot("nodes", "--json=perhaps")
    assert ended.status == 2
    assert ended.err == "aiot: --json: expected true or false, not 'perhaps'\n"


@pytest.mark.usefixtures("home")
async def test_nodes_of_an_original_gateway() -> None:
    async with stage() as scene, playing(scene.broker) as original:
        await original.node("old", name="Original")
        await eventually(lambda: len(scene.broker.core.nodes.roll) == 3)
        assert "Original" in (await scene.aiot("nodes")).out
