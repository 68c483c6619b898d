# SPDX-License-Identifier: BSD-3-Clause
import json

from pyaiot.model.moment import Moment
from pyaiot.observe.health import Health


def test_what_a_service_says_of_itself() -> None:
    report = Health("aiot-test", "1.2.3", 100.0).report(Moment(0.0, 160.04), nodes=3)
    assert json.loads(report) == {
        "status": "ok",
        "service": "aiot-test",
        "version": "1.2.3",
        "uptime": 60.0,
        "nodes": 3,
    }
    assert report.endswith("\n")
