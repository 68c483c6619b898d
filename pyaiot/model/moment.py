# SPDX-License-Identifier: BSD-3-Clause
"""A point in time, on two clocks."""

from typing import NamedTuple


class Moment(NamedTuple):
    """When something happened.

    `wall` is seconds since the epoch and goes on the wire. `steady` is seconds on a clock that
    never jumps; every delay and deadline is reckoned on it, so that a Raspberry Pi which learns
    the time of day an hour after it booted does not lose all its nodes.
    """

    wall: float
    steady: float
