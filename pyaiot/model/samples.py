# SPDX-License-Identifier: BSD-3-Clause
"""What of a reading is kept: numbers and texts, each at its place in the value."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec

from pyaiot.model.value import Quantity, Value

MAX_SAMPLES: Final = 64
"""Samples of one value; what more there is in it is not kept."""

MAX_PATH: Final = 256
"""Characters; what lies deeper in a value is not kept."""

LARGEST: Final = 1e100
"""Numbers beyond this are kept as text: databases cannot make a mean of them."""

_SHORT: Final = 64
"""Characters; longer texts say no quantity."""

_AXES: Final = "xyz"


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One number or text that a node reported; neither of both for a null.

    The path says where in a structured value it was (``"acc.x"``); it is empty for a value that is
    one. Readings of one node, resource, path and time are the same reading.
    """

    node: str
    resource: str
    path: str
    time_us: int
    """Whole microseconds since the epoch."""
    number: float | None
    text: str | None
    unit: str = ""


def microseconds(seconds: float) -> int:
    """A time in seconds, as it is kept."""
    return round(seconds * 1e6)


def samples_of(node: str, resource: str, value: Value, time: float) -> list[Sample]:
    """What is kept of a `value` that was measured at `time` (seconds since the epoch).

    A number is what `Quantity` finds, and 1 or 0 for a boolean; all else is text. A list or an
    object, or a text that is one in JSON, as CoAP nodes send them, is kept by its members: at
    their names or numbers, those of an IMU (``[{"type": "acc", "values": [1, 2, 3]}]``, WIRE.md
    section 7) at ``acc.x`` and so on.
    """
    micro = round(time * 1e6)
    if not (node.isprintable() and resource.isprintable()):
        node, resource = _plain(node), _plain(resource)
    if type(value) is str:
        # By far the most there is.
        if len(value) < _SHORT and (found := _quantity(value)):
            return [Sample(node, resource, "", micro, found[0], None, found[1])]
        value = _structure(value)
    samples = []
    for path, leaf in _leaves("", value):
        number, text, unit = _kept(leaf)
        samples.append(Sample(node, resource, path, micro, number, text, unit))
        if len(samples) == MAX_SAMPLES:
            break
    return samples


@lru_cache(maxsize=16_384)  # what is measured repeats itself
def _quantity(text: str) -> tuple[float, str] | None:
    """The number and the unit that `text` says."""
    found = Quantity.of(text)
    if found is None or not -LARGEST <= found.number <= LARGEST:
        return None
    return found.number, _plain(found.unit)


def _structure(text: str) -> Value:
    """The list or object that `text` is in JSON, or the text itself."""
    if text.lstrip()[:1] in ("[", "{"):
        try:
            value: Value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return text
        return value
    return text


def _leaves(path: str, value: Value) -> Iterator[tuple[str, Value]]:
    if isinstance(value, dict) and value:
        members = [(_plain(key), member) for key, member in value.items()]
    elif isinstance(value, list) and value:
        members = [_named(number, member) for number, member in enumerate(value)]
    else:
        yield path, value
        return
    for name, member in members:
        inner = f"{path}.{name}" if path else name
        # Each level makes it longer, so this ends any nesting too.
        if 0 < len(inner) <= MAX_PATH:
            yield from _leaves(inner, member)


def _named(number: int, member: Value) -> tuple[str, Value]:
    """A member of a list, and what it goes by."""
    if isinstance(member, dict) and member.keys() == {"type", "values"}:
        kind, values = member["type"], member["values"]
        if isinstance(kind, str) and isinstance(values, list) and kind:
            if 0 < len(values) <= len(_AXES):
                return _plain(kind), dict(zip(_AXES, values, strict=False))
            return _plain(kind), values
    return str(number), member


def _kept(value: Value) -> tuple[float | None, str | None, str]:
    """The number, the text and the unit of what has no members."""
    if value is None:
        return None, None, ""
    if isinstance(value, bool):
        return float(value), None, ""
    try:
        found = Quantity.of(value)
    except OverflowError:  # a whole number beyond what a float can be
        return None, str(value), ""
    if found is not None and -LARGEST <= found.number <= LARGEST:
        return found.number, None, _plain(found.unit)
    return (
        None,
        _storable(value if isinstance(value, str) else msgspec.json.encode(value).decode()),
        "",
    )


def _storable(text: str) -> str:
    """`text` as PostgreSQL takes it: without NUL, and without halves of surrogate pairs."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()


def _plain(name: str) -> str:
    """`name` as a database and a terminal take it."""
    if name.isprintable():
        return name
    return "".join(char if char.isprintable() else "�" for char in name)
