# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot set`."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

from pyaiot.cli.connection import Exit, client_command, complain
from pyaiot.cli.terminal import plain
from pyaiot.errors import InvalidValue
from pyaiot.messages.types import MAX_PAYLOAD, Result, Status, Target
from pyaiot.model.node import checked_endpoint
from pyaiot.settings import ClientSettings

if TYPE_CHECKING:
    from pyaiot.link.subscriber import Subscriber

_EXIT: Final[Mapping[Status, Exit]] = {
    Status.APPLIED: Exit.DONE,
    Status.FAILED: Exit.FAILED,
    Status.TIMEOUT: Exit.TIMEOUT,
    Status.DENIED: Exit.DENIED,
    Status.UNKNOWN_NODE: Exit.UNKNOWN_NODE,
}


async def _run(subscriber: "Subscriber", settings: ClientSettings, words: Sequence[str]) -> int:
    node, resource, value = words
    endpoint = checked_endpoint(resource)
    if len(value) > MAX_PAYLOAD:
        raise InvalidValue(f"A value must not be longer than {MAX_PAYLOAD} characters.")

    def queued(result: Result) -> None:
        complain(result.reason or "the node sleeps; the command waits for it")

    async with subscriber.connected() as subscription:
        uid = subscription.mirror.find(node)
        name = subscription.mirror.name(uid)
        result = await subscription.set(Target(uid, endpoint, value), settings.timeout, queued)
    if settings.json:
        told = {"uid": uid, "name": name, "resource": endpoint, "value": value}
        click.echo(json.dumps({**told, "status": result.status, "reason": result.reason}))
    elif result.status is Status.APPLIED:
        click.echo(f"{plain(name or uid)}  {plain(endpoint)} {plain(value)}")
    else:
        complain(f"{result.status}: {plain(result.reason)}" if result.reason else result.status)
    return _EXIT[result.status]


command = client_command(
    "set",
    "Set RESOURCE of NODE (its uid, the beginning of it, or its name) to VALUE, and wait for the"
    " result. The exit status is 0 if the node confirmed it, 3 if that failed, 4 if nothing was"
    " heard in time, 5 if it is not permitted, 6 if there is no such node, and 1 if the broker"
    " cannot be reached.",
    _run,
    "node",
    "resource",
    "value",
)
