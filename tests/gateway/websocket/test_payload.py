# SPDX-License-Identifier: BSD-3-Clause
import json

import pytest

from pyaiot.errors import MAX_CLOSE_REASON, InvalidMessage, MessageTooLarge
from pyaiot.gateway.websocket.payload import DISCOVER, Said, parse, set_request
from tests.gateway.websocket.bench import GARBAGE, USELESS


def test_requests_are_spelt_as_by_the_original() -> None:
    assert DISCOVER == '{"request": "discover"}'
    assert set_request("led", "1") == '{"endpoint": "led", "payload": "1"}'
    assert json.loads(set_request("text", 'é "x"')) == {"endpoint": "text", "payload": 'é "x"'}


def test_update_holds_any_number_of_resources() -> None:
    said = parse('{"type":"update","data":{"led":"1","/n":5,"x":[{"a":null}],"°":true}}'.encode())
    assert said == Said(values={"led": "1", "n": 5, "x": [{"a": None}], "°": True})
    assert parse(b'{"type":"update","data":{}}') == Said(values={})


def test_new_names_the_node() -> None:
    assert parse(b'{"type":"new","id":"bench 1","more":1}') == Said(name="bench 1")
    assert parse(b'{"type":"new"}') == Said()


@pytest.mark.parametrize("kind", ["out", "reset"])
def test_other_types_of_the_original_say_nothing(kind: str) -> None:
    assert parse(json.dumps({"type": kind, "id": "x", "data": {"led": 1}}).encode()) == Said()


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("hello", "Invalid message received 'hello'. Only JSON format is supported."),
        ("1", "Invalid message '1'."),
        ("null", "Invalid message 'null'."),
        ('{"data":1}', """Invalid message '{"data":1}'."""),
        ('["type"]', """Invalid message '["type"]'."""),
        ('{"type":7}', """Invalid message '{"type":7}'."""),
        ('{"type":"nope"}', "Invalid message type 'nope'."),
    ],
)
def test_what_is_no_message(frame: str, reason: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        parse(frame.encode())
    assert caught.value.reason == reason


@pytest.mark.parametrize("frame", GARBAGE)
def test_reasons_fit_a_close_frame(frame: str | bytes) -> None:
    with pytest.raises((InvalidMessage, MessageTooLarge)) as caught:
        parse(frame if isinstance(frame, bytes) else frame.encode())
    assert len(f"{caught.value}.".encode()) <= MAX_CLOSE_REASON
    assert caught.value.reason.endswith(".")


def test_long_frames_are_quoted_in_part() -> None:
    with pytest.raises(InvalidMessage) as caught:
        parse(b"x" * 500)
    assert caught.value.reason == (
        f"Invalid message received '{'x' * 56}…'. Only JSON format is supported."
    )


@pytest.mark.parametrize("frame", USELESS)
def test_what_is_of_no_use_is_left_out(frame: str) -> None:
    said = parse(frame.encode())
    assert said.name is None
    assert not said.values


def test_each_fault_is_told_and_spares_the_rest() -> None:
    deep = "[" * 40 + "]" * 40
    said = parse(f'{{"type":"update","data":{{"":1,"deep":{deep},"led":"1"}}}}'.encode())
    assert said.values == {"led": "1"}
    assert said.faults == (
        "A resource name must not be empty.",
        "A value must not nest deeper than 32.",
    )
    many = json.dumps({"type": "update", "data": dict.fromkeys(map(str, range(257)))})
    assert parse(many.encode()).faults == ("an update of more than 256 resources",)
    assert parse(b'{"type":"update","data":3}').faults == (
        "the data of an update is not an object",
    )
    assert parse(b'{"type":"new","id":3}').faults == ("a node's id must be text",)
    assert parse(b'{"type":"new","id":""}').faults == ("A uid must not be empty.",)
