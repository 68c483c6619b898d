# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot nodes`."""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from pyaiot.cli.connection import Exit, client_command, hint
from pyaiot.cli.terminal import age, cut, plain, shown, table
from pyaiot.model.node import IDENTITY, Twin
from pyaiot.settings import ClientSettings

if TYPE_CHECKING:
    from pyaiot.link.subscriber import Subscriber

_HEADER: Final = ("NAME", "UID", "PROTOCOL", "STATE", "HEARD", "VALUES")
_FLOORS: Final = ((5, 16), (1, 8), (0, 8), (2, 4), (5, 0))
"""How narrow a column may become, in the order in which they give way."""

_LONGEST: Final = 32
"""Cells for one value among others."""

_ELSEWHERE: Final = frozenset({*IDENTITY, "name"})
"""Resources that have a column of their own, or say nothing that the others do not."""


async def _run(subscriber: "Subscriber", settings: ClientSettings, _: Sequence[str]) -> int:
    async with subscriber.connected() as subscription:
        mirror, now = subscription.mirror, subscription.now
    nodes = sorted(mirror.nodes.values(), key=lambda node: (mirror.name(node.uid), node.uid))
    if not nodes:
        hint(
            "There are no nodes, or none that you may see. For some to try with: aiot simulate",
            settings,
        )
        lines = []
    elif settings.json:
        lines = [_object(node, mirror.name(node.uid)) for node in nodes]
    else:
        rows = [_row(node, mirror.name(node.uid), now) for node in nodes]
        limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        lines = table([_HEADER, *rows], limit, _FLOORS)
    for line in lines:
        click.echo(line)
    return Exit.DONE


def _object(node: Twin, name: str) -> str:
    protocol = node.readings.get("protocol")
    return json.dumps(
        {
            "uid": node.uid,
            "name": name,
            "protocol": None if protocol is None else protocol.value,
            "availability": node.availability,
            "seen": node.seen,
            "resources": {each.endpoint: {"value": each.value, "time": each.time} for each in node},
        }
    )


def _row(node: Twin, name: str, now: float) -> tuple[str, ...]:
    protocol = node.readings.get("protocol")
    return (
        plain(name),
        plain(node.uid),
        "" if protocol is None else shown(protocol.value),
        node.availability,
        age(now - node.seen),
        " ".join(_values(node)),
    )


def _values(node: Twin) -> Iterator[str]:
    for endpoint in sorted(node.readings.keys() - _ELSEWHERE):
        value = cut(shown(node.readings[endpoint].value), _LONGEST)
        yield f"{plain(endpoint)}={value}"


command = client_command("nodes", "List the nodes that the broker knows.", _run)
