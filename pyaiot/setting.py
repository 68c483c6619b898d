# SPDX-License-Identifier: BSD-3-Clause
"""One setting: what is declared of it, and which values it takes."""

import math
from dataclasses import MISSING, Field, dataclass, field
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, cast, get_args, get_origin

from pyaiot.errors import SettingsInvalid

SettingValue = bool | int | float | str | tuple[str, ...] | None

_TRUE: Final = frozenset({"true", "t", "1", "yes", "y", "on"})
_FALSE: Final = frozenset({"false", "f", "0", "no", "n", "off"})


def setting(
    default: SettingValue,
    help: str,  # noqa: A002 - what the command line calls it
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    unit: str = "",
    secret: bool = False,
    in_file: bool = True,
) -> Any:
    """A field of a settings class.

    `unit` is shown in help as the placeholder of the value. A `secret` is not shown by `repr` and
    can also be given as the name of a file (``PYAIOT_MQTT_PASSWORD_FILE``).
    """
    return field(
        default=default,
        repr=not secret,
        metadata={
            "help": help,
            "minimum": minimum,
            "maximum": maximum,
            "unit": unit,
            "secret": secret,
            "in_file": in_file,
        },
    )


def port(default: int, help: str) -> Any:  # noqa: A002 - as above
    """A TCP or UDP port; 0 is any free one."""
    return setting(default, help, minimum=0, maximum=65535, unit="port")


@dataclass(frozen=True, slots=True)
class Setting:
    """What is declared of one field."""

    name: str
    kind: type[bool | int | float | str | tuple[str, ...]]
    default: SettingValue
    help: str
    optional: bool
    choices: tuple[str, ...]
    minimum: float
    maximum: float
    unit: str
    secret: bool
    in_file: bool

    @classmethod
    def of(cls, declared: "Field[Any]") -> "Setting":
        """What the field of a settings class declares."""
        kind: Any = declared.type
        optional = get_origin(kind) in {UnionType, Union} and NoneType in get_args(kind)
        if optional:
            (kind,) = (each for each in get_args(kind) if each is not NoneType)
        choices: tuple[str, ...] = ()
        if get_origin(kind) is Literal:
            choices, kind = get_args(kind), str
        elif get_origin(kind) is tuple:
            kind = tuple
        assert declared.default is not MISSING, declared.name  # noqa: S101 - a slip in this file
        return cls(
            name=declared.name,
            kind=kind,
            default=declared.default,
            optional=optional,
            choices=choices,
            **declared.metadata,
        )

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "PYAIOT_" + self.name.upper()

    def parse(self, text: str) -> SettingValue:
        """The value written as `text`, on a command line or in a variable.

        Raises SettingsInvalid, as do `accept` and `check`; none of them says which setting it is.
        """
        text = text.strip()
        if not text and self.optional:
            return None
        if self.kind is bool:
            return _truth(text)
        if self.kind is tuple:
            return tuple(item.strip() for item in text.split(",") if item.strip())
        value: SettingValue = text if self.kind is str else self._number(text)
        self.check(value)
        return value

    def accept(self, value: object) -> SettingValue:
        """The value that a file gave; text may stand for any kind."""
        if isinstance(value, str):
            return self.parse(value)
        if isinstance(value, list | tuple):
            if self.kind is not tuple or not all(isinstance(item, str) for item in value):
                raise SettingsInvalid(f"expected {self.expected}, not a list")
            return tuple(value)
        if self.kind is float and type(value) is int:
            value = float(value)
        if value is not None and type(value) is not self.kind:
            raise SettingsInvalid(f"expected {self.expected}, not {value!r}")
        self.check(value)
        return value

    def check(self, value: SettingValue) -> None:
        """Raise SettingsInvalid unless `value` lies within the bounds."""
        if value is None:
            if not self.optional:
                raise SettingsInvalid(f"expected {self.expected}")
        elif self.choices and value not in self.choices:
            raise SettingsInvalid(f"expected {self.expected}, not {value!r}")
        elif self.kind in {int, float}:
            number = cast("float", value)
            finite = self.kind is int or math.isfinite(number)
            if not finite or not self.minimum <= number <= self.maximum:
                raise SettingsInvalid(f"expected {self.expected}, not {value}")

    @property
    def expected(self) -> str:
        """What the setting takes, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = {bool: "true or false", tuple: "a list of texts", str: "a text"}
        if self.kind in words:
            return words[self.kind]
        noun = "a whole number" if self.kind is int else "a number"
        return f"{noun} {self.range}" if self.range else noun

    @property
    def range(self) -> str:
        """The bounds of a number, in words."""
        if self.maximum < math.inf:
            return f"from {self.minimum:g} to {self.maximum:.15g}"
        return f"of {self.minimum:g} or more" if self.minimum > -math.inf else ""

    def _number(self, text: str) -> float:
        if not text and self.unit == "port":
            return 0
        try:
            return int(text) if self.kind is int else float(text)
        except ValueError:
            raise SettingsInvalid(f"expected {self.expected}, not {text!r}") from None


def _truth(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise SettingsInvalid(f"expected true or false, not {text!r}")
    return word in _TRUE
