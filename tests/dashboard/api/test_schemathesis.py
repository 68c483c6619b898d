# SPDX-License-Identifier: BSD-3-Clause
"""What schemathesis finds out about the API by its description, on a real store."""

import asyncio
import random
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

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

PEOPLE = {"Ann": Role.ADMIN, "Olaf": Role.OPERATOR, "Vera": Role.VIEWER}

# Live values have no end, and whoever is logged out cannot go on.
LEFT_OUT = "^/(events|session|sessions|password|account)"

PHASES = {"Ann": "coverage,fuzzing", "Vera": "fuzzing"}


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


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["Ann", "Vera"])
async def test_what_is_described_is_what_happens(
    fast_store: Store, clock: Clock, name: str, tmp_path: Path
) -> None:
    async with (
        at_home(fast_store, clock, PEOPLE) as (home, url, accounts),
        running_broker() as broker,
        connected(home, broker),
    ):
        twin = home.services.live.mirror.nodes["n1"] = Twin("n1", clock.time)
        twin.put(Reading("led", "1", clock.time))
        await home.store.nodes.change("n2", Edit(owner=accounts[name].id), TERMINAL)
        await home.services.directory.changed()
        await home.store.history.put(
            [Sample("n1", "led", "", 1_000_000 * second, 1.0, None) for second in range(20)]
        )
        browser = Browser(url)
        await browser.log_in(name)
        token = browser.cookies["pyaiot_access"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/v1/openapi.json",
            "--url", f"{url}/api/v1", "--header", f"Authorization: Bearer {token}",
            "--phases", PHASES[name], "--max-examples", "3", "--seed", "5", "--workers", "1",
            "--generation-database", "none", "--suppress-health-check", "all", "--no-color",
            "--exclude-path-regex", LEFT_OUT,
            # What a name or a password may be is more than a schema can say.
            "--exclude-checks", "positive_data_acceptance",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path,
        )  # fmt: skip
        out, _ = await process.communicate()
    text = out.decode()
    assert process.returncode == 0, text[-12_000:]
    cases = re.search(r"(\d+) generated", text)
    assert cases
    assert int(cases[1]) > 50
