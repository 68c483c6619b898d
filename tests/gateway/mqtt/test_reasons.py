# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.gateway.mqtt.reasons import reason_text


def test_reasons() -> None:
    assert reason_text(4) == "bad user name or password"
    assert reason_text(0x87) == "not authorized"
    assert reason_text(0xFE) == "reason code 0xfe"
