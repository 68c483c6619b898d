# SPDX-License-Identifier: BSD-3-Clause
"""What holds for every message, key and signature."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.errors import InvalidInput, InvalidSignature
from pyaiot.messages import codec
from pyaiot.messages.keys import KeyPair
from pyaiot.messages.signing import Session
from pyaiot.messages.types import (
    AvailabilityChanged,
    Command,
    Message,
    New,
    Out,
    Relayed,
    Reset,
    Result,
    Status,
    Target,
    Update,
)
from pyaiot.model.node import Availability

PAIR = KeyPair("s" * 32, base64.urlsafe_b64encode(bytes(32)).decode())

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
times = st.floats(0, 4e9)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
)
from_gateways: st.SearchStrategy[Message] = st.one_of(
    st.builds(New, names, names, st.sampled_from(Availability), times),
    st.builds(Update, names, names, values, names, times),
    st.builds(Reset, names),
    st.builds(Out, names),
    st.builds(AvailabilityChanged, names, st.sampled_from(Availability), times),
    st.builds(Result, names, st.sampled_from(Status), st.text("ab é", max_size=20)),
)
targets = st.builds(Target, names, names, names)


@given(from_gateways)
def test_what_a_gateway_says_arrives_as_it_was_said(message: Message) -> None:
    assert codec.from_gateway().decode(codec.encode(message)) == message


@given(st.builds(Command, targets, names, st.floats(0.1, 3600)))
def test_commands_arrive_as_they_were_given(command: Command) -> None:
    assert codec.from_client().decode(codec.encode(command)) == command


@given(st.builds(Relayed, targets, names, names, st.floats(0.1, 3600)))
def test_relayed_commands_arrive_as_they_were_given(relayed: Relayed) -> None:
    assert codec.to_gateway().decode(codec.encode(relayed)) == relayed


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_no_frame_raises_anything_but_an_error_with_a_code(frame: str | bytes) -> None:
    for side in (codec.from_client(), codec.from_gateway(), codec.to_gateway()):
        with contextlib.suppress(InvalidInput):
            side.decode(frame)


def sessions() -> tuple[Session, Session]:
    nonce = bytes(32)
    return Session.of_service(PAIR, "T", nonce), Session.of_broker(PAIR, "T", nonce)


@given(st.lists(from_gateways, min_size=1, max_size=12))
def test_signed_messages_arrive_in_order_to_the_byte(messages: list[Message]) -> None:
    service, broker = sessions()
    for message in messages:
        raw = codec.encode(message)
        assert broker.open(service.seal(raw)) == raw


@given(from_gateways, st.data())
def test_any_flipped_bit_is_refused(message: Message, data: st.DataObject) -> None:
    service, broker = sessions()
    frame = bytearray(service.seal(codec.encode(message)))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(InvalidSignature):
        broker.open(bytes(frame))


@given(from_gateways, st.data())
def test_any_truncation_is_refused(message: Message, data: st.DataObject) -> None:
    service, broker = sessions()
    frame = service.seal(codec.encode(message))
    with pytest.raises(InvalidSignature):
        broker.open(frame[: data.draw(st.integers(0, len(frame) - 1))])


@given(st.permutations(range(5)), st.data())
def test_any_reordering_or_replay_is_refused(order: list[int], data: st.DataObject) -> None:
    service, broker = sessions()
    frames = [service.seal(b'{"n":%d}' % n) for n in range(5)]
    sequence = [*order, data.draw(st.integers(0, 4))]
    accepted = 0
    for n in sequence:
        if n == accepted:
            assert broker.open(frames[n]) == b'{"n":%d}' % n
            accepted += 1
            continue
        with pytest.raises(InvalidSignature):
            broker.open(frames[n])


@given(from_gateways)
def test_any_reflection_is_refused(message: Message) -> None:
    service, broker = sessions()
    raw = codec.encode(message)
    with pytest.raises(InvalidSignature):
        service.open(service.seal(raw))
    with pytest.raises(InvalidSignature):
        broker.open(broker.seal(raw))
