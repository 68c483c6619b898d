# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.broker.complaints import BURST, Complaints


def test_so_many_and_then_how_many_more(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    complaints = Complaints(lambda: now)
    for number in range(50):
        complaints.add(f"number {number}")
    assert len(caplog.messages) == BURST
    now = 1.0
    complaints.add("later")
    complaints.add("too soon")
    now = 2.0
    complaints.add("later still")
    assert caplog.messages[-2:] == [
        "later (30 more were not logged)",
        "later still (1 more were not logged)",
    ]
