# SPDX-License-Identifier: BSD-3-Clause
"""What schemathesis finds out about the API by its description, on a real store."""

import asyncio
import json
import os
import random
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyaiot.dashboard.api import events
from pyaiot.dashboard.api.endpoint import refused
from pyaiot.dashboard.api.services import House
from pyaiot.dashboard.api.table import TABLE
from pyaiot.dashboard.commands import Commands
from pyaiot.dashboard.live import Live
from pyaiot.link.backoff import Backoff
from pyaiot.link.subscriber import Subscriber
from pyaiot.model.access import Role
from pyaiot.model.node import Reading, Twin
from pyaiot.model.samples import Sample
from pyaiot.store.audit import TERMINAL
from pyaiot.store.nodes import Edit
from pyaiot.store.store import Store
from tests.broker.running import RunningBroker, running_broker
from tests.contracts.store import Clock
from tests.dashboard.api.people import Browser, Home, at_home
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]

PEOPLE = {"Ann": Role.ADMIN, "Olaf": Role.OPERATOR, "Vera": Role.VIEWER, "Root": Role.ADMIN}

BOUNDS = (
    "--max-examples", "3", "--seed", "5", "--workers", "1", "--generation-database", "none",
    "--suppress-health-check", "all", "--no-color",
    # A NUL is in no text, which the description says once for all.
    "--generation-allow-x00", "false",
)  # fmt: skip

PHASES = {"Ann": "coverage,fuzzing", "Vera": "fuzzing"}


TICK = 0.01
"""Seconds."""


@asynccontextmanager
async def passing(clock: Clock) -> AsyncIterator[None]:
    """Let time go on: a session that has ended is known by when that was."""

    async def pass_() -> None:
        while True:
            await asyncio.sleep(TICK)
            clock.pass_(TICK)

    task = asyncio.create_task(pass_())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def connected(home: Home, broker: RunningBroker) -> AsyncIterator[None]:
    """Let commands be sent to a broker, which has no gateways."""
    subscriber = Subscriber(f"{broker.url}/ws", [broker.ring.current], time.time)
    home.services.live = Live(subscriber, Backoff(random.random))
    home.services.commands = Commands(home.services.live)
    task = asyncio.create_task(home.services.live.run())
    home.services.later = asyncio.ensure_future
    await eventually(lambda: not home.services.live.trouble)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def config(folder: Path, role: Role) -> Path:
    """What may become of a request that the description allows.

    It is carried out, or about something that there is not, or not as it was. All else is where
    an operation says so.
    """
    usual = ["2xx", "304", "404", "409", "412"]
    if role is not Role.ADMIN:
        usual.append("403")
    lines = ["[checks.positive_data_acceptance]", f"expected-statuses = {json.dumps(usual)}"]
    for each in TABLE:
        own = [str(status) for status in each.problems if str(status) not in usual]
        own += ["400"] if refused(each) else []
        if own:
            lines += [
                "[[operations]]",
                f'include-name = "{each.method} {each.path}"',
                "[operations.checks.positive_data_acceptance]",
                f"expected-statuses = {json.dumps(usual + own)}",
            ]
    file = folder / "schemathesis.toml"
    file.write_text("\n".join(lines))
    return file


async def access(url: str, name: str) -> str:
    """What somebody shows who has logged in."""
    browser = Browser(url)
    await browser.log_in(name)
    return browser.cookies["pyaiot_access"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["Ann", "Vera"])
async def test_what_is_described_is_what_happens(
    fast_store: Store, clock: Clock, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK", 0.05)
    async with (
        # Closed to strangers: whoever shows nothing is to get nothing.
        at_home(fast_store, clock, PEOPLE, house=House(chosen=True)) as (home, url, accounts),
        running_broker() as broker,
        connected(home, broker),
        passing(clock),
    ):
        twin = home.services.live.mirror.nodes["n1"] = Twin("n1", clock.time)
        twin.put(Reading("led", "1", clock.time))
        await home.store.nodes.change("n2", Edit(owner=accounts[name].id), TERMINAL)
        await home.services.directory.changed()
        await home.store.history.put(
            [Sample("n1", "led", "", 1_000_000 * second, 1.0, None) for second in range(20)]
        )
        token, admin = [await access(url, each) for each in (name, "Root")]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli",
            "--config-file", config(tmp_path, PEOPLE[name]), "run", f"{url}/api/v1/openapi.json",
            "--url", f"{url}/api/v1", "--phases", PHASES[name], *BOUNDS,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "SCHEMATHESIS_HOOKS": "tests.dashboard.api.throwaway",
                "PYAIOT_URL": f"{url}/api/v1",
                "PYAIOT_TOKEN": token,
                "PYAIOT_ADMIN": admin,
                "PYAIOT_KEPT": " ".join(each.id for each in accounts.values()),
                "PYAIOT_ROLE": PEOPLE[name],
            },
        )  # fmt: skip
        out, _ = await process.communicate()
    text = out.decode()
    assert process.returncode == 0, text[-12_000:]
    tested = re.search(r"Tested: (\d+)", text)
    cases = re.search(r"(\d+) generated", text)
    assert tested
    # All but the description itself.
    assert int(tested[1]) == sum(not each.hidden for each in TABLE) - 1
    assert cases
    assert int(cases[1]) > 50
