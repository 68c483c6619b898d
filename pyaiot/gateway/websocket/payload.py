# SPDX-License-Identifier: BSD-3-Clause
"""What travels on a node's websocket (WIRE.md section 6).

From the gateway: ``{"request": "discover"}``, and ``{"endpoint": E, "payload": P}`` to set a
resource. From the node: ``{"type":"update","data":{RESOURCE: VALUE, …}}``, as often as it likes.

Ours: ``{"type":"new","id":ID}`` gives the node a name of its own, by which it keeps its identity
from one connection to the next. The original's gateway ignores it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from pyaiot.errors import InvalidMessage, InvalidValue, MessageTooLarge
from pyaiot.messages.codec import MAX_DEPTH, check_depth
from pyaiot.model.node import MAX_RESOURCES, checked_endpoint, checked_uid
from pyaiot.model.value import Value

DISCOVER: Final = '{"request": "discover"}'
"""Asks a node for all its resources; the original's node compares it as text."""

_TYPES: Final = frozenset({"new", "update", "out", "reset"})
_QUOTED: Final = 56
"""Bytes of a bad frame that its error repeats, so that the whole fits a close frame."""

_decoder: Final = msgspec.json.Decoder()


def set_request(endpoint: str, payload: str) -> str:
    """The frame that sets a resource, spelt as the original spells it."""
    return json.dumps({"endpoint": endpoint, "payload": payload})


@dataclass(frozen=True, slots=True)
class Said:
    """What one frame says. Types other than ``update`` and ``new`` say nothing."""

    values: Mapping[str, Value] | None = None
    """The resources in an update; None where the frame is no update."""
    name: str | None = None
    """What the node calls itself."""
    faults: tuple[str, ...] = field(default=())
    """What had to be left out, and why."""


def parse(frame: bytes) -> Said:
    """Read a node's frame.

    Raises InvalidMessage for what is no message (its text is that of WIRE.md section 2.2), and
    MessageTooLarge for what nests too deep to be read at all. What is merely useless is a fault.
    """
    try:
        message = _decoder.decode(frame)
    except RecursionError:
        raise MessageTooLarge(f"A value must not nest deeper than {MAX_DEPTH}.") from None
    except (msgspec.DecodeError, UnicodeError):
        raise InvalidMessage(
            f"Invalid message received '{_quoted(frame)}'. Only JSON format is supported."
        ) from None
    kind = message.get("type") if isinstance(message, dict) else None
    if not isinstance(kind, str):
        raise InvalidMessage(f"Invalid message '{_quoted(frame)}'.")
    if kind not in _TYPES:
        raise InvalidMessage(f"Invalid message type '{_quoted(kind.encode())}'.")
    if kind == "update":
        return _update(message.get("data"))
    if kind == "new" and "id" in message:
        return _new(message["id"])
    return Said()


def _update(data: Any) -> Said:
    if not isinstance(data, dict):
        return Said(faults=("the data of an update is not an object",))
    if len(data) > MAX_RESOURCES:
        return Said(faults=(f"an update of more than {MAX_RESOURCES} resources",))
    values: dict[str, Value] = {}
    faults: list[str] = []
    for key, value in data.items():
        try:
            endpoint = checked_endpoint(key)
            check_depth(value)
        except (InvalidValue, MessageTooLarge) as exc:
            faults.append(exc.reason)
        else:
            values[endpoint] = value
    return Said(values=values, faults=tuple(faults))


def _new(name: Any) -> Said:
    if not isinstance(name, str):
        return Said(faults=("a node's id must be text",))
    try:
        return Said(name=checked_uid(name))
    except InvalidValue as exc:
        return Said(faults=(exc.reason,))


def _quoted(text: bytes) -> str:
    shown = text[: _QUOTED + 1].decode("utf-8", "replace").encode()
    if len(shown) <= _QUOTED:
        return shown.decode()
    return shown[:_QUOTED].decode("utf-8", "ignore") + "…"
