# SPDX-License-Identifier: BSD-3-Clause
"""Waiting for a condition instead of sleeping for luck."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(predicate: Callable[[], T], timeout: float = 10.0) -> T:  # noqa: ASYNC109 - a bound for the test, not a cancel scope
    """The first true value of `predicate`, asked at every turn; fails after `timeout` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if loop.time() > deadline:
            raise AssertionError(f"still false after {timeout} s: {predicate}")
        await asyncio.sleep(0.005)
