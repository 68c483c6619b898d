# SPDX-License-Identifier: BSD-3-Clause
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.errors import InvalidMessage
from pyaiot.gateway.mqtt import door, packets
from pyaiot.gateway.mqtt.packets import Cutter, Frame, Version


def frame(packet: bytes) -> Frame:
    (cut,) = Cutter(door.MAX_PACKET).feed(packet)
    return cut


def connect(flags: int, rest: bytes, name: bytes = b"\x00\x04MQTT", level: int = 4) -> Frame:
    return Frame(packets.CONNECT, 0, name + bytes((level, flags, 0, 60)) + rest, whole=True)


class TestConnect:
    def test_keep_alive(self) -> None:
        for user, password in ((None, None), ("me", None), ("me", "secret")):
            packet = packets.connect(
                "id", Version.V3_1_1, keep_alive=300, user=user, password=password
            )
            assert door.check_connect(frame(packet)).keep_alive == 300

    def test_will(self) -> None:
        found = door.check_connect(connect(0x26, b"\x00\x01i\x00\x01t\x00\x03bye"))
        assert (found.keep_alive, found.client_id) == (60, "i")
        assert found.will == packets.Publish("t", b"bye", 0, retain=True)

    @pytest.mark.parametrize("flags", [0x02, 0x26, 0x0E])
    def test_disguise(self, flags: int) -> None:
        will = b"\x00\x01t\x00\x03bye" if flags & 0x04 else b""
        told = connect(flags | 0xC0, b"\x00\x01i" + will + b"\x00\x01u\x00\x01p")
        found = door.check_connect(told)
        again = door.check_connect(found.disguised("x"))
        assert again == found._replace(client_id="x", user=None, password=None)

    @pytest.mark.parametrize(
        ("password", "is_token"),
        [("secret", False), ("eyJh.eyJ1.c2ln", True), ("a.b.c", False), ("eyJh.eyJ1", False)],
    )
    def test_token(self, password: str, is_token: bool) -> None:
        packet = packets.connect("i", Version.V3_1_1, keep_alive=1, user="u", password=password)
        assert door.check_connect(frame(packet)).token == (password if is_token else "")

    @pytest.mark.parametrize(
        ("name", "level"), [(b"\x00\x04MQTT", 5), (b"\x00\x06MQIsdp", 3), (b"\x00\x04HTTP", 4)]
    )
    def test_other_versions(self, name: bytes, level: int) -> None:
        with pytest.raises(door.WrongVersion):
            door.check_connect(connect(2, b"\x00\x01i", name, level))

    @pytest.mark.parametrize(
        "refused",
        [
            Frame(packets.PUBLISH, 0, b"\x00\x01tx", whole=True),
            Frame(packets.CONNECT, 1, b"", whole=True),
            Frame(packets.CONNECT, 0, b"", whole=True),
            Frame(packets.CONNECT, 0, b"\x00\x04MQTT\x04\x02", whole=False),
            connect(3, b"\x00\x01i"),
            connect(2, b""),
            connect(2, b"\x00\x01ijunk"),
            connect(0x26, b"\x00\x01i"),
            connect(0x26, b"\x00\x01i\x00\x01#\x00\x00"),
            connect(0x26, b"\x00\x01i\x00\x00\x00\x00"),
            connect(0x1E, b"\x00\x01i\x00\x01t\x00\x00"),
            connect(0x82, b"\x00\x01i"),
            connect(0xC2, b"\x00\x01i\x00\x01u\x00\x09short"),
            connect(2, b"\x00\x01\xff"),
        ],
    )
    def test_refused(self, refused: Frame) -> None:
        with pytest.raises(InvalidMessage):
            door.check_connect(refused)


@pytest.mark.parametrize(
    "packet",
    [
        packets.PING,
        packets.GOODBYE,
        packets.puback(1),
        b"\x50\x02\x00\x01",
        b"\x62\x02\x00\x01",
        b"\x70\x02\x00\x01",
        packets.subscribe(1, ["a", "node/+/#"], Version.V3_1_1),
        b"\xa2\x05\x00\x01\x00\x01a",
        packets.publish("a/b", b"", Version.V3_1_1),
        packets.publish("a/b", b"\xff", Version.V3_1_1, packet_id=1, retain=True),
        b"\x34\x05\x00\x01t\x00\x01",
    ],
)
def test_let_in(packet: bytes) -> None:
    door.check(frame(packet))


@pytest.mark.parametrize(
    "packet",
    [
        b"\x00\x00",
        b"\x10\x00",
        b"\x20\x02\x00\x00",
        b"\xd0\x00",
        b"\xf0\x00",
        b"\xc1\x00",
        b"\xc0\x01x",
        b"\x42\x02\x00\x01",
        b"\x40\x01\x00",
        b"\x40\x03\x00\x01x",
        b"\x36\x05\x00\x01t\x00\x01",
        b"\x32\x05\x00\x01t\x00\x00",
        b"\x32\x03\x00\x01t",
        b"\x30\x02\x00\x00",
        b"\x30\x03\x00\x01#",
        b"\x30\x03\x00\x01+",
        b"\x30\x03\x00\x01\x00",
        b"\x30\x03\x00\x01\xff",
        b"\x30\x02\x00\x05",
        b"\x80\x06\x00\x01\x00\x01a\x00",
        b"\x82\x02\x00\x01",
        b"\x82\x06\x00\x00\x00\x01a\x00",
        b"\x82\x05\x00\x01\x00\x00\x00",
        b"\x82\x06\x00\x01\x00\x01a\x03",
        b"\x82\x05\x00\x01\x00\x01a",
        packets.publish("t", b"x" * door.MAX_PACKET, Version.V3_1_1),
    ],
)
def test_kept_out(packet: bytes) -> None:
    with pytest.raises(InvalidMessage):
        door.check(frame(packet))


@given(st.integers(0, 15), st.integers(0, 15), st.binary(max_size=40), st.booleans())
def test_any_bytes(kind: int, flags: int, body: bytes, whole: bool) -> None:
    for check in (door.check, door.check_connect):
        with suppress(InvalidMessage):
            check(Frame(kind, flags, body, whole))


@pytest.mark.parametrize(
    ("topic", "allowed"),
    [("node/check", True), ("node/a/led", True), ("gateway/a/led/set", False), ("node", False),
     ("other", False), ("", False)],
)  # fmt: skip
def test_where_strangers_publish(topic: str, allowed: bool) -> None:
    assert door.stranger_may_publish(topic) is allowed


@pytest.mark.parametrize(
    ("topic_filter", "allowed"),
    [("gateway/check", True), ("gateway/a/+/set", True), ("gateway/a/#", True),
     ("gateway/+/discover", False), ("gateway/#", False), ("gateway", False), ("#", False),
     ("+/a", False), ("node/a/led", False), ("node/#", False)],
)  # fmt: skip
def test_where_strangers_subscribe(topic_filter: str, allowed: bool) -> None:
    assert door.stranger_may_subscribe(topic_filter) is allowed
