# SPDX-License-Identifier: BSD-3-Clause
"""What a simulated node has: resources with plausible values, some of which can be set."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, TypeAlias

from pyaiot.errors import InvalidValue

ALIVE_PERIOD: Final = 30.0
"""Seconds between two announcements (WIRE.md sections 4 and 5)."""

CYCLE: Final = 60.0
"""Seconds after which a measured quantity begins its course again."""

SCRIPT: Final = "// Runs on the node.\nprint('hello from pyaiot');\n"

Sampler: TypeAlias = Callable[[float, Random], str]
"""The value at a time in seconds, with some noise."""

Course: TypeAlias = Literal["sine", "linear", "random"]
"""How measured quantities go: up and down, up and then from the bottom again, or anyhow."""


@dataclass(frozen=True, slots=True)
class Span:
    """Within which bounds a quantity is measured, and how it is written."""

    low: float
    high: float
    shape: str
    """A format for the number."""

    def at(self, seconds: float, random: Random, course: Course = "sine") -> str:
        """A measurement at that time."""
        if course == "random":
            part = random.random()
        elif course == "linear":
            part = seconds / CYCLE % 1
        else:
            part = 0.5 + 0.47 * math.sin(seconds / CYCLE * math.tau) + random.uniform(-0.03, 0.03)
        return self.shape.format(self.low + (self.high - self.low) * part)


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of resource a simulated node can have."""

    initial: str
    period: float | None = None
    """Seconds between two reports of its own accord; None where it reports only changes."""
    sample: Sampler | None = None
    """Measures what is no quantity, or what is always measured alike."""
    span: Span | None = None
    """The quantity that it measures."""
    accepts: Callable[[str], bool] | None = None
    """Whether a payload can be set; None where the resource is read-only."""


def _measured(low: float, high: float, shape: str) -> Resource:
    return Resource(shape.format((low + high) / 2), 5.0, span=Span(low, high, shape))


def _imu(seconds: float, random: Random) -> str:
    def triple(swing: float) -> list[int]:
        return [round(swing * math.sin(seconds + n) + random.uniform(-9, 9)) for n in range(3)]

    return json.dumps(
        [
            {"type": "acc", "values": triple(500)},
            {"type": "mag", "values": triple(400)},
            {"type": "gyro", "values": triple(90)},
        ],
        separators=(",", ":"),
    )


def _version(seconds: float, _random: Random) -> str:
    return f"1.{int(seconds / 60) % 10}.{int(seconds / 6) % 10}"


_UPDATE: Final = ((30, 0), (32, 1), (35, 2), (36, 4), (51, 6), (54, 9), (59, 11), (60, 0))
"""An update of the firmware: until which second of a minute the node is in which state."""

_DOWNLOAD: Final = (36, 51)
"""The seconds of the minute in which it downloads."""


def _suit_state(seconds: float, _random: Random) -> str:
    second = seconds % CYCLE
    return str(next(state for end, state in _UPDATE if second < end))


def _dwnld(seconds: float, _random: Random) -> str:
    begin, end = _DOWNLOAD
    part = (seconds % CYCLE - begin) / (end - begin)
    return str(round(100 * max(0.0, part))) if part < 1 else "100"


def _is_ribot(payload: str) -> bool:
    numbers = payload.strip().split(":")
    return len(numbers) == 3 and all(each.removeprefix("-").isdecimal() for each in numbers)


RESOURCES: Final[Mapping[str, Resource]] = {
    "board": Resource("simulated"),
    "node": Resource("fd00:aaaa:bbbb::1"),
    "name": Resource("Test node"),
    "os": Resource("riot"),
    "ip": Resource("127.0.0.1"),
    "position": Resource('{"lat":48.714784,"lng":2.205502}'),
    "led": Resource("0", accepts=lambda payload: payload in {"0", "1"}),
    "temperature": _measured(19.7, 26.3, "{:.1f}°C"),
    "pressure": _measured(1001.5, 1018.5, "{:.1f}hPa"),
    "humidity": _measured(34, 56, "{:.1f}%"),
    "eco2": _measured(410, 1400, "{:.0f}ppm"),
    "tvoc": _measured(5, 320, "{:.0f}ppb"),
    "tsp": _measured(12, 60, " {:.0f}ug/m3"),
    "tlp": _measured(4, 25, " {:.0f}ug/m3"),
    "illuminance": _measured(80, 900, "{:.0f}lx"),
    "uvindex": _measured(0, 8, "{:.1f}"),
    "imu": Resource(_imu(0, Random(0)), 0.2, _imu),  # noqa: S311 - not a secret
    "robot": Resource("s", accepts=lambda payload: payload in {"u", "d", "l", "r", "s"}),
    "ribot": Resource("0:0:0\n", accepts=_is_ribot),
    "js": Resource(SCRIPT, accepts=bool),
    "text": Resource("", accepts=lambda payload: len(payload) <= 256),
    "version": Resource("1.0.0", 2.0, _version),
    "suit_state": Resource("0", 1.0, _suit_state),
    "dwnld": Resource("0", 1.0, _dwnld),
}
"""Names and formats are those of the original's nodes and firmwares (WIRE.md sections 7 and 9)."""


class Thing:
    """The resources of one simulated node, and their values."""

    def __init__(
        self,
        names: Iterable[str],
        random: Random,
        *,
        period: float | None = None,
        course: Course = "sine",
        scatter: float = 0.0,
        values: Mapping[str, str] | None = None,
        name: str = "",
    ) -> None:
        """Have the resources called `names`; `period` replaces the usual reporting periods.

        What it measures takes that `course`, each quantity up to `scatter` seconds ahead of the
        time; all else begins with its usual value, or the one in
        `values`, of which it has no others than `names`. Raises InvalidValue for a resource that
        is not in RESOURCES.
        """
        self.values: dict[str, str] = {}
        for resource in names:
            if resource not in RESOURCES:
                raise InvalidValue(f"A simulated node has no resource '{resource}'.")
            self.values[resource] = RESOURCES[resource].initial
        self.values.update(values or {})
        if name:
            self.values["name"] = name
        self._random = random
        self._period = period
        self._course: Course = course
        self._ahead = {each: random.uniform(0, scatter) for each in self.values} if scatter else {}

    @property
    def periodic(self) -> dict[str, float]:
        """The resources that report of their own accord, and how often in seconds."""
        return {
            name: self._period or kind.period
            for name in self.values
            if (kind := RESOURCES[name]).period is not None
        }

    def sample(self, name: str, seconds: float) -> str:
        """Measure: the new value of a resource `seconds` after the start."""
        kind = RESOURCES[name]
        if kind.span is not None:
            self.values[name] = kind.span.at(
                seconds + self._ahead.get(name, 0.0), self._random, self._course
            )
        elif kind.sample is not None:
            self.values[name] = kind.sample(seconds, self._random)
        return self.values[name]

    def put(self, name: str, payload: str) -> None:
        """Set a resource.

        Raises InvalidValue when the node has no such resource, it is read-only, or the payload
        is none that it takes.
        """
        if name not in self.values:
            raise InvalidValue(f"No resource '{name}'.")
        accepts = RESOURCES[name].accepts
        if accepts is None:
            raise InvalidValue(f"Resource '{name}' is read-only.")
        if not accepts(payload):
            raise InvalidValue(f"Resource '{name}' does not take this value.")
        self.values[name] = payload
