# SPDX-License-Identifier: BSD-3-Clause
import fcntl
import importlib.util
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.browser.chromium import DESK, Chromium
from tests.browser.everything import Stage, standing
from tests.dashboard.running import running_dashboard

SETUP = Path(__file__).parents[2] / "setup.py"


class Opener(Protocol):
    def __call__(
        self, broker_port: int, size: tuple[int, int] = ..., *, name: str = ..., **options: Any
    ) -> AbstractAsyncContextManager[Chromium]: ...


@pytest.fixture(scope="session")
def page() -> None:
    """The page, built from its sources."""
    spec = importlib.util.spec_from_file_location("pyaiot_setup", SETUP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pyaiot_setup"] = module
    spec.loader.exec_module(module)
    # Tests may run in several processes.
    with SETUP.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        module.build_page()


@pytest.fixture(scope="session")
def one_chromium(page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for all tests."""
    del page
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.quit()


@pytest.fixture
async def chromium(one_chromium: Chromium) -> AsyncIterator[Chromium]:
    """The browser, as if nobody had used it before."""
    yield one_chromium
    await one_chromium.forget()


class Onlooker(Protocol):
    def __call__(
        self, place: str = ..., size: tuple[int, int] = ..., **media: str
    ) -> AbstractAsyncContextManager[Chromium]: ...


# Not of the session: what its thread logs and draws by lot would get into other modules' tests.
@pytest.fixture(scope="module")
def stage(page: None) -> Iterator[Stage]:
    """All services and nodes of all protocols, for a module's tests: they leave it as it was."""
    del page
    with standing() as everything:
        yield everything


@pytest.fixture
def opened(chromium: Chromium) -> Opener:
    """Opens the page of a real dashboard that leads to a broker, and looks for faults at the end.

    Keywords are settings of the dashboard and preferences of the user (``color_scheme``).
    """

    @asynccontextmanager
    async def open_page(
        broker_port: int,
        size: tuple[int, int] = (1440, 900),
        *,
        name: str = "127.0.0.1",
        **options: Any,
    ) -> AsyncIterator[Chromium]:
        media = {
            key: options.pop(key) for key in ("color_scheme", "reduced_motion") if key in options
        }
        options = {"broker_host": "127.0.0.1", "broker_port": broker_port, **options}
        async with running_dashboard(**options) as url:
            await chromium.open(url.replace("127.0.0.1", name), size, **media)
            yield chromium
            assert await faults(chromium) == []

    return open_page


@pytest.fixture
def onlooker(chromium: Chromium, stage: Stage) -> Onlooker:
    """Opens the page before the stage at a place (``#/table``), and looks for faults at the end.

    What the browser kept of the page is forgotten then.
    """

    @asynccontextmanager
    async def look(
        place: str = "", size: tuple[int, int] = DESK, **media: str
    ) -> AsyncIterator[Chromium]:
        await chromium.open(f"{stage.url}/{place}", size, **media)
        try:
            yield chromium
        finally:
            await chromium.ask("localStorage.clear()")
        assert await faults(chromium) == []

    return look


async def faults(browser: Chromium) -> list[str]:
    """Leave the page; what went wrong on it."""
    return [line for line in await browser.leave() if not is_network(line)]


def is_network(line: str) -> bool:
    """Whether a line of the console only tells that a server was not there, as browsers do."""
    return (
        "net::ERR_CONNECTION" in line
        or "WebSocket connection to" in line
        or "/health - Failed to load resource: the server responded with a status of 404" in line
        # A server that has not heard yet of a node of which the broker has just told the page.
        or "/series - Failed to load resource: the server responded with a status of 404" in line
        # A server without accounts.
        or "/session - Failed to load resource: the server responded with a status of 404" in line
    )
