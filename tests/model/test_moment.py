# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.model.moment import Moment


def test_the_two_clocks_are_told_apart() -> None:
    wall, steady = Moment(wall=1.8e9, steady=12.5)
    assert (wall, steady) == (1.8e9, 12.5)
