# SPDX-License-Identifier: BSD-3-Clause
"""What the codes say by which a broker answers (MQTT 3.1.1 section 3.2.2.3, MQTT 5 section 2.4)."""

from typing import Final

NO_SUBSCRIBERS: Final = 0x10
"""Reason code: the message was taken, but nobody has subscribed to its topic."""

FAILURE: Final = 0x80
"""Reason codes from here on are refusals (section 2.4)."""

_REFUSALS_3: Final = {
    1: "unacceptable protocol version",
    2: "client identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}

_REASONS_5: Final = {
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x84: "unsupported protocol version",
    0x85: "client identifier not valid",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x8B: "server shutting down",
    0x8D: "keep alive timeout",
    0x8E: "session taken over",
    0x8F: "topic filter invalid",
    0x90: "topic name invalid",
    0x93: "receive maximum exceeded",
    0x95: "packet too large",
    0x97: "quota exceeded",
    0x98: "administrative action",
    0x9C: "use another server",
    0x9D: "server moved",
    0x9F: "connection rate exceeded",
    0xA2: "wildcard subscriptions not supported",
}


def reason_text(code: int) -> str:
    """What a reason code of either version says."""
    return _REFUSALS_3.get(code) or _REASONS_5.get(code) or f"reason code 0x{code:02x}"
