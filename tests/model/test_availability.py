# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.errors import InvalidValue
from pyaiot.model.availability import Liveness
from pyaiot.model.node import Availability

ONLINE, LATE, OFFLINE = Availability.ONLINE, Availability.LATE, Availability.OFFLINE


@pytest.mark.parametrize(
    ("silent", "availability"),
    [(0, ONLINE), (44.9, ONLINE), (45, LATE), (119.9, LATE), (120, OFFLINE), (1e9, OFFLINE)],
)
def test_by_default(silent: float, availability: Availability) -> None:
    assert Liveness().judge(silent) is availability


@pytest.mark.parametrize(
    ("silent", "availability"), [(4.9, ONLINE), (5, LATE), (9.9, LATE), (10, OFFLINE)]
)
def test_late_comes_before_a_short_offline(silent: float, availability: Availability) -> None:
    assert Liveness(10).judge(silent) is availability


def test_late_does_not_wait_for_a_long_offline() -> None:
    assert Liveness(86400).judge(45) is LATE


@pytest.mark.parametrize("max_time", [0, -1, float("inf"), float("nan")])
def test_needs_a_time(max_time: float) -> None:
    with pytest.raises(InvalidValue):
        Liveness(max_time)
