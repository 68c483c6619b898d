# SPDX-License-Identifier: BSD-3-Clause
"""The HTTP server of the page. It serves files and facts; the page itself talks to the broker."""

import collections
import hashlib
import http
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

from tornado import web

from pyaiot.dashboard.address import BrokerAddress, BrokerUrl, host_of
from pyaiot.dashboard.api.handler import Api
from pyaiot.dashboard.appearance import Appearance
from pyaiot.dashboard.assets import Assets
from pyaiot.dashboard.ground import Grounds
from pyaiot.dashboard.listener import Listener
from pyaiot.dashboard.policy import GUARDS, NOTHING, content_security_policy
from pyaiot.errors import InvalidValue
from pyaiot.link.descriptors import room_for
from pyaiot.model.moment import Moment
from pyaiot.observe.health import Health
from pyaiot.observe.metrics import Counter, Metrics, Sample

MAX_HEADER: Final = 16_384
MAX_BODY: Final = 524_288
"""Bytes of a body at all; endpoints of the REST API take less, unless they say so."""
BODY_TIME: Final = 30.0
"""Seconds that a body may take to come."""
CONNECTIONS: Final = 2048
"""Connections at once."""
IDLE: Final = 60.0
"""Seconds after which a connection that asks for nothing is closed."""

_FOR_EVER: Final = "public, max-age=31536000, immutable"

_log = logging.getLogger(__name__)

_WORDS: Final[Mapping[int, str]] = {
    400: "This request cannot be understood.",
    404: "There is nothing at this address.",
    405: "This address can only be read.",
}

_ERROR_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<h1>{title}</h1>
<p>{words}</p>
</html>
"""


@dataclass(slots=True)
class Site:
    """All that the server needs to know."""

    assets: Assets
    appearance: Appearance
    grounds: Grounds
    broker: BrokerAddress | BrokerUrl
    health: Health
    clock: Callable[[], Moment]
    api: Api | None = None
    answers: collections.Counter[str] = field(default_factory=collections.Counter)
    """How many of each HTTP status were given."""

    @property
    def well(self) -> bool:
        """Whether the store answered when it was last asked."""
        return self.api is None or self.api.services.directory.well

    @property
    def samples(self) -> Iterator[Sample]:
        """What was counted, as it is now."""
        yield Counter(
            "pyaiot_dashboard_answers", "Answers given, by HTTP status.", self.answers, "status"
        )

    def server(self) -> Listener:
        """The server, not listening yet."""
        metrics = Metrics(lambda: self.samples)
        application = web.Application(
            [
                *(self.api.rules if self.api is not None else ()),
                (r"/config\.json", _Config),
                (r"/floor-plan", _FloorPlan),
                (r"/health", _Health),
                (r"/metrics", _Metrics, {"metrics": metrics}),
                (r"/(.*)", _Page),
            ],
            site=self,
            log_function=_count,
            serve_traceback=False,
        )
        listener = Listener(
            application,
            max_header_size=MAX_HEADER,
            max_body_size=MAX_BODY,
            body_timeout=BODY_TIME,
            idle_connection_timeout=IDLE,
        )
        listener.room = room_for(CONNECTIONS)
        return listener


def error_page(status: int, words: str) -> str:
    """A page that says what went wrong."""
    title = f"{int(status)} {http.HTTPStatus(status).phrase}"
    return _ERROR_PAGE.format(title=escape(title), words=escape(words))


def _count(handler: web.RequestHandler) -> None:
    site: Site = handler.settings["site"]
    site.answers[str(handler.get_status())] += 1
    _log.debug("%s %s: %d", handler.request.method, handler.request.path, handler.get_status())


class _Handler(web.RequestHandler):
    SUPPORTED_METHODS = ("GET", "HEAD")

    site: Site
    page_host: str

    def initialize(self) -> None:
        self.site = self.settings["site"]

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in GUARDS.items():
            self.set_header(name, value)
        self.set_header("Content-Security-Policy", NOTHING)
        self.set_header("Cache-Control", "no-store")

    def prepare(self) -> None:
        try:
            self.page_host = host_of(self.request.host)
        except InvalidValue as exc:
            raise web.HTTPError(400) from exc

    def head(self, *path: str) -> None:
        """As for GET; Tornado leaves the body out."""
        self.get(*path)

    def write_error(self, status_code: int, **_kwargs: Any) -> None:
        if status_code == http.HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self.SUPPORTED_METHODS))
        self.write(error_page(status_code, _WORDS.get(status_code, "This did not work.")))

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        # What a stranger asked for wrongly is counted, and no news.
        if not isinstance(value, web.HTTPError):
            super().log_exception(typ, value, tb)

    def compute_etag(self) -> str | None:
        return None


class _Page(_Handler):
    """The page and its files."""

    etag = ""

    def get(self, path: str) -> None:
        asset = self.site.assets.get(path)
        if asset is None:
            raise web.HTTPError(404)
        encoding = asset.best(self.request.headers.get("Accept-Encoding", ""))
        self.etag = f"{asset.digest}-{encoding}"
        self.set_header("Content-Type", asset.content_type)
        self.set_header("Cache-Control", _FOR_EVER if asset.hashed else "no-cache")
        self.set_header("Vary", "Accept-Encoding")
        if encoding != "identity":
            self.set_header("Content-Encoding", encoding)
        if asset.is_page:
            self._guard()
        self.write(asset.encodings[encoding])

    def _guard(self) -> None:
        policy = content_security_policy(
            self.site.broker.seen_from(self.page_host).origins,
            (*self.site.appearance.picture_origins, *self.site.grounds.picture_origins),
        )
        self.set_header("Content-Security-Policy", policy)
        # Another policy is another page, though its text be the same: no cache may mix them.
        self.etag += "-" + hashlib.blake2b(policy.encode(), digest_size=6).hexdigest()

    def compute_etag(self) -> str | None:
        return f'"{self.etag}"'


class _FloorPlan(_Handler):
    """A picture; the policy of what is no page lets it be nothing more."""

    def get(self) -> None:
        plan = self.site.grounds.plan
        if plan is None:
            raise web.HTTPError(404)
        self.set_header("Content-Type", plan.content_type)
        self.set_header("Cache-Control", "no-cache")
        self.write(plan.content)

    def compute_etag(self) -> str | None:
        plan = self.site.grounds.plan
        return None if plan is None else f'"{plan.digest}"'


class _Config(_Handler):
    """What the page must know before it can connect."""

    def get(self) -> None:
        broker = self.site.broker.seen_from(self.page_host)
        appearance = self.site.appearance
        self.write(
            {
                "title": appearance.title,
                "version": self.site.health.version,
                "broker": broker.facts,
                "camera_url": appearance.camera_url,
                "logo": appearance.logo,
                "favicon": appearance.favicon,
                "pictures": appearance.picture_origins,
                "map": self.site.grounds.facts,
            }
        )


class _Health(_Handler):
    def get(self) -> None:
        self.set_header("Content-Type", Health.content_type)
        if self.site.well:
            self.write(self.site.health.report(self.site.clock()))
            return
        self.set_status(http.HTTPStatus.SERVICE_UNAVAILABLE)
        trouble = {"status": "failing", "reason": "the store cannot be reached"}
        self.write(self.site.health.report(self.site.clock(), **trouble))


class _Metrics(_Handler):
    def initialize(self, metrics: Metrics) -> None:  # type: ignore[override]
        super().initialize()
        self.metrics = metrics

    def get(self) -> None:
        self.set_header("Content-Type", Metrics.content_type)
        self.write(self.metrics.text())
