# SPDX-License-Identifier: BSD-3-Clause
"""What nodes publish (WIRE.md section 5): bytes to values and back.

The parsers raise InvalidInput: InvalidValue, or MessageTooLarge beyond the limits.
"""

import contextlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from pyaiot.errors import InvalidValue, MessageTooLarge
from pyaiot.gateway.mqtt.topics import checked_node_id, checked_resource
from pyaiot.messages.codec import MAX_DEPTH, check_depth
from pyaiot.model.node import MAX_RESOURCES
from pyaiot.model.value import Value

MAX_PAYLOAD: Final = 65_536
"""Bytes of one message, from a node or to it."""

ASK_RESOURCES: Final = b"resources"
ASK_VALUES: Final = b"values"
"""What the gateway publishes to discover a node."""


def parse_check(payload: bytes | None) -> str:
    """The id in ``{"id": "<node id>"}``."""
    node_id = _member(payload, "id")
    if not isinstance(node_id, str):
        raise InvalidValue("A node's id must be a text.")
    return checked_node_id(node_id)


def parse_resources(payload: bytes | None) -> tuple[str, ...]:
    """The names in a node's list of resources.

    Names that cannot be one are left out, as is what goes beyond MAX_RESOURCES: one bad resource
    must not hide the others.
    """
    listed = _parse(payload)
    if not isinstance(listed, list):
        raise InvalidValue("A list of resource names is expected.")
    names: dict[str, None] = {}
    for name in listed[:MAX_RESOURCES]:
        if isinstance(name, str):
            with contextlib.suppress(InvalidValue):
                names[checked_resource(name)] = None
    return tuple(names)


def parse_value(payload: bytes | None) -> Value:
    """V of ``{"value": V}``, which may be any JSON value."""
    value: Value = _member(payload, "value")
    return value


def check(node_id: str) -> bytes:
    """What a node publishes to say that it is there."""
    return msgspec.json.encode({"id": node_id})


def resources(names: Iterable[str]) -> bytes:
    """A node's list of its resources."""
    return msgspec.json.encode(list(names))


def value(of_resource: Value) -> bytes:
    """One value of a resource."""
    return msgspec.json.encode({"value": of_resource})


def _member(payload: bytes | None, name: str) -> Any:
    parsed = _parse(payload)
    if not isinstance(parsed, dict) or name not in parsed:
        raise InvalidValue(f'An object with the member "{name}" is expected.')
    return parsed[name]


def _parse(payload: bytes | None) -> Any:
    if payload is None or len(payload) > MAX_PAYLOAD:
        raise MessageTooLarge(f"A message must not be longer than {MAX_PAYLOAD} bytes.")
    try:
        parsed = msgspec.json.decode(payload)
    except RecursionError:
        raise MessageTooLarge(f"A value must not nest deeper than {MAX_DEPTH}.") from None
    except (msgspec.DecodeError, UnicodeError):
        raise InvalidValue("JSON is expected.") from None
    # The message is an object round the value, hence one more.
    check_depth(parsed, MAX_DEPTH + 1)
    return parsed
