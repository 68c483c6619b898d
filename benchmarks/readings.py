# SPDX-License-Identifier: BSD-3-Clause
"""The readings that are sent: the same to all brokers, each in the words of its protocol."""

from dataclasses import dataclass
from typing import Final

from benchmarks.generator import STAMP, STILL

NODES: Final = 10
"""Per gateway."""
RESOURCES: Final = ("temperature", "pressure", "humidity", "led", "position")
TIME: Final = 1_763_697_600.125
"""When all of them were measured, as far as their text says."""


@dataclass(frozen=True)
class Reading:
    """A value of one resource of one node; `value` holds the place for its time."""

    uid: str
    endpoint: str
    value: bytes = STAMP

    @property
    def wire(self) -> bytes:
        """As gateways of pyaiot write it."""
        return b'{"type":"update","uid":"%b","endpoint":"%b","data":"%b","dst":"all","time":%r}' % (
            self.uid.encode(),
            self.endpoint.encode(),
            self.value,
            TIME,
        )

    @property
    def body(self) -> bytes:
        """The value and its time, where a topic says of what."""
        return b'{"value":"%b","time":%r}' % (self.value, TIME)


def of_gateway(index: int, nodes: int = NODES) -> list[Reading]:
    """All that one gateway reports in turn."""
    return [
        Reading(f"node-{index:02}-{number:04}", endpoint)
        for number in range(nodes)
        for endpoint in RESOURCES
    ]


def still(number: int) -> list[Reading]:
    """The readings of `number` nodes that stand still, five of each."""
    return [
        Reading(f"still-{index:05}", endpoint, STILL + b"21.5")
        for index in range(number)
        for endpoint in RESOURCES
    ]
