# SPDX-License-Identifier: BSD-3-Clause
"""What whoever asks is told as long as the store is not there: to come back."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from tornado import web
from tornado.httpserver import HTTPServer

from pyaiot.dashboard.api.handler import METHODS, PREFIX
from pyaiot.dashboard.api.problem import CONTENT_TYPE, encoded, problem_of
from pyaiot.dashboard.policy import GUARDS, NOTHING
from pyaiot.dashboard.server import error_page
from pyaiot.errors import StoreFailed
from pyaiot.model.moment import Moment
from pyaiot.observe.health import Health

COME_BACK: Final = 5
"""Seconds."""

_WORDS: Final = "What is remembered cannot be reached yet. This page looks again by itself."


def waiting_server(health: Health, clock: Callable[[], Moment]) -> HTTPServer:
    """A server that asks everybody to come back, not listening yet."""
    shared = {"health": health, "clock": clock}
    application = web.Application(
        [(r"/health", _Health, shared), (rf"{PREFIX}(?:/.*)?", _Api), (r".*", _Page)],
        log_function=lambda _: None,
        serve_traceback=False,
    )
    return HTTPServer(application, max_body_size=1024, body_timeout=5, idle_connection_timeout=5)


class _Away(web.RequestHandler):
    SUPPORTED_METHODS = METHODS

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in {**GUARDS, "Content-Security-Policy": NOTHING}.items():
            self.set_header(name, value)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Retry-After", str(COME_BACK))

    def prepare(self) -> None:
        self.set_status(HTTPStatus.SERVICE_UNAVAILABLE)
        self.tell()
        self._ending = self.finish()

    def tell(self) -> None:
        raise NotImplementedError


class _Page(_Away):
    def tell(self) -> None:
        self.set_header("Refresh", str(COME_BACK))
        self.write(error_page(HTTPStatus.SERVICE_UNAVAILABLE, _WORDS))


class _Api(_Away):
    def tell(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE)
        self.write(encoded(problem_of(StoreFailed("The store cannot be reached yet."))))


class _Health(_Away):
    def initialize(self, health: Health, clock: Callable[[], Moment]) -> None:
        self._health = health
        self._clock = clock

    def tell(self) -> None:
        self.set_header("Content-Type", Health.content_type)
        self.write(
            self._health.report(
                self._clock(), status="failing", reason="the store cannot be reached yet"
            )
        )
