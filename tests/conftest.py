# SPDX-License-Identifier: BSD-3-Clause
"""What holds for every test: nothing is left running, every log message can be formatted.

Sockets and event loops that nobody closes are errors by ``filterwarnings``.
"""

import asyncio
import gc
import inspect
import logging
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from hypothesis import settings

from tests.contracts.store import (  # noqa: F401 - fixtures
    _postgresql_database,
    _sqlite_template,
    backend,
    blank_url,
    clock,
    fast_store,
    fast_store_url,
    postgresql,
    store,
    store_url,
)

# How long an example takes says more of the machine than of the code.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from the tests themselves, which stay to the end.

    Thousands of them are what it would look through again and again, a fifth of a second each time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


PATIENCE = 2.0
"""Seconds that tasks may take to end after a test; a bound, not a wait."""


@pytest.fixture
async def no_task_is_left() -> AsyncIterator[None]:
    """Fail if a test leaves a task behind."""
    yield
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if tasks:
        _, left = await asyncio.wait(tasks, timeout=PATIENCE)
        assert not left, f"left running: {left}"


@pytest.fixture(autouse=True)
def tidy(request: pytest.FixtureRequest) -> None:
    """Look after asynchronous tests; set up first, and so taken down after all other fixtures."""
    function = getattr(request.node, "function", None)
    if inspect.iscoroutinefunction(function):
        request.getfixturevalue("no_task_is_left")


@pytest.fixture(autouse=True, scope="session")
def nothing_is_left_at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have services keep what they remember elsewhere than in the developer's own store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(autouse=True)
def every_message_is_formatted() -> Iterator[None]:
    """Let pytest's handler, which raises what formatting raises, see debug messages as well."""
    logger = logging.getLogger("pyaiot")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(level)
