# SPDX-License-Identifier: BSD-3-Clause
"""A dashboard for tests, on a free port of 127.0.0.1."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pyaiot.dashboard.service import serve
from pyaiot.settings import DashboardSettings
from tests.contracts.store import put_empty_store


@asynccontextmanager
async def running_dashboard(**settings: Any) -> AsyncIterator[str]:
    """The real service with default settings but for those given; yields its address.

    `say` is no setting: it is told what the service says to whoever started it.
    """
    say: Callable[[str], None] | None = settings.pop("say", None)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "store.db")
        await put_empty_store(store)
        usual = {"web_host": "127.0.0.1", "web_port": 0, "store": str(store)}
        async with _serving(DashboardSettings(**{**usual, **settings}), say) as url:
            yield url


@asynccontextmanager
async def _serving(
    chosen: DashboardSettings, say: Callable[[str], None] | None
) -> AsyncIterator[str]:
    words: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    service = asyncio.create_task(serve(chosen, words.set_result, say))
    service.add_done_callback(lambda _: words.cancel())
    try:
        url = (await words).removeprefix("listening on ")
    except asyncio.CancelledError:
        await service
        raise
    try:
        yield url
    finally:
        service.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await service
