# SPDX-License-Identifier: BSD-3-Clause
"""The endpoints on Tornado: each request is read, checked, carried out and answered here."""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from tornado import web
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from pyaiot.accounts.throttle import neighbourhood
from pyaiot.dashboard.api.call import Asker, Call, Cookie, Identity, encode, etag, matches
from pyaiot.dashboard.api.endpoint import Endpoint, Routes
from pyaiot.dashboard.api.forms import Problem
from pyaiot.dashboard.api.guard import Guard, address_of, is_secure
from pyaiot.dashboard.api.pace import Pace
from pyaiot.dashboard.api.problem import CONTENT_TYPE, encoded, problem_of, problem_of_status
from pyaiot.dashboard.api.request import body_of, check_params, query_of
from pyaiot.dashboard.api.services import Services
from pyaiot.dashboard.api.turns import Turns
from pyaiot.dashboard.policy import GUARDS, NOTHING
from pyaiot.errors import (
    AuthenticationFailed,
    MessageTooLarge,
    PyaiotError,
    RateExceeded,
    StoreFailed,
)
from pyaiot.model.access import Role

PREFIX: Final = "/api/v1"
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

READING: Final = 60.0
"""Seconds for which a reader of a stream may take nothing."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Api:
    """All that requests are answered with."""

    routes: Routes
    guard: Guard
    services: Services
    pace: Pace = field(default_factory=Pace)
    turns: Turns = field(default_factory=Turns)

    @property
    def rules(self) -> list[tuple[Any, ...]]:
        """The routes for Tornado."""
        return [(rf"{PREFIX}(?:/.*)?", Handler, {"api": self})]


@web.stream_request_body
class Handler(web.RequestHandler):
    """One request."""

    SUPPORTED_METHODS = METHODS

    def initialize(self, api: Api) -> None:
        self._api = api
        self._raw = bytearray()
        self._endpoint: Endpoint | None = None
        path = self.request.path.removeprefix(PREFIX)
        self._methods, self._params = api.routes.find(path)
        self._identity: Identity | None = None
        self._streaming: asyncio.Task[Any] | None = None
        self._ending: asyncio.Future[None] | None = None
        self._gone = False
        self._peer = self.request.remote_ip or ""
        given = self.request.headers
        self._given = {name.lower(): ", ".join(given.get_list(name)) for name in given}
        self._cookies = {name: morsel.value for name, morsel in self.request.cookies.items()}

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in GUARDS.items():
            self.set_header(name, value)
        self.set_header("Content-Security-Policy", NOTHING)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Vary", "Cookie, Authorization")

    def prepare(self) -> None:
        """All that can be said before the body is there."""
        try:
            self._find()
            if self._endpoint is not None:
                self._admit(self._endpoint)
        except PyaiotError as exc:
            self._tell(exc)

    def data_received(self, chunk: bytes) -> None:
        if self._finished or self._endpoint is None:
            return
        self._raw += chunk
        if len(self._raw) > self._endpoint.max_body:
            self._tell(_too_large(self._endpoint))

    async def get(self) -> None:
        """Any method: which there are is said by the endpoints."""
        await self._serve()

    head = post = put = patch = delete = options = get

    def on_connection_close(self) -> None:
        # What was asked to be changed is changed; only what is being told to nobody ends.
        self._gone = True
        body = self.request._body_future  # noqa: SLF001 - Tornado would wait for it for ever
        if not body.done():
            body.set_exception(StreamClosedError())
            body.exception()  # nobody may be waiting
        if self._streaming is not None:
            self._streaming.cancel()

    def compute_etag(self) -> str | None:
        return None

    def write_error(self, status_code: int, **_kwargs: Any) -> None:
        self._problem(problem_of_status(status_code))

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        # What a stranger asked for wrongly is counted, and no news.
        if not isinstance(value, web.HTTPError):
            super().log_exception(typ, value, tb)

    # What comes before the endpoint

    def _find(self) -> None:
        method = self.request.method or ""
        if not self._methods:
            raise web.HTTPError(HTTPStatus.NOT_FOUND)
        check_params(self._params)
        if method == "OPTIONS":
            self.set_header("Allow", self._allowed)
            self.set_status(HTTPStatus.NO_CONTENT)
            self._ending = self.finish()
            return
        self._endpoint = self._methods.get("GET" if method == "HEAD" else method)
        if self._endpoint is None:
            raise web.HTTPError(HTTPStatus.METHOD_NOT_ALLOWED)

    @property
    def _allowed(self) -> str:
        also = {"HEAD", "OPTIONS"} if "GET" in self._methods else {"OPTIONS"}
        return ", ".join(sorted({*self._methods, *also}))

    def _admit(self, endpoint: Endpoint) -> None:
        now = self._api.services.clock()
        place = neighbourhood(address_of(self._peer, self._given))
        try:
            self._identity = self._api.guard.identify(self._given, self._cookies, now.wall)
        except AuthenticationFailed:
            self._api.pace.take(place, now.steady)
            raise
        self._api.pace.take(self._identity.who.id or place, now.steady)
        self._api.guard.check_page(self.request.method or "", self._given)
        self._api.guard.check(self._identity, endpoint.who)
        length = self._given.get("content-length", "")
        # Python reads no number of thousands of digits.
        if length.isdecimal() and (len(length) > 32 or int(length) > endpoint.max_body):
            raise _too_large(endpoint)

    # The endpoint, and its answer

    async def _serve(self) -> None:
        if self._finished or self._endpoint is None:
            return
        try:
            call = self._call(self._endpoint)
            answer = await self._handle(self._endpoint, call)
            if self._endpoint.stream:
                await self._stream(self._endpoint, call, answer)
            else:
                self._answer(self._endpoint, call, answer)
        except PyaiotError as exc:
            self._tell(exc)

    async def _handle(self, endpoint: Endpoint, call: Call[Any, Any]) -> Any:
        if not endpoint.match:
            return await endpoint.handle(call)
        # What ``If-Match`` names has to be the same still when it is changed.
        async with self._api.turns.of((endpoint.path, *self._params.values())):
            return await endpoint.handle(call)

    def _call(self, endpoint: Endpoint) -> Call[Any, Any]:
        assert self._identity is not None  # noqa: S101 - `prepare` has found it
        headers = self._given
        return Call(
            who=self._identity.who,
            claims=self._identity.claims,
            params=self._params,
            query=query_of(endpoint, self.request.query),
            body=body_of(endpoint, headers.get("content-type", ""), bytes(self._raw)),
            now=self._api.services.clock(),
            services=self._api.services,
            asker=Asker(
                address_of(self._peer, headers),
                headers.get("user-agent", "")[:256],
                is_secure(self._peer, self.request.protocol, headers),
                self._cookies,
                headers,
            ),
            rules=self._identity.rules,
            depth=self.request.path.removeprefix(PREFIX).count("/"),
            renewed=self._renewed,
        )

    def _renewed(self, *, begun: bool = False) -> Identity | None:
        assert self._identity is not None  # noqa: S101 - `prepare` has found it
        now = self._api.services.clock().wall
        return self._api.guard.renewed(self._identity, now, begun=begun)

    def _begin(self, endpoint: Endpoint, call: Call[Any, Any]) -> None:
        self.set_status(call.status or endpoint.status)
        for name, value in call.headers.items():
            self.set_header(name, value)
        for cookie in call.cookies:
            # Without a path a cookie is for the folder of this request, wherever a proxy has put
            # us; from further below it would not reach the rest of the API.
            assert call.depth == 1, "cookies are set directly below /api/v1"  # noqa: S101
            self.add_header("Set-Cookie", _set_cookie(cookie, secure=call.asker.secure))

    def _answer(self, endpoint: Endpoint, call: Call[Any, Any], answer: Any) -> None:
        self._begin(endpoint, call)
        if answer is None:
            self.set_status(call.status or HTTPStatus.NO_CONTENT)
            self.clear_header("Content-Type")
            return
        body = answer if isinstance(answer, bytes) else encode(answer)
        if not isinstance(answer, bytes):
            self.set_header("Content-Type", "application/json")
        if self.request.method in {"GET", "HEAD"}:
            tag = etag(body, call.settled)
            self.set_header("ETag", tag)
            self.set_header("Cache-Control", "no-cache, private")
            wanted = self._given.get("if-none-match")
            if wanted is not None and matches(wanted, tag):
                self.set_status(HTTPStatus.NOT_MODIFIED)
                return
        self.write(body)

    async def _stream(
        self, endpoint: Endpoint, call: Call[Any, Any], pieces: AsyncGenerator[bytes, None]
    ) -> None:
        self._streaming = asyncio.current_task()
        try:
            async with aclosing(pieces):
                # What goes wrong at once is still told as what it is.
                first = await anext(pieces, b"")
                self._begin(endpoint, call)
                if self.request.method != "HEAD":
                    await self._write(first)
                    async for piece in pieces:
                        await self._write(piece)
        except asyncio.CancelledError:
            if not self._gone or self._streaming is None:
                raise
            self._streaming.uncancel()
        except (StreamClosedError, TimeoutError):
            self._break_off()
        except PyaiotError as exc:
            if not self._headers_written:
                raise
            _log.warning("what was being sent for %s broke off: %s", self.request.path, exc.reason)
            self._break_off()
        except Exception:
            if not self._headers_written:
                raise
            _log.exception("what was being sent for %s broke off", self.request.path)
            self._break_off()
        finally:
            self._streaming = None

    async def _write(self, piece: bytes) -> None:
        self.write(piece)
        async with asyncio.timeout(READING):
            await self.flush()
        # What the system takes at once is no reason to let others wait.
        await asyncio.sleep(0)

    def _break_off(self) -> None:
        """End the connection, so that nobody takes the part for the whole."""
        self._finished = True
        connection = self.request.connection
        assert isinstance(connection, HTTP1Connection)  # noqa: S101 - the only kind there is
        connection.stream.close()

    def _tell(self, error: PyaiotError) -> None:
        if isinstance(error, StoreFailed):
            _log.debug("the store failed at %s: %s", self.request.path, error.reason)
            who = None if self._identity is None else self._identity.who
            if who is None or who.role is not Role.ADMIN:
                # Others need not know where it is, nor what is in it.
                error = type(error)("This cannot be looked up or kept at the moment.")
        self._problem(problem_of(error))
        if isinstance(error, RateExceeded) and error.retry_after is not None:
            self.set_header("Retry-After", str(max(1, math.ceil(error.retry_after))))
        self._ending = self.finish()

    def _problem(self, what: Problem) -> None:
        self.set_status(what.status)
        self.set_header("Content-Type", CONTENT_TYPE)
        self.set_header("Cache-Control", "no-store")
        if what.status == HTTPStatus.UNAUTHORIZED:
            self.set_header("WWW-Authenticate", "Bearer")
        elif what.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", self._allowed)
        elif what.status == HTTPStatus.TOO_MANY_REQUESTS:
            self.set_header("Retry-After", "1")
        elif what.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            # The rest of it is not waited for.
            self.set_header("Connection", "close")
        self.write(encoded(what))


def _too_large(endpoint: Endpoint) -> MessageTooLarge:
    return MessageTooLarge(f"The body must not be larger than {endpoint.max_body} bytes.")


def _set_cookie(cookie: Cookie, *, secure: bool) -> str:
    words = [f"{cookie.name}={cookie.value}", f"Max-Age={cookie.life:.0f}", "HttpOnly"]
    words += ["SameSite=Strict", *(["Secure"] if secure else [])]
    return "; ".join(words)
