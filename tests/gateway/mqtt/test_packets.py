# SPDX-License-Identifier: BSD-3-Clause
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.errors import InvalidMessage
from pyaiot.gateway.mqtt import packets
from pyaiot.gateway.mqtt.packets import (
    Connack,
    Cursor,
    Cutter,
    Disconnect,
    Frame,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Version,
    decode,
)
from pyaiot.gateway.mqtt.reasons import NO_SUBSCRIBERS

V3, V5 = Version.V3_1_1, Version.V5


def cut(data: bytes, limit: int = packets.MAX_PACKET) -> list[Frame]:
    return list(Cutter(limit).feed(data))


def received(data: bytes, version: Version = V5) -> packets.Packet:
    (frame,) = cut(data)
    return decode(frame, version)


class TestCutter:
    def test_waits_for_the_whole_packet(self) -> None:
        cutter = Cutter()
        for byte in b"\x40\x02\x00":
            assert list(cutter.feed(bytes((byte,)))) == []
        assert list(cutter.feed(b"\x07")) == [Frame(packets.PUBACK, 0, b"\x00\x07", whole=True)]

    def test_cuts_several_packets(self) -> None:
        frames = cut(packets.puback(1) + packets.PING + packets.puback(2))
        assert [frame.kind for frame in frames] == [packets.PUBACK, packets.PINGREQ, packets.PUBACK]

    @pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, 200_000])
    def test_lengths(self, length: int) -> None:
        packet = packets.publish("t", b"x" * length, V3)
        (frame,) = cut(packet)
        assert frame.raw() == packet

    def test_keeps_only_the_first_part_of_a_long_packet(self) -> None:
        packet = packets.publish("topic", b"x" * 5000, V3)
        frames = cut(packet + packets.puback(9), limit=100)
        assert [(frame.kind, len(frame.body), frame.whole) for frame in frames] == [
            (packets.PUBLISH, 100, False),
            (packets.PUBACK, 2, True),
        ]

    def test_length_of_five_bytes(self) -> None:
        with pytest.raises(InvalidMessage, match="four bytes"):
            cut(b"\x30\xff\xff\xff\xff\x01")

    @given(
        sizes=st.lists(st.integers(0, 400), max_size=8),
        steps=st.lists(st.integers(1, 50), min_size=1),
        limit=st.integers(1, 300),
    )
    def test_however_the_stream_is_split(
        self, sizes: list[int], steps: list[int], limit: int
    ) -> None:
        stream = b"".join(packets.publish("t", b"x" * size, V3) for size in sizes)
        cutter, pieces, at = Cutter(limit), list[Frame](), 0
        while at < len(stream):
            step = steps[len(pieces) % len(steps)]
            pieces += cutter.feed(stream[at : at + step])
            at += step
        assert pieces == cut(stream, limit)
        assert len(pieces) == len(sizes)
        assert all(len(frame.body) <= limit for frame in pieces)


class TestDecode:
    def test_publish(self) -> None:
        for version in Version:
            packet = packets.publish("node/a/led", b"1", version, packet_id=7)
            assert received(packet, version) == Publish("node/a/led", b"1", 1, False, 7)
            packet = packets.publish("node/a/led", b"", version, retain=True)
            assert received(packet, version) == Publish("node/a/led", b"", 0, True, 0)

    def test_publish_with_properties(self) -> None:
        body = b"\x00\x01t" + b"\x03\x02\x00\x00" + b"payload"
        assert decode(Frame(packets.PUBLISH, 0, body, whole=True), V5) == Publish("t", b"payload")

    def test_topic_that_is_no_text(self) -> None:
        body = b"\x00\x02\xff\xfe{}"
        message = decode(Frame(packets.PUBLISH, 0, body, whole=True), V3)
        assert message == Publish("\ufffd\ufffd", b"{}")

    def test_payload_that_is_too_long(self) -> None:
        (frame,) = cut(packets.publish("t", b"x" * 500, V5, packet_id=3), limit=200)
        assert decode(frame, V5) == Publish("t", None, 1, False, 3)

    def test_connack(self) -> None:
        assert received(b"\x20\x02\x00\x00", V3) == Connack(0)
        assert received(b"\x20\x02\x00\x01", V5) == Connack(1)
        assert received(b"\x20\x03\x00\x84\x00").version_refused  # type: ignore[union-attr]
        assert not received(b"\x20\x02\x00\x05").version_refused  # type: ignore[union-attr]

    def test_connack_with_properties(self) -> None:
        properties = (
            b"\x21\x00\x14"  # receive maximum 20
            b"\x27\x00\x00\x10\x00"  # maximum packet size 4096
            b"\x13\x00\x0a"  # server keep alive 10
            b"\x12\x00\x02id"  # assigned client id
            b"\x26\x00\x01k\x00\x01v"  # user property
        )
        packet = b"\x20" + bytes((3 + len(properties), 0, 0, len(properties))) + properties
        assert received(packet) == Connack(0, 20, 4096, 10)

    def test_connack_with_unknown_property(self) -> None:
        with pytest.raises(InvalidMessage, match="unknown property 0x77"):
            received(b"\x20\x05\x00\x00\x02\x77\x00")

    def test_puback(self) -> None:
        assert received(packets.puback(5)) == Puback(5)
        assert received(b"\x40\x03\x00\x05\x10") == Puback(5, NO_SUBSCRIBERS)
        assert received(b"\x40\x04\x00\x05\x87\x00") == Puback(5, 0x87)

    def test_suback(self) -> None:
        assert received(b"\x90\x04\x00\x01\x01\x80", V3) == Suback(1, (1, 0x80))
        assert received(b"\x90\x05\x00\x01\x00\x01\x8f", V5) == Suback(1, (1, 0x8F))

    def test_pingresp_and_disconnect(self) -> None:
        assert received(b"\xd0\x00") == Pingresp()
        assert received(packets.GOODBYE) == Disconnect(0)
        assert received(b"\xe0\x02\x8e\x00") == Disconnect(0x8E)

    @pytest.mark.parametrize(
        "packet",
        [
            b"\x00\x00",
            b"\x10\x00",
            b"\x20\x01\x00",
            b"\x20\x03\x00\x00\x05",
            b"\x20\x03\x00\x00\x80",
            b"\x30\x00",
            b"\x30\x02\x00\x05",
            b"\x32\x03\x00\x01t",
            b"\x34\x05\x00\x01t\x00\x01",
            b"\x36\x05\x00\x01t\x00\x01",
            b"\x40\x01\x00",
            b"\x50\x02\x00\x01",
            b"\xf0\x00",
        ],
    )
    def test_malformed(self, packet: bytes) -> None:
        with pytest.raises(InvalidMessage):
            received(packet)

    def test_only_messages_may_be_too_long(self) -> None:
        with pytest.raises(InvalidMessage, match="too long"):
            decode(Frame(packets.SUBACK, 0, b"\x00\x01", whole=False), V3)

    @given(
        st.integers(0, 15),
        st.integers(0, 15),
        st.binary(max_size=40),
        st.booleans(),
        st.sampled_from(Version),
    )
    def test_any_bytes(
        self, kind: int, flags: int, body: bytes, whole: bool, version: Version
    ) -> None:
        with suppress(InvalidMessage):
            decode(Frame(kind, flags, body, whole), version)


class TestEncode:
    def test_connect_of_3_1_1(self) -> None:
        packet = packets.connect("id", V3, keep_alive=30)
        assert packet == b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x1e\x00\x02id"

    def test_connect_of_5_bounds_what_may_come(self) -> None:
        packet = packets.connect("id", V5, keep_alive=30)
        assert packet == b"\x10\x14\x00\x04MQTT\x05\x02\x00\x1e\x05\x27\x00\x04\x00\x00\x00\x02id"

    def test_connect_with_user(self) -> None:
        packet = packets.connect("id", V3, keep_alive=1, user="me")
        assert packet == b"\x10\x12\x00\x04MQTT\x04\x82\x00\x01\x00\x02id\x00\x02me"

    def test_connect_with_password(self) -> None:
        packet = packets.connect("id", V3, keep_alive=1, user="me", password="°")
        assert packet == b"\x10\x16\x00\x04MQTT\x04\xc2\x00\x01\x00\x02id\x00\x02me\x00\x02\xc2\xb0"

    def test_subscribe(self) -> None:
        assert packets.subscribe(1, ["a", "b/+"], V3) == (
            b"\x82\x0c\x00\x01\x00\x01a\x01\x00\x03b/+\x01"
        )
        assert packets.subscribe(1, ["a"], V5) == b"\x82\x07\x00\x01\x00\x00\x01a\x21"

    def test_text_that_is_too_long(self) -> None:
        with pytest.raises(InvalidMessage, match="65535"):
            packets.publish("t" * 65_536, b"", V3)

    def test_packet_that_is_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(packets, "MAX_LENGTH", 100)
        with pytest.raises(InvalidMessage, match="longer than 100"):
            packets.publish("t", b"x" * 100, V3)

    def test_refusal_of_a_version(self) -> None:
        answer = received(packets.connack_refusing_version(), V5)
        assert isinstance(answer, Connack)
        assert answer.version_refused

    @given(st.text(max_size=60), st.binary(max_size=300), st.integers(1, 65_535))
    def test_round_trip(self, topic: str, payload: bytes, packet_id: int) -> None:
        for version in Version:
            packet = packets.publish(topic, payload, version, packet_id=packet_id)
            assert received(packet, version) == Publish(topic, payload, 1, False, packet_id)


class TestCursor:
    @pytest.mark.parametrize("raw", [b"\x00\x01\xff", b"\x00\x01\x00", b"\x00\x03\xed\xa0\x80"])
    def test_text_that_is_none(self, raw: bytes) -> None:
        with pytest.raises(InvalidMessage, match="UTF-8"):
            Cursor(raw).text()

    def test_text(self) -> None:
        cursor = Cursor(b"\x00\x02\xc2\xb0rest")
        assert cursor.text() == "°"
        assert cursor.rest() == b"rest"
