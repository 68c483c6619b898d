# SPDX-License-Identifier: BSD-3-Clause
"""What was stored before the page was opened is seen on it, over any time."""

import json
import math
import time
from pathlib import Path
from typing import Any, Final

import pytest
from websockets.asyncio.client import connect

from pyaiot.model.node import derived_uid
from pyaiot.model.samples import Sample
from pyaiot.store.store import Store
from tests.browser.chromium import Chromium
from tests.browser.conftest import faults
from tests.commands import free_ports, running
from tests.end_to_end.test_demo import options

UID: Final = derived_uid("house", "WebSocket", "attic")
STEP: Final = 10
NUMBER: Final = 3 * 3600 // STEP
FIGURES: Final = """
Object.fromEntries([...document.querySelectorAll(".large [data-figure]")].map(
  (cell) => [cell.dataset.figure, cell.innerText]))
"""
ROWS: Final = """
const [done] = arguments;
fetch(document.querySelector("a[download]").href).then((answer) => answer.text()).then(done);
"""


def stored(now: float) -> list[Sample]:
    """Three hours of temperatures between 10 and 30, and one that stands out."""
    begin = now - NUMBER * STEP
    numbers = [20 + 10 * math.sin(index / 50) for index in range(NUMBER)]
    numbers[100] = 77.5
    return [
        Sample(UID, "temperature", "", round((begin + index * STEP) * 1e6), number, None, "°C")
        for index, number in enumerate(numbers)
    ]


async def figures(browser: Chromium, count: str) -> dict[str, Any]:
    """What the chart says in numbers, once it is about so many readings."""
    await browser.until(f"(({FIGURES})).count === arguments[0]", count)
    found: dict[str, Any] = await browser.ask(FIGURES)
    return found


@pytest.mark.timeout(120)
async def test_the_past_is_on_the_page(chromium: Chromium, tmp_path: Path) -> None:
    browser = chromium
    ports = free_ports(5)
    file = tmp_path / "past.db"
    now = time.time()
    samples = stored(now)
    store = await Store.open(str(file), time.time)
    await store.history.put(samples)
    while not await store.history.summarise(round(now * 1e6)):
        pass
    await store.close()
    services = ("aiot", "up", *options(ports), f"--store={file}", "--name=house")
    async with running(tmp_path, *services) as up:
        await up.says("The page is at")
        async with connect(f"ws://localhost:{ports[3]}/node", compression=None, proxy=None) as node:
            await node.send(json.dumps({"type": "new", "id": "attic"}))
            await node.send(json.dumps({"type": "update", "data": {"temperature": "21.5°C"}}))
            url = f"http://localhost:{ports[4]}/#/cards?node={UID}&resource=temperature"
            await browser.open(url)
            # Longer ranges are offered, since there is something to see.
            await browser.until("[...document.querySelectorAll('.large nav a')].length === 5")
            await browser.click(".large nav a:nth-child(4)")
            seen = await figures(browser, f"{NUMBER + 1:,}".replace(",", ""))
            assert float(seen["highest"]) == 77.5
            assert float(seen["lowest"]) == pytest.approx(10, abs=0.1)
            assert 19 < float(seen["mean"]) < 22
            assert "range=21600" in await browser.ask("location.hash")

            # A stretch of it, which stands in the address and is there again after a reload.
            begin, end = round(samples[95].time_us / 1e6) - 2, round(samples[105].time_us / 1e6) + 2
            await browser.ask(
                "location.hash += `&span=${arguments[0]}~${arguments[1]}`", begin, end
            )
            for _ in range(2):
                seen = await figures(browser, "11")
                assert float(seen["highest"]) == 77.5
                assert "span=" in await browser.ask("location.hash")
                await browser.ask("location.reload()")
            await figures(browser, "11")

            # Where there is more than a point for each, it can be had reading by reading.
            rows = (await browser.answer(ROWS)).strip().splitlines()
            assert len(rows) - 1 in {11, 12}
            assert any("77.5" in row for row in rows)

            # Looking closer by keys changes the address, too; and the present is one press away.
            before = await browser.ask("location.hash")
            await browser.ask("document.querySelector('.large .reach').focus()")
            await browser.press("+")
            await browser.until("location.hash !== arguments[0]", before)
            await browser.click(".large .live")
            await browser.until("!location.hash.includes('span=')")
        assert await faults(browser) == []
        assert await up.end() == 0
    assert "Traceback" not in up.log
