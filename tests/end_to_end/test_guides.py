# SPDX-License-Identifier: BSD-3-Clause
"""What the guides tell people to type, typed while `aiot up` runs."""

import asyncio
import json
import os
import re
import shlex
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path

import pytest

from pyaiot.cli.aiot import command
from pyaiot.cli.entry import execute
from tests import programs
from tests.commands import free_ports, running
from tests.end_to_end.test_demo import options

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "howto"
PASSWORD = "correct horse"


def typed(page: Path) -> list[str]:
    """What stands behind a prompt."""
    return re.findall(r"^\$ (.+)$", page.read_text("utf-8"), re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """What is to be put into a file."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )


class Reader:
    """Somebody who follows the guides, in a folder and with ports of their own."""

    def __init__(self, home: Path, ports: list[int], patch: pytest.MonkeyPatch) -> None:
        broker, coap, mqtt, gateway, web = ports
        self._home = home
        self._patch = patch
        self._places = {
            "localhost:8080": f"localhost:{web}",
            "localhost:8001": f"localhost:{gateway}",
            "coap://localhost/": f"coap://localhost:{coap}/",
            "-p 1886": f"-p {mqtt}",
            "UID": "shed",
            "\u2026": PASSWORD,
        }
        # Of curl, an answer that is an error is one.
        (home / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\nmax-time=20\n")
        patch.chdir(home)
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        patch.setenv("PYAIOT_BROKER_PORT", str(broker))

    def adapted(self, text: str) -> str:
        for shown, here in self._places.items():
            text = text.replace(shown, here)
        return text

    async def types(self, *lines: str) -> str:
        """Type commands, all of which must succeed; what they print."""
        return "".join([await self._typed(self.adapted(each)) for each in lines])

    async def succeeds_with(self, line: str) -> str:
        """Type a command until it succeeds; what it prints."""
        async with asyncio.timeout(10):
            while True:
                with suppress(AssertionError):
                    return await self.types(line)

    async def _typed(self, line: str) -> str:
        kept = re.fullmatch(r"export (\w+)=\$\((.+)\)", line)
        if kept is not None:
            self._patch.setenv(kept[1], (await self._typed(kept[2])).strip())
            return ""
        if line.startswith("aiot "):
            return await asyncio.to_thread(self._aiot, line)
        async with self._started("bash", "-c", line) as process:
            out, _ = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0, (line, out.decode())
        return out.decode()

    def _aiot(self, line: str) -> str:
        # In this process, since Python takes long to start.
        words = shlex.split(line.partition("<")[0], comments=True)[1:]
        out, err = StringIO(), StringIO()
        # Whoever asks for a password gets one.
        self._patch.setattr(sys, "stdin", StringIO(f"{PASSWORD}\n"))
        with redirect_stdout(out), redirect_stderr(err):
            status = execute(command, words)
        assert status == 0, (line, err.getvalue())
        return out.getvalue()

    @asynccontextmanager
    async def python(self, program: str) -> AsyncIterator[Process]:
        """What stands in a guide runs; in the end it is killed."""
        async with self._started(sys.executable, "-c", self.adapted(program)) as process:
            yield process

    @asynccontextmanager
    async def _started(self, *words: str) -> AsyncIterator[Process]:
        process = await asyncio.create_subprocess_exec(
            *words, cwd=self._home, start_new_session=True,
            stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
        )  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()

    async def nodes(self) -> dict[str, dict[str, object]]:
        """The resources of each node, by its uid."""
        lines = (await self.types("aiot nodes --json")).splitlines()
        return {
            node["uid"]: {name: each["value"] for name, each in node["resources"].items()}
            for node in map(json.loads, lines)
        }


async def test_what_the_guides_say_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for program, package in (
        ("curl", "curl"), ("mosquitto_pub", "mosquitto-clients"),
        ("coap-client-notls", "libcoap3-bin"),
    ):  # fmt: skip
        programs.require(program, package)
    ports = free_ports(5)
    reader = Reader(tmp_path, ports, monkeypatch)
    data = {"XDG_DATA_HOME": str(tmp_path / "data")}
    async with running(tmp_path, "aiot", "up", *options(ports), **data) as up:
        await up.says("The page is at")
        await connecting(reader)
        await accounts(reader)
        await tokens(reader)
        await alerts(reader, tmp_path)
        await the_first_minutes(reader, tmp_path)


async def connecting(reader: Reader) -> None:
    """docs/howto/connect-a-node.md."""
    page = GUIDES / "connect-a-node.md"
    await reader.types(*typed(page))
    (program,) = blocks(page, "python")
    async with reader.python(program) as node:
        while len(found := await reader.nodes()) < 3:
            assert node.returncode is None
        assert found["shed"]["temperature"] == "4.5°C"
        assert "Shed  led 1" in await reader.types("aiot set Shed led 1")
    named = [uid for uid, values in (await reader.nodes()).items() if "led" in values]
    assert len(named) == 1


async def accounts(reader: Reader) -> None:
    """docs/howto/accounts.md."""
    said = await reader.types(*typed(GUIDES / "accounts.md"))
    for sentence in (
        "ann is an admin now", "bob is an operator now", "lobby is a viewer now",
        "bob is an admin now", "bob has another password, and is logged out everywhere",
        "lobby is gone", '"shares":[{"user":"bob","level":"control"}]',
    ):  # fmt: skip
        assert sentence in said
    assert said.endswith('"shares":[]}')
    # What people call a node it is called at the terminal, too.
    await reader.types(
        "curl -b jar -H 'Pyaiot-Request: 1' -X PATCH --json '{\"name\": \"Garden shed\"}'"
        " localhost:8080/api/v1/nodes/UID"
    )
    while "Garden shed  shed" not in await reader.types("aiot nodes"):
        pass
    assert "4.5°C" in await reader.types("aiot history 'Garden shed' temperature")


async def tokens(reader: Reader) -> None:
    """docs/howto/device-tokens.md."""
    page = GUIDES / "device-tokens.md"
    # Gateways and nodes that stay are tried elsewhere.
    lines = [
        each for each in typed(page)
        if not each.startswith(("aiot-", "aiot simulate", "python3 utils/"))
    ]  # fmt: skip
    proven = [each for each in lines if "$TOKEN" in each]
    said = await reader.types(*(each for each in lines if each not in proven))
    # A gateway knows of a token within two seconds.
    said += await reader.succeeds_with(proven[0])
    said += await reader.types(*proven[1:])
    assert "https://iot.example/iot/#" in said
    assert said.count("Received '") == 3
    (program, *_) = blocks(page, "python")
    async with reader.python(program.replace("4.5°C", "-4.5°C")) as node:
        assert await node.wait() == 0
    while (found := await reader.nodes())["shed"]["temperature"] != "-4.5°C":
        pass
    assert len(found) == 3, "the token says which node it is"


async def alerts(reader: Reader, folder: Path) -> None:
    """docs/howto/alerts.md."""
    page = GUIDES / "alerts.md"
    (rule, *_) = blocks(page, "json")
    (folder / "rule.json").write_text(rule)
    (made,) = [each for each in typed(page) if each.startswith("curl")]
    assert json.loads(await reader.types(made))["rule"]["name"] == "Boiler too hot"


async def the_first_minutes(reader: Reader, folder: Path) -> None:
    """README.md, what follows once there is a node."""
    lines = [each for each in typed(ROOT / "README.md") if each.startswith("aiot ")]
    (history, export) = [
        each.replace("CoAP test node", "shed")
        for each in lines
        if each.split()[1] in {"history", "export"}
    ]
    while "-4.5°C" not in (said := await reader.types(history)):
        pass
    assert "4.5°C" in said.split()
    await reader.types(export)
    assert (folder / "everything.csv").read_text().startswith("time,node,resource,path,value,unit")
