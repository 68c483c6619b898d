# SPDX-License-Identifier: BSD-3-Clause
"""What schemathesis loads besides: an account of its own for each case that may end a session.

``PYAIOT_URL`` leads to the API, ``PYAIOT_TOKEN`` is the access token of whoever is to ask,
``PYAIOT_ROLE`` their role, ``PYAIOT_ADMIN`` the access token of an administrator, and
``PYAIOT_KEPT`` the ids of accounts that are needed to the end.
"""

import json
import os
import threading
import uuid
from http.cookies import SimpleCookie
from ipaddress import IPv6Address
from typing import Any, Final, NamedTuple
from urllib.request import Request, urlopen

import schemathesis

URL: Final = os.environ["PYAIOT_URL"]
TOKEN: Final = os.environ["PYAIOT_TOKEN"]
ADMIN: Final = os.environ["PYAIOT_ADMIN"]
ROLE: Final = os.environ["PYAIOT_ROLE"]
PASSWORD: Final = "correct horse"

ENDING: Final = ("/session", "/account", "/password", "/events")
"""Paths, of which some end sessions, and one is read until its session ends."""
READING: Final = 0.3
"""Seconds for which live values are read."""
KEPT: Final = frozenset(os.environ["PYAIOT_KEPT"].split())
"""The ids of accounts that are to stay as they are: lists tell schemathesis of them."""


class Answer(NamedTuple):
    said: Any
    cookies: dict[str, str]


def ask(method: str, path: str, body: object = None, token: str = "") -> Answer:
    """Send a request that has to succeed."""
    headers = {"Content-Type": "application/json", "Pyaiot-Request": "1", **from_elsewhere()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    asked = Request(URL + path, data, headers, method=method)  # noqa: S310 - loopback
    with urlopen(asked, timeout=10) as answer:  # noqa: S310
        lines = answer.headers.get_all("Set-Cookie", ())
        said = json.loads(answer.read() or b"null")
    cookies = (pair for line in lines for pair in SimpleCookie(line).items())
    return Answer(said, {name: morsel.value for name, morsel in cookies})


def from_elsewhere() -> dict[str, str]:
    """Where many fail to log in, nobody may try for a while: each case comes from elsewhere."""
    return {"X-Forwarded-For": str(IPv6Address(uuid.uuid4().int))}


def somebody() -> Answer:
    """What is said to somebody who has just got an account, and logged in."""
    name = uuid.uuid4().hex
    ask("POST", "/users", {"name": name, "password": PASSWORD, "role": ROLE}, ADMIN)
    return ask("POST", "/session", {"name": name, "password": PASSWORD})


@schemathesis.auth(refresh_interval=None)
class Shown:
    """What each case shows; where it may lose its session, that is somebody else's."""

    def get(self, case: Any, _context: object) -> dict[str, str]:
        if not case.operation.path.startswith(ENDING):
            return {"Authorization": f"Bearer {TOKEN}"}
        cookies = somebody().cookies
        return {
            "Authorization": f"Bearer {cookies['pyaiot_access']}",
            "Cookie": f"pyaiot_refresh={cookies['pyaiot_refresh']}",
            **from_elsewhere(),
        }

    def set(self, case: Any, shown: dict[str, str], _context: object) -> None:
        case.headers.update(shown)


@schemathesis.hook
def before_call(_context: object, case: Any, _kwargs: dict[str, Any]) -> None:
    """End what would have no end, and spare who is needed."""
    token = str((case.headers or {}).get("Authorization", "")).removeprefix("Bearer ")
    if case.operation.path == "/events" and token:
        threading.Timer(READING, ask, ("DELETE", "/session", None, token)).start()
    if case.operation.path == "/users/{id}" and case.path_parameters.get("id") in KEPT:
        case.path_parameters["id"] = somebody().said["user"]["id"]
