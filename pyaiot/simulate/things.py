# SPDX-License-Identifier: BSD-3-Clause
"""What a simulated node has: resources with plausible values, some of which can be set."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from pyaiot.errors import InvalidValue

ALIVE_PERIOD: Final = 30.0
"""Seconds between two announcements (WIRE.md sections 4 and 5)."""

SCRIPT: Final = "// Runs on the node.\nprint('hello from pyaiot');\n"

Sampler = Callable[[float, Random], str]
"""The value at a time in seconds, with some noise."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of resource a simulated node can have."""

    initial: str
    period: float | None = None
    """Seconds between two reports of its own accord; None where it reports only changes."""
    sample: Sampler | None = None
    accepts: Callable[[str], bool] | None = None
    """Whether a payload can be set; None where the resource is read-only."""


def _wave(middle: float, swing: float, noise: float, shape: str) -> Sampler:
    def sample(seconds: float, random: Random) -> str:
        value = middle + swing * math.sin(seconds / 60 * math.tau) + random.uniform(-noise, noise)
        return shape.format(value)

    return sample


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


RESOURCES: Final[Mapping[str, Resource]] = {
    "board": Resource("simulated"),
    "node": Resource("fd00:aaaa:bbbb::1"),
    "name": Resource("Test node"),
    "os": Resource("riot"),
    "ip": Resource("127.0.0.1"),
    "position": Resource('{"lat":48.714784,"lng":2.205502}'),
    "led": Resource("0", accepts=lambda payload: payload in {"0", "1"}),
    "temperature": Resource("23.0°C", 5.0, _wave(23, 3, 0.3, "{:.1f}°C")),
    "pressure": Resource("1013.0hPa", 5.0, _wave(1010, 8, 0.5, "{:.1f}hPa")),
    "humidity": Resource("45.0%", 5.0, _wave(45, 10, 1, "{:.1f}%")),
    "imu": Resource(_imu(0, Random(0)), 0.2, _imu),  # noqa: S311 - not a secret
    "robot": Resource("s", accepts=lambda payload: payload in {"u", "d", "l", "r", "s"}),
    "ribot": Resource("0:0:0\n", accepts=lambda payload: payload.count(":") == 2),
    "js": Resource(SCRIPT, accepts=bool),
    "text": Resource("", accepts=lambda payload: len(payload) <= 256),
    "version": Resource("1.0.0", 2.0, _version),
}
"""Names and formats are those of the original's nodes and firmwares (WIRE.md sections 7 and 9)."""


class Thing:
    """The resources of one simulated node, and their values."""

    def __init__(
        self, names: Iterable[str], random: Random, *, period: float | None = None, name: str = ""
    ) -> None:
        """Have the resources called `names`; `period` replaces the usual reporting periods.

        Raises InvalidValue for a resource that is not in RESOURCES.
        """
        self.values: dict[str, str] = {}
        for resource in names:
            if resource not in RESOURCES:
                raise InvalidValue(f"A simulated node has no resource '{resource}'.")
            self.values[resource] = RESOURCES[resource].initial
        if name:
            self.values["name"] = name
        self._random = random
        self._period = period

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
        sample = RESOURCES[name].sample
        if sample is not None:
            self.values[name] = sample(seconds, self._random)
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
