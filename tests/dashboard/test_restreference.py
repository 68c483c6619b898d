# SPDX-License-Identifier: BSD-3-Clause
"""The reference page is fresh, and what the guide tells people to type works."""

import asyncio
import json
import os
import re
import shlex
import time
from pathlib import Path

from pyaiot.accounts.hashing import Cost, Hasher
from pyaiot.dashboard import restreference
from pyaiot.dashboard.api.table import TABLE
from pyaiot.link.keyfile import write_keys
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.model.access import Role
from pyaiot.model.samples import Sample
from pyaiot.store.audit import TERMINAL
from pyaiot.store.nodes import Edit
from pyaiot.store.store import Store
from tests import programs
from tests.broker.running import running_broker
from tests.cli.stage import playing
from tests.dashboard.api.test_live import Scene, applying
from tests.dashboard.running import running_dashboard

GUIDE = restreference.REFERENCE.parents[1] / "howto" / "use-the-rest-api.md"
PASSWORD = "correct horse"


def test_the_checked_in_page_is_what_the_endpoints_say() -> None:
    hint = "stale: run python -m pyaiot.dashboard.restreference"
    assert restreference.REFERENCE.read_text(encoding="utf-8") == restreference.text(), hint
    assert restreference.main(["--check"]) == 0


def test_every_endpoint_is_on_the_page() -> None:
    text = restreference.text()
    for each in TABLE:
        assert each.hidden or f"### `{each.method} {each.path}`" in text
    anchors = {match.lower() for match in re.findall(r"^### (\w+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= anchors


def commands() -> list[str]:
    return re.findall(r"^\$ (curl .+)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)


async def furnished(url: str) -> None:
    store = await Store.open(url, time.time)
    hasher = Hasher(Cost(passes=1, memory=64, lanes=1))
    ann = await store.accounts.add("ann", await hasher.hash(PASSWORD), Role.OPERATOR, TERMINAL)
    await store.nodes.change("n2", Edit(owner=ann.id), TERMINAL)
    now = round(time.time() * 1e6)
    await store.history.put(
        [Sample("n2", "temperature", "", now - each, 21.0, None, "°C") for each in range(20)]
    )
    await store.close()


async def told(command: str, url: str, folder: Path) -> str:
    """What curl says; a stream is left after a moment."""
    node = "n2" if "-b jar" in command or "-c jar" in command else "n1"
    words = [
        word.replace("http://localhost:8080", url)
        .replace("UID", node)
        .replace("PASSWORD", PASSWORD)
        for word in shlex.split(command)
    ]
    endless = ["--max-time", "1"] if "-N" in words else ["--fail-with-body"]
    process = await asyncio.create_subprocess_exec(
        *words, "--silent", "--show-error", *endless, cwd=folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == (28 if "-N" in words else 0), (words, out)
    return out.decode()


async def test_what_the_guide_says_works(built: Path, tmp_path: Path) -> None:
    programs.require("curl", "curl")
    ring = KeyRing((KeyPair.generate(os.urandom),))
    keys, store = str(write_keys(tmp_path / "keys", ring)), str(tmp_path / "store.db")
    await furnished(store)
    async with (
        running_broker(ring=ring, accept_unsigned=True) as broker,
        playing(broker, "result") as gateway,
    ):
        await gateway.node("n1", led="0")
        gateway.answer = applying
        settings = {"broker_host": "127.0.0.1", "broker_port": broker.port, "key_file": keys}
        async with running_dashboard(static_path=str(built), store=store, **settings) as url:
            scene = Scene(url, broker, gateway)
            await scene.until("/nodes/n1/resources", lambda page: page["items"])
            said = [await told(each, url, tmp_path) for each in commands()]
    assert len(said) == 15
    assert json.loads(said[3])["status"] == "applied"
    assert said[4].startswith("HTTP/1.1 202")
    assert [each["uid"] for each in json.loads(said[6])["items"]] == ["n2"]
    assert json.loads(said[7])["node"]["name"] == "Desk"
    assert json.loads(said[8])["user"]["name"] == "ann"
    assert len(json.loads(said[10])["items"]) == 10
    assert (tmp_path / "all.csv").read_text().startswith("time,node,resource,path,value,unit")
    assert len(json.loads((tmp_path / "one.json").read_text())) == 20
    assert "event: reading" in said[13]
