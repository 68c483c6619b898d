# SPDX-License-Identifier: BSD-3-Clause
"""The few packets of MQTT 3.1.1 that a publisher and a subscriber of QoS 0 need."""

from typing import Final

CONNECTED: Final = b"\x20\x02\x00\x00"
"""CONNACK: accepted (section 3.2)."""
SUBSCRIBED: Final = b"\x90\x03\x00\x01\x00"
"""SUBACK: QoS 0 granted to packet 1 (section 3.9)."""


def connect(client_id: str) -> bytes:
    """CONNECT with a clean session and no keep-alive (section 3.1)."""
    return _packet(0x10, _text("MQTT") + b"\x04\x02\x00\x00" + _text(client_id))


def subscribe(pattern: str) -> bytes:
    """SUBSCRIBE with packet identifier 1 (section 3.8)."""
    return _packet(0x82, b"\x00\x01" + _text(pattern) + b"\x00")


def publish(topic: str, payload: bytes) -> bytes:
    """PUBLISH (section 3.3)."""
    return _packet(0x30, _text(topic) + payload)


def _packet(kind: int, body: bytes) -> bytes:
    head = bytearray([kind])
    left = len(body)
    while True:  # section 2.2.3
        left, digit = divmod(left, 128)
        head.append(digit | 0x80 if left else digit)
        if not left:
            return bytes(head) + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw
