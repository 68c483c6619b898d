# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot watch`."""

import json
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from pyaiot.cli.connection import client_command, complain, hint
from pyaiot.cli.terminal import plain, shown
from pyaiot.errors import LinkFailed, UnknownNode
from pyaiot.model.node import checked_endpoint
from pyaiot.settings import ClientSettings

if TYPE_CHECKING:
    from pyaiot.link.mirror import Change, Mirror
    from pyaiot.link.subscriber import Subscriber

_WORDS: Final = {"out": "is gone", "reset": "has rebooted"}


class _Watch:
    """What is to be shown of what changes."""

    def __init__(self, mirror: "Mirror", words: Sequence[str], *, as_json: bool) -> None:
        """`words` are a node and a resource, as far as they were given. Raises InvalidValue."""
        self._mirror = mirror
        self._node = words[0] if words else None
        self._uid: str | None = None
        self._resource = checked_endpoint(words[1]) if len(words) > 1 else None
        self._json = as_json

    def choose(self) -> bool:
        """Whether it is known which node is meant. Raises InvalidValue where it may be several."""
        if self._node is not None and self._uid is None:
            with suppress(UnknownNode):
                self._uid = self._mirror.find(self._node)
        return self._node is None or self._uid is not None

    def show(self, changes: "Iterable[Change]") -> None:
        """Write a line for each change that is wanted."""
        known = self.choose()
        for change in changes:
            if known and self._uid in {None, change.uid} and self._wants(change):
                click.echo(_object(change) if self._json else self._line(change))

    def _wants(self, change: "Change") -> bool:
        if self._resource is None:
            return True
        return change.reading is not None and change.reading.endpoint == self._resource

    def _line(self, change: "Change") -> str:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(change.time))
        who = plain(self._mirror.label(change.uid, change.name))
        if change.reading is not None:
            what = f"{plain(change.reading.endpoint)} {shown(change.reading.value)}"
        elif change.availability is not None:
            what = f"is {change.availability}"
        else:
            what = _WORDS[change.event]
        return f"{when}  {who}  {what}"


def _object(change: "Change") -> str:
    told: dict[str, object] = {
        "time": change.time,
        "event": change.event,
        "uid": change.uid,
        "name": change.name,
    }
    if change.reading is not None:
        told |= {"resource": change.reading.endpoint, "value": change.reading.value}
    if change.availability is not None:
        told["availability"] = change.availability
    return json.dumps(told)


async def _run(subscriber: "Subscriber", settings: ClientSettings, words: Sequence[str]) -> int:
    import asyncio
    import random

    from pyaiot.link.backoff import Backoff
    from pyaiot.link.mirror import Mirror

    mirror, backoff, known = Mirror(), Backoff(random.random), False
    watch = _Watch(mirror, words, as_json=settings.json)
    while True:
        try:
            async with subscriber.connected(mirror) as subscription:
                backoff.reset()
                if known:
                    watch.show(subscription.first)
                elif not watch.choose():
                    complain(f"there is no node '{words[0]}' yet")
                elif not mirror.nodes:
                    hint("There are no nodes yet; what comes will be shown.", settings)
                known = True
                while True:
                    watch.show(await subscription.changes())
        except LinkFailed as exc:
            if not known:
                raise
            complain(f"{exc.reason}; trying again")
        await asyncio.sleep(backoff.next())


command = client_command(
    "watch",
    "Follow what nodes report: all of them, or NODE (its uid, the beginning of it, or its name),"
    " or one RESOURCE of it.",
    _run,
    "node",
    "resource",
    required=False,
    endless=True,
)
