# SPDX-License-Identifier: BSD-3-Clause
import pytest
from msgspec import UNSET, Raw

from pyaiot.errors import InvalidContent, InvalidMessage, MessageTooLarge
from pyaiot.messages import codec
from pyaiot.messages.types import (
    AvailabilityChanged,
    Batch,
    ClientJoined,
    Command,
    Hello,
    KeepAlive,
    New,
    NodeState,
    Out,
    Relayed,
    Reset,
    Result,
    Snapshot,
    Status,
    Target,
    Update,
)
from pyaiot.model.node import Availability

CLIENT = codec.from_client()
GATEWAY = codec.from_gateway()


def test_a_client_of_the_original_is_understood() -> None:
    assert CLIENT.decode('{"type":"new","data":"client"}') == Hello()
    command = CLIENT.decode(
        '{"type": "update", "data": {"uid": "1234", "endpoint": "led", "payload": "1"}}'
    )
    assert command == Command(Target("1234", "led", "1"))
    assert isinstance(command, Command)
    assert command.id is UNSET


def test_a_gateway_of_the_original_is_understood() -> None:
    assert GATEWAY.decode('{"type": "new", "uid": "1234", "dst": "all"}') == New("1234")
    assert GATEWAY.decode(
        '{"type": "update", "uid": "1", "endpoint": "temperature", "data": "27°C", "dst": "x"}'
    ) == Update("1", "temperature", "27°C", "x")
    assert GATEWAY.decode('{"type": "reset", "uid": "1"}') == Reset("1")
    assert GATEWAY.decode('{"type": "out", "uid": "1"}') == Out("1")


def test_a_sign_of_life_is_told_from_a_node_called_alive() -> None:
    assert GATEWAY.decode('{"type": "update", "uid": "alive"}') == KeepAlive("alive")
    assert GATEWAY.decode(
        '{"type":"update","uid":"alive","endpoint":"led","data":"1","dst":"all"}'
    ) == Update("alive", "led", "1")


def test_what_the_original_broker_passes_on_is_understood() -> None:
    decode = codec.to_gateway().decode
    assert decode('{"type": "new", "data": "client", "src": "c-1"}') == ClientJoined("c-1")
    assert decode(
        '{"type": "update", "data": {"uid": "1", "endpoint": "led", "payload": "1"}, "src": "c"}'
    ) == Relayed(Target("1", "led", "1"), "c")


def test_the_original_reads_what_is_encoded() -> None:
    assert (
        codec.encode(Update("1", "temperature", "27°C"))
        == '{"type":"update","uid":"1","endpoint":"temperature","data":"27°C","dst":"all"}'.encode()
    )
    assert codec.encode(New("1")) == b'{"type":"new","uid":"1","dst":"all"}'
    assert codec.encode(Out("1")) == b'{"type":"out","uid":"1"}'
    assert codec.encode(KeepAlive("alive")) == b'{"type":"update","uid":"alive"}'


@pytest.mark.parametrize(
    ("payload", "text"),
    [('"é"', "é"), ("1", "1"), ("2.5", "2.5"), ("true", "1"), ("false", "0"), ('""', "")],
)
def test_a_payload_may_be_any_scalar(payload: str, text: str) -> None:
    frame = f'{{"type":"update","data":{{"uid":"1","endpoint":"led","payload":{payload}}}}}'
    command = CLIENT.decode(frame)
    assert isinstance(command, Command)
    assert command.data.text == text


@pytest.mark.parametrize(
    "frame",
    [
        "nope", "", "{", "\ud800", '{"type":"new"}x', "null", "1", "[]", '["type"]', '{"data":1}',
        '{"type":1}', '{"type":"nope"}', "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_message_ends_the_connection(frame: str) -> None:
    for side in (CLIENT, GATEWAY):
        with pytest.raises(InvalidMessage) as caught:
            side.decode(frame)
        assert caught.value.close_code == 1003


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"update"}',
        '{"type":"update","data":null}',
        '{"type":"update","data":{"uid":"1","endpoint":"led"}}',
        '{"type":"update","data":{"uid":"1","endpoint":"led","payload":"1","more":1}}',
        '{"type":"update","data":{"uid":"1","endpoint":"led","payload":null}}',
        '{"type":"update","data":{"uid":"1","endpoint":"led","payload":{}}}',
        '{"type":"update","data":{"uid":"","endpoint":"led","payload":"1"}}',
        '{"type":"update","id":"","data":{"uid":"1","endpoint":"led","payload":"1"}}',
        '{"type":"update","timeout":-1,"data":{"uid":"1","endpoint":"led","payload":"1"}}',
        '{"type":"out"}',
        '{"type":"reset","uid":"1"}',
        '{"type":"new","features":7}',
    ],
)
def test_a_client_s_frame_that_killed_gateways_is_refused_and_nothing_more(frame: str) -> None:
    with pytest.raises(InvalidContent):
        CLIENT.decode(frame)


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"new"}',
        '{"type":"update","uid":"1"}',
        '{"type":"update","uid":"1","endpoint":"led"}',
        '{"type":"out","uid":1}',
        '{"type":"update","uid":"1","endpoint":"led","data":1,"time":-4}',
        '{"type":"availability","uid":"1","availability":"asleep","seen":1}',
    ],
)
def test_a_gateway_s_unusable_frame_is_refused(frame: str) -> None:
    with pytest.raises(InvalidContent):
        GATEWAY.decode(frame)


def test_long_frames_are_refused() -> None:
    short = codec.from_client(max_bytes=40)
    assert short.decode('{"type":"new","data":"client"}') == Hello()
    with pytest.raises(MessageTooLarge) as caught:
        short.decode('{"type":"new","data":"client and then some"}')
    assert caught.value.close_code == 1009


def nested(depth: int, opening: str, closing: str) -> str:
    value = opening * depth + "1" + closing * depth
    return f'{{"type":"update","uid":"1","endpoint":"e","data":{value}}}'


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_values_are_refused(opening: str, closing: str) -> None:
    GATEWAY.decode(nested(codec.MAX_DEPTH, opening, closing))
    for depth in (codec.MAX_DEPTH + 1, 50_000):
        with pytest.raises(MessageTooLarge):
            GATEWAY.decode(nested(depth, opening, closing))


def test_a_batch_keeps_the_bytes_of_its_messages() -> None:
    batch = GATEWAY.decode('{"type":"batch","messages":[{"type": "new", "uid": "1"}]}')
    assert isinstance(batch, Batch)
    assert [GATEWAY.decode(bytes(raw)) for raw in batch.messages] == [New("1")]


def test_several_are_decoded_without_those_that_are_none() -> None:
    several = codec.recorded(max_bytes=2000)
    good = [codec.encode(Update("1", "count", n)) for n in range(3)]
    deep = nested(codec.MAX_DEPTH + 1, "[", "]").encode()
    for bad in (b'{"type":"update"}', b'{"type":"what"}', b"7", b"no JSON", b"1,2", b"\xff", deep):
        messages, unusable = several.decode_each([Raw(each) for each in (good[0], bad, *good[1:])])
        assert [each.data for each in messages if isinstance(each, Update)] == [0, 1, 2]
        assert (len(messages), unusable) == (3, 1)
    # Together they are longer than one may be.
    many = [Raw(good[0])] * 100
    assert several.decode_each(many) == ([Update("1", "count", 0)] * 100, 0)
    assert several.decode_each([]) == ([], 0)


def test_a_client_reads_a_snapshot() -> None:
    snapshot = Snapshot(
        (NodeState("1", Availability.LATE, 5.0, {"led": ("1", 4.0), "x": (None, 3.0)}),), 2, False
    )
    assert codec.to_client().decode(codec.encode(snapshot)) == snapshot


def test_results_and_availability_come_back() -> None:
    for message in (
        Result("7", Status.FAILED, "4.00 Bad Request"),
        AvailabilityChanged("1", Availability.OFFLINE, 12.5),
    ):
        assert GATEWAY.decode(codec.encode(message)) == message
        assert codec.to_client().decode(codec.encode(message)) == message
