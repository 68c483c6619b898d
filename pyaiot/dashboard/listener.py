# SPDX-License-Identifier: BSD-3-Clause
"""Tornado's HTTP server, with a bound on its connections that keeps nobody out."""

from collections.abc import Awaitable, Callable
from typing import Any

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream

from pyaiot.link.strangers import Strangers


class Listener(HTTPServer):
    """Where there is no room for another, who has been quiet or slow for longest has to go.

    A request is answered in peace once it has come whole.
    """

    room = 1000
    """Connections at once."""

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Called by Tornado."""
        super().initialize(*args, **kwargs)
        self._waiting: Strangers[object] = Strangers()
        """Those who have begun to say something, or are to."""

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Called by Tornado."""
        if len(self._connections) >= self.room and not self._waiting.make_room(_close):
            stream.close()
            return
        super().handle_stream(stream, address)

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Called by Tornado when it begins to read a request."""
        self._waiting.came(server_conn)
        delegate = super().start_request(server_conn, request_conn)
        return _Watched(delegate, lambda: self._waiting.left(server_conn))

    def on_close(self, server_conn: object) -> None:
        """Called by Tornado."""
        super().on_close(server_conn)
        self._waiting.left(server_conn)


def _close(connection: object) -> None:
    if isinstance(connection, HTTP1ServerConnection):
        connection.stream.close()


class _Watched(HTTPMessageDelegate):
    """Passes a request on, and says when it has come whole."""

    def __init__(self, delegate: HTTPMessageDelegate, whole: Callable[[], None]) -> None:
        self._delegate = delegate
        self._whole = whole

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        self._whole()
        self._delegate.finish()

    def on_connection_close(self) -> None:
        self._delegate.on_connection_close()
