# SPDX-License-Identifier: BSD-3-Clause
"""What a rule for alerts is about."""

from enum import StrEnum


class Condition(StrEnum):
    """What it is about."""

    ABOVE = "above"
    BELOW = "below"
    OUTSIDE = "outside"
    EQUALS = "equals"
    """The number in `low` (or `high`), or else the text."""
    RATE = "rate"
    """Changes by more than `high` (or less than `low`) per second."""
    SILENT = "silent"
    """No reading for `seconds`."""
    OFFLINE = "offline"
    """The node is offline."""
