# SPDX-License-Identifier: BSD-3-Clause
"""Somebody at the REST API, with a browser's cookies."""

import asyncio
import http.cookiejar
import json
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    text: str

    @property
    def body(self) -> Any:
        """The answer's JSON."""
        return json.loads(self.text)


@dataclass
class Person:
    """One session at the dashboard on `port`."""

    port: int
    cookies: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar)

    async def ask(self, method: str, path: str, body: Json | None = None) -> Answer:
        """The answer to a request below ``/api/v1``."""
        return await asyncio.to_thread(self._ask, method, path, body)

    async def get(self, path: str) -> Any:
        """What is at `path`; fails unless it is there."""
        answer = await self.ask("GET", path)
        assert answer.status == 200, (path, answer)
        return answer.body

    async def does(self, method: str, path: str, body: Json | None = None) -> Any:
        """The body of the answer to a request that must succeed; None where it has none."""
        answer = await self.ask(method, path, body)
        assert 200 <= answer.status < 300, (method, path, answer)
        return answer.body if answer.text else None

    async def logs_in(self, name: str, password: str) -> None:
        """Begin a session; fails unless name and password are right."""
        await self.does("POST", "/session", {"name": name, "password": password})

    def _ask(self, method: str, path: str, body: Json | None) -> Answer:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        request = urllib.request.Request(
            f"http://localhost:{self.port}/api/v1{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "Pyaiot-Request": "1"},
            method=method,
        )
        try:
            with opener.open(request, timeout=20) as answer:
                return Answer(answer.status, answer.read().decode())
        except HTTPError as exc:
            with exc:
                return Answer(exc.code, exc.read().decode())
