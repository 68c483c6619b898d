# SPDX-License-Identifier: BSD-3-Clause
"""Says by HTTP how the recorder is: ``/health`` and ``/metrics``."""

from collections.abc import Callable
from http import HTTPStatus

from tornado import web
from tornado.httpserver import HTTPServer

from pyaiot.model.moment import Moment
from pyaiot.observe.health import Health
from pyaiot.observe.metrics import Metrics
from pyaiot.recorder.status import Status


def server(
    health: Health, status: Status, waiting: Callable[[], int], clock: Callable[[], Moment]
) -> HTTPServer:
    """The server, not listening yet; `waiting` says how many messages are not stored."""
    shared = {
        "health": health,
        "status": status,
        "waiting": waiting,
        "clock": clock,
        "metrics": Metrics(lambda: status.samples(waiting())),
    }
    application = web.Application(
        [(r"/health", _Health, shared), (r"/metrics", _Metrics, shared)],
        log_function=lambda _: None,
        serve_traceback=False,
    )
    return HTTPServer(application, max_body_size=1024, body_timeout=5, idle_connection_timeout=60)


class _Handler(web.RequestHandler):
    SUPPORTED_METHODS = ("GET", "HEAD")

    def initialize(
        self,
        *,
        health: Health,
        status: Status,
        waiting: Callable[[], int],
        clock: Callable[[], Moment],
        metrics: Metrics,
    ) -> None:
        self.health = health
        self.status = status
        self.waiting = waiting
        self.clock = clock
        self.metrics = metrics

    def set_default_headers(self) -> None:
        self.set_header("Server", "aiot-recorder")
        self.set_header("Cache-Control", "no-store")

    def head(self) -> None:
        self.get()


class _Health(_Handler):
    def get(self) -> None:
        self.set_header("Content-Type", Health.content_type)
        if not self.status.well:
            self.set_status(HTTPStatus.SERVICE_UNAVAILABLE)
        self.write(self.health.report(self.clock(), **self.status.facts(self.waiting())))


class _Metrics(_Handler):
    def get(self) -> None:
        self.set_header("Content-Type", Metrics.content_type)
        self.write(self.metrics.text())
