# SPDX-License-Identifier: BSD-3-Clause
"""The API's own page, and its description for programs."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from pyaiot import __version__
from pyaiot.dashboard.api.call import Call, encode
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.openapi import described
from pyaiot.dashboard.policy import NOTHING

FOLDER: Final = Path(__file__).parent / "page"

_TYPES: Final = {
    "index.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
}

POLICY: Final = (
    f"{NOTHING}; script-src 'self'; style-src 'self'; connect-src 'self';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)


def front(endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """Endpoints that show `endpoints`, and themselves."""

    @cache
    def text() -> bytes:
        return encode(described([*endpoints, description], __version__))

    async def describe(call: Call[NoQuery, None]) -> bytes:
        """This description."""
        call.headers["Content-Type"] = "application/json"
        return text()

    description = Endpoint(
        "GET", "/openapi.json", Who.ANYONE, describe, "The API as OpenAPI 3.1",
        answer=dict[str, Any],
    )  # fmt: skip
    return (
        description,
        Endpoint("GET", "", Who.ANYONE, _lead, "The page", answer=bytes, status=308, hidden=True),
        *(
            Endpoint(
                "GET", "/" if name == "index.html" else f"/{name}", Who.ANYONE, _file(name),
                "The page", answer=bytes, hidden=True,
            )
            for name in _TYPES
        ),
    )  # fmt: skip


async def _lead(call: Call[NoQuery, None]) -> None:
    """To where links on the page lead from."""
    call.status = HTTPStatus.PERMANENT_REDIRECT
    call.headers["Location"] = "v1/"


def _file(name: str) -> Callable[[Call[NoQuery, None]], Awaitable[bytes]]:
    async def show(call: Call[NoQuery, None]) -> bytes:
        call.headers["Content-Type"] = _TYPES[name]
        call.headers["Content-Security-Policy"] = POLICY
        return _read(name)

    return show


@cache
def _read(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
