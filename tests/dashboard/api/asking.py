# SPDX-License-Identifier: BSD-3-Clause
"""A client that does nothing of its own accord, and a server with endpoints of a test's choice."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from tornado import web
from tornado.httpserver import HTTPServer

from pyaiot.accounts.permissions import HouseRules
from pyaiot.accounts.tokens import Claims, Signer, Use
from pyaiot.dashboard.api.endpoint import Endpoint, Routes
from pyaiot.dashboard.api.guard import Guard
from pyaiot.dashboard.api.handler import Api
from pyaiot.dashboard.api.pace import Pace
from pyaiot.dashboard.api.services import House, Services
from pyaiot.dashboard.book import StoreBook
from pyaiot.dashboard.directory import Directory
from pyaiot.dashboard.live import Live
from pyaiot.dashboard.roll import Roll
from pyaiot.link.backoff import Backoff
from pyaiot.link.listen import open_sockets
from pyaiot.link.subscriber import Subscriber
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.types import NodeAccess, Person
from pyaiot.model.access import EVERYTHING, Role
from pyaiot.model.moment import Moment
from pyaiot.store.store import Store

NOW = 1_700_000_000.0
RING = KeyRing((KeyPair.generate(lambda size: b"k" * size),))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem."""
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.json["status"] == self.status
        return str(self.json["code"])


async def ask(
    url: str, path: str, *, method: str = "GET", body: bytes | object = None, **headers: str
) -> Answer:
    """One request; a `body` that is no bytes goes as JSON, with the header of our own page."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    lines = {"Host": place.netloc, "Connection": "close", "Pyaiot-Request": "1"}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        lines["Content-Type"] = "application/json"
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        lines["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + (body or b""))
    raw = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    await writer.wait_closed()
    return parsed(raw)


def parsed(raw: bytes) -> Answer:
    start, _, content = raw.partition(b"\r\n\r\n")
    first, *rest = start.decode().split("\r\n")
    found: dict[str, str] = {}
    for line in rest:
        name, value = line.split(": ", 1)
        found[name.lower()] = f"{found[name.lower()]}\n{value}" if name.lower() in found else value
    if found.get("transfer-encoding") == "chunked":
        content = unchunked(content)
    return Answer(int(first.split()[1]), found, content)


def unchunked(raw: bytes) -> bytes:
    """The body of a chunked answer; fails for one that was cut off."""
    body = b""
    while True:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return body
        body += raw[:length]
        raw = raw[length + 2 :]


class Place:
    """Who there is in a test, and what holds in the house."""

    def __init__(self, house: House | None = None, store: Store | None = None) -> None:
        """Where endpoints are tried that need one, `store` is it."""
        self.now = NOW
        roll = Roll()
        self.services = Services(
            Signer(RING),
            roll,
            house or House(HouseRules(EVERYTHING)),
            lambda: Moment(self.now, self.now - NOW),
            lambda size: b"r" * size,
            cast("Store", store),
            Live(Subscriber("ws://127.0.0.1:9/ws", [None], lambda: NOW), Backoff(lambda: 1.0)),
            Directory(StoreBook(cast("Store", store)), roll),
        )
        self.people = {
            each.id: each
            for each in (
                Person("anna", Role.ADMIN),
                Person("olaf", Role.OPERATOR),
                Person("vera", Role.VIEWER),
            )
        }
        self.nodes: list[NodeAccess] = []
        self.told()

    def told(self) -> None:
        """What was changed in `people` and `nodes` is known from now on."""
        self.services.roll.take(self.people.values(), self.nodes, [])

    def token(self, id_: str, *, use: Use = Use.ACCESS, age: float = 0.0) -> str:
        role = self.people[id_].role if id_ in self.people and use is not Use.REFRESH else None
        made = self.now - age
        return self.services.signer.make(
            Claims(use, id_, "j1", made, made + 1800.0, role, "", "s1")
        )

    def bearer(self, id_: str, **how: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(id_, **how)}"}

    def cookie(self, id_: str, **how: Any) -> dict[str, str]:
        return {"Cookie": f"pyaiot_access={self.token(id_, **how)}"}

    def api(self, endpoints: Iterable[Endpoint], **parts: Any) -> Api:
        guard = Guard(self.services.signer, self.services.roll, self.services.house)
        return Api(Routes(endpoints), guard, self.services, **{"pace": Pace(1e6, 1e6), **parts})


@asynccontextmanager
async def serving(api: Api, **limits: Any) -> AsyncIterator[str]:
    """The real server with these endpoints and nothing else; yields its address."""
    server = HTTPServer(
        web.Application(api.rules, log_function=lambda _: None),
        **{"max_body_size": 524_288, **limits},
    )
    sockets = await open_sockets("127.0.0.1", 0)
    server.add_sockets(sockets)
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        server.stop()
        await server.close_all_connections()
