# SPDX-License-Identifier: BSD-3-Clause
"""What a node reports: a JSON value, kept as it was sent, and the number in it."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

if TYPE_CHECKING:
    Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
else:  # msgspec cannot follow a recursive alias; any JSON is what it checks for here
    Value = Any
"""A reading's value: whatever JSON can say. CoAP nodes always send text (WIRE.md section 3.2)."""

# A sign, digits with at most one point or comma, an exponent; then the unit, which has no digit
# of its own in front, so that dates, versions and addresses are not taken for numbers.
_QUANTITY: Final = re.compile(
    r"\s*([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s.,:;+\-][^\s:;]{0,15})?\s*",
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and the unit it was sent with; the unit is empty where none was given."""

    number: float
    unit: str = ""

    @classmethod
    def of(cls, value: Value) -> "Quantity | None":
        """The quantity in `value` (``"23.4°C"``, ``" 22.5 °C"``, ``45``), or None if there is none.

        Booleans, structures and texts that only begin with a number (``"1.2.3"``) hold none.
        """
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return cls(float(value))
        if not isinstance(value, str) or len(value) > 64:
            return None
        match = _QUANTITY.fullmatch(value)
        if match is None:
            return None
        return cls(float(match[1].replace(",", ".")), match[2] or "")


_TRUE: Final = frozenset({"1", "true", "on"})
_FALSE: Final = frozenset({"0", "false", "off"})


def says(value: Value, payload: str) -> bool:
    """Whether a node that reports `value` has done what a command with `payload` asked for.

    Nodes put it in their own words: ``21`` may come back as ``"21.0°C"``, ``1`` as ``true``.
    """
    if isinstance(value, bool):
        return payload.strip().lower() in (_TRUE if value else _FALSE)
    if isinstance(value, list | dict):
        try:
            return bool(msgspec.json.decode(payload) == value)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return False
    if str(value).strip() == payload.strip():
        return True
    reported, asked = Quantity.of(value), Quantity.of(payload)
    if reported is None or asked is None or reported.number != asked.number:
        return False
    return asked.unit in {"", reported.unit}
