# SPDX-License-Identifier: BSD-3-Clause
"""Delivers one notice to one channel, by apprise: e-mail, webhooks, MQTT and a hundred services.

Each delivery has a thread of its own, since apprise waits for its sockets. A thread cannot be
ended from outside: one that takes too long is left alone, and may reach nothing any more.
"""

import asyncio
import logging
import re
import threading
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pyaiot.errors import InvalidValue, QueueFull
from pyaiot.messages.types import Severity
from pyaiot.recorder.guard import Guard
from pyaiot.recorder.notice import Notice, scheme_of

MAX_THREADS: Final = 32
MAX_THREADS_EACH: Final = 4
"""Of one owner of channels: those of others are not held up."""
CONNECTING: Final = 5.0
READING: Final = 10.0
"""Seconds; addresses can ask for less, not for more."""

# These write addresses, with passwords in them.
logging.getLogger("urllib3").setLevel(logging.WARNING)
_apprise_log = logging.getLogger("apprise")

_STATUS: Final = re.compile(r"error=(\d{3})\b")


@dataclass(frozen=True, slots=True)
class Channel:
    """Where notices go."""

    id: str
    name: str
    url: str
    owner: str | None = None
    local: bool = False
    """It may be on this machine or in its network."""

    def __repr__(self) -> str:
        """The address may hold a password."""
        return f"Channel(id={self.id!r}, name={self.name!r})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery."""

    delivered: bool
    reason: str = ""


class Courier:
    """Delivers, a bounded number of notices at once."""

    def __init__(self, timeout: float = 20.0) -> None:
        """`timeout` is in seconds, for one delivery."""
        self._timeout = timeout
        self._busy: Counter[str | None] = Counter()

    async def deliver(self, channel: Channel, notice: Notice) -> Outcome:
        """Deliver; whatever goes wrong is in the outcome.

        Raises QueueFull while too many deliveries of the same owner, or of all, do not end.
        """
        if self._busy.total() >= MAX_THREADS or self._busy[channel.owner] >= MAX_THREADS_EACH:
            raise QueueFull("Too many deliveries are under way.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        guard = Guard(local=channel.local)
        self._busy[channel.owner] += 1

        def ended(outcome: Outcome) -> None:
            self._busy[channel.owner] -= 1
            if not future.done():
                future.set_result(outcome)

        def work() -> None:
            outcome = _deliver(channel.url, notice, guard)
            try:
                loop.call_soon_threadsafe(ended, outcome)
            except RuntimeError:  # the loop is closed: nobody waits
                return

        try:
            # Not one of a pool, which would wait for it when the program ends.
            threading.Thread(target=work, name="delivery", daemon=True).start()
        except RuntimeError as exc:
            self._busy[channel.owner] -= 1
            raise QueueFull("There is no room for another thread.") from exc
        try:
            async with asyncio.timeout(self._timeout):
                return await future
        except TimeoutError:
            return Outcome(delivered=False, reason="It took too long.")
        finally:
            guard.over = True


def check_channel(url: str) -> str:
    """The scheme of a channel's address. Raises InvalidValue where it cannot be one.

    Takes a moment; so call it in a thread.
    """
    scheme = scheme_of(url)
    # Loaded before anybody watches: it may read and load what it needs.
    _apprise()
    with Guard(local=False).watching():
        if _plugin(url) is None:
            raise InvalidValue(f"This is not the address of a channel of the kind '{scheme}'.")
    return scheme


def _deliver(url: str, notice: Notice, guard: Guard) -> Outcome:
    """Deliver, and wait for it."""
    heard = _Ear()
    try:
        scheme_of(url)
        _apprise()
        with guard.watching(), heard:
            plugin = _plugin(url)
            if plugin is None:
                return Outcome(delivered=False, reason="Its address cannot be used.")
            delivered = bool(
                plugin.notify(
                    title=notice.title,
                    body=notice.body,
                    notify_type=_kind(notice.severity),
                    # What nodes say is in it: it is no HTML, nor Markdown.
                    body_format="text",
                )
            )
    except InvalidValue as exc:
        return Outcome(delivered=False, reason=exc.reason)
    except Exception:  # noqa: BLE001 - a hundred services by as many authors; any may raise
        # What it says may hold the address.
        delivered = False
    if delivered:
        return Outcome(delivered=True)
    return Outcome(delivered=False, reason=guard.refused or heard.reason)


def _kind(severity: Severity | None) -> str:
    """The word of apprise."""
    if severity is None:
        return "success"
    return {Severity.INFO: "info", Severity.WARNING: "warning"}.get(severity, "failure")


@cache
def _apprise() -> Any:
    """The library with all its services; takes a second, so nobody waits for it at the start."""
    import apprise  # noqa: PLC0415

    # Looks for the services, in files.
    apprise.Apprise.instantiate("json://localhost")
    return apprise


def _plugin(url: str) -> Any:
    """The service for an address; None if it is none."""
    apprise = _apprise()
    # Nothing is kept in files, nor made on the way: no keys, no caches.
    asset = apprise.AppriseAsset(
        storage_path=None, pgp_autogen=False, pem_autogen=False, secure_logging=True
    )
    plugin = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if plugin is not None:
        plugin.socket_connect_timeout = min(plugin.socket_connect_timeout or CONNECTING, CONNECTING)
        plugin.socket_read_timeout = min(plugin.socket_read_timeout or READING, READING)
    return plugin


class _Ear:
    """Hears from apprise's log which status a server answered; nobody else hears anything."""

    def __init__(self) -> None:
        self.reason = "It could not be reached, or did not take the message."

    def __enter__(self) -> None:
        _ears.mine = self

    def __exit__(self, *_error: object) -> None:
        _ears.mine = None


_ears = threading.local()


def _listen(record: logging.LogRecord) -> bool:
    ear: _Ear | None = getattr(_ears, "mine", None)
    if ear is not None:
        found = _STATUS.search(record.getMessage())
        if found is not None:
            ear.reason = f"It answered with status {found[1]}."
    return False


_apprise_log.addFilter(_listen)
