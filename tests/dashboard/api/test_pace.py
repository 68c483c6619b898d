# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.dashboard.api.pace import Pace
from pyaiot.errors import RateExceeded


def test_each_asker_may_ask_so_often() -> None:
    pace = Pace(2.0, 3.0)
    for asker in ("a", "b"):
        for _ in range(3):
            pace.take(asker, 0.0)
        with pytest.raises(RateExceeded):
            pace.take(asker, 0.0)
        pace.take(asker, 0.5)


def test_only_so_many_are_remembered() -> None:
    pace = Pace(0.001, 1.0, askers=2)
    pace.take("a", 0.0)
    pace.take("b", 0.0)
    with pytest.raises(RateExceeded):
        pace.take("a", 0.0)
    # The one who did not ask for longest is forgotten.
    pace.take("c", 0.0)
    with pytest.raises(RateExceeded):
        pace.take("a", 0.0)
    pace.take("b", 0.0)
