# SPDX-License-Identifier: BSD-3-Clause
"""Resources of nodes: what they are now, and setting them."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.described import seen
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.forms import CommandState, Page, Resource, Setting
from pyaiot.dashboard.api.problem import Refused, not_found
from pyaiot.dashboard.commands import Commands
from pyaiot.dashboard.live import BrokerUnreachable
from pyaiot.errors import CommandFailed, CommandTimeout, PermissionDenied, PyaiotError
from pyaiot.messages.types import Status, Target
from pyaiot.model.access import Permission
from pyaiot.model.node import SCRIPT, Reading, checked_endpoint

MAX_SETTING: Final = 524_288
"""Bytes of a body that sets a resource: the longest payload, however it is escaped."""

_ASYNC: Final = "respond-async"


async def resources(call: Call[NoQuery, None]) -> Page[Resource]:
    return Page(tuple(await _current(call)))


async def resource(call: Call[NoQuery, None]) -> Resource:
    for each in await _current(call):
        if each.endpoint == call.params["endpoint"]:
            return each
    raise not_found("resource")


async def _current(call: Call[NoQuery, None]) -> list[Resource]:
    """What a node reported last: as the broker knows it, or else as it was stored."""
    uid = await seen(call, call.params["uid"])
    twin = call.services.live.mirror.nodes.get(uid)
    if twin is not None:
        return [_resource(each) for each in sorted(twin, key=lambda each: each.endpoint)]
    found: dict[str, Resource] = {}
    for sample in await call.services.store.history.latest(uid):
        value: Any = sample.text if sample.number is None else sample.number
        former = found.get(sample.resource)
        time = sample.time_us / 1e6
        if sample.path:
            # What was structured is kept by its members.
            members = former.value if former is not None and isinstance(former.value, dict) else {}
            value = {**members, sample.path: value}
        if former is None or time >= former.time:
            found[sample.resource] = Resource(sample.resource, value, time)
    return list(found.values())


def _resource(reading: Reading) -> Resource:
    return Resource(reading.endpoint, reading.value, reading.time)


async def put(call: Call[NoQuery, Setting]) -> CommandState:
    """Set a resource, and wait for what becomes of it; or do not wait, if that is preferred."""
    uid = await seen(call, call.params["uid"])
    endpoint = checked_endpoint(call.params["endpoint"])
    _check(call, uid, endpoint)
    target = Target(uid, endpoint, call.body.payload)
    commands = call.services.commands
    identity = call.services.token_bytes(16).hex()
    call.headers["Location"] = call.link(f"commands/{identity}")
    preferences = call.asker.headers.get("prefer", "").lower().replace(";", ",").split(",")
    if call.services.live.trouble:
        raise BrokerUnreachable(f"The broker cannot be reached: {call.services.live.trouble}.")
    state = commands.begin(target, identity, _asker(call), call.now.wall)
    if _ASYNC in {each.strip() for each in preferences}:
        call.services.later(_alone(commands, target, identity, call.body.timeout))
        call.headers["Preference-Applied"] = _ASYNC
        call.status = HTTPStatus.ACCEPTED
        return state
    state = await commands.carry_out(target, identity, call.body.timeout)
    if state.status is not Status.APPLIED:
        raise _failure(state)
    return state


async def _alone(commands: Commands, target: Target, identity: str, patience: float) -> None:
    with suppress(BrokerUnreachable):  # whoever asks for the command is told
        await commands.carry_out(target, identity, patience)


def _check(call: Call[NoQuery, Setting], uid: str, endpoint: str) -> None:
    allowed = call.permissions(uid)
    if Permission.CONTROL not in allowed:
        raise PermissionDenied("You may see this node, but not control it.")
    if endpoint.strip("/") == SCRIPT and Permission.SCRIPT not in allowed:
        raise PermissionDenied("You may control this node, but not send it scripts.")


def _failure(state: CommandState) -> PyaiotError:
    match state.status:
        case Status.TIMEOUT:
            return CommandTimeout(state.reason or "There was no result in time.")
        case Status.DENIED:
            return PermissionDenied(state.reason or "The broker does not permit it.")
        case Status.UNKNOWN_NODE:
            reason = state.reason or "No gateway holds this node at the moment."
            return Refused(HTTPStatus.CONFLICT, "unknown_node", reason)
    return CommandFailed(state.reason or "The node refused it.")


async def command(call: Call[NoQuery, None]) -> CommandState:
    found = call.services.commands.get(call.params["id"])
    if found is None or not (call.who.unlimited or found[1] == _asker(call)):
        raise not_found("command")
    return found[0]


def _asker(call: Call[Any, Any]) -> str:
    return call.who.id or f"at {call.asker.address}"


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/nodes/{uid}/resources", Who.VISITOR, resources,
        "What a node reports now, or did last", answer=Page[Resource], problems=(404,),
    ),
    Endpoint(
        "GET", "/nodes/{uid}/resources/{endpoint}", Who.VISITOR, resource,
        "The value of one resource", answer=Resource, problems=(404,),
    ),
    Endpoint(
        "PUT", "/nodes/{uid}/resources/{endpoint}", Who.VISITOR, put,
        "Set a resource; with `Prefer: respond-async`, without waiting for the node",
        body=Setting, answer=CommandState, also=(202,), max_body=MAX_SETTING,
        problems=(404, 409, 502, 503, 504),
    ),
    Endpoint(
        "GET", "/commands/{id}", Who.VISITOR, command,
        "What has become of a command", answer=CommandState, problems=(404,),
    ),
)  # fmt: skip
