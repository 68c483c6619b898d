# SPDX-License-Identifier: BSD-3-Clause
import json

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from pyaiot.broker.frames import PING, framed, header, text_frame


def read(data: bytes) -> list[tuple[Opcode, bytes]]:
    """The frames in `data`, as a client that nobody here wrote reads them."""
    client = ClientProtocol(parse_uri("ws://localhost"), state=OPEN, max_size=None)
    client.receive_data(data)
    assert client.parser_exc is None
    events = client.events_received()
    assert all(isinstance(event, Frame) and event.fin for event in events)
    return [(event.opcode, bytes(event.data)) for event in events if isinstance(event, Frame)]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_a_frame_of_any_length(length: int) -> None:
    payload = b"x" * length
    assert read(text_frame(payload)) == [(Opcode.TEXT, payload)]
    assert text_frame(payload) == header(length) + payload


def test_the_ping_is_one() -> None:
    assert read(PING) == [(Opcode.PING, b"")]


def test_messages_one_by_one() -> None:
    wires = [b'{"a":1}', b'{"b":2}']
    assert read(framed(wires, batch=False)) == [(Opcode.TEXT, wire) for wire in wires]


def test_messages_as_an_array() -> None:
    ((opcode, payload),) = read(framed([b'{"a":1}', b'{"b":2}'], batch=True))
    assert opcode is Opcode.TEXT
    assert json.loads(payload) == [{"a": 1}, {"b": 2}]


def test_a_single_message_needs_no_array() -> None:
    assert framed([b'{"a":1}'], batch=True) == framed([b'{"a":1}'], batch=False)
