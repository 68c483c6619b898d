# SPDX-License-Identifier: BSD-3-Clause
"""What becomes known of a node, besides what it measures."""

from dataclasses import dataclass

from pyaiot.model.node import Availability


@dataclass(frozen=True, slots=True)
class Sighting:
    """What became known of a node; None where it did not."""

    uid: str
    time_us: int
    """When it was heard, or when its availability changed."""
    availability: Availability | None = None
    title: str | None = None
    """What it calls itself."""
    protocol: str | None = None
    heard: bool = True
    """False: the node itself said nothing, it is only known to be gone."""
