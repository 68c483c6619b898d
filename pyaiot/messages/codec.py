# SPDX-License-Identifier: BSD-3-Clause
"""Text frames to messages and back. Nothing else in pyaiot reads or writes the wire's JSON."""

import contextlib
from collections.abc import Sequence
from typing import Any, Final, Generic, Literal, TypeVar, get_args

import msgspec
from msgspec import Raw

from pyaiot.errors import (
    InvalidContent,
    InvalidInput,
    InvalidMessage,
    InvalidValue,
    MessageTooLarge,
)
from pyaiot.messages.types import (
    CommandId,
    FromClient,
    FromGateway,
    FromOurGateway,
    FromService,
    KeepAlive,
    Message,
    Recorded,
    ToClient,
    ToGateway,
    ToService,
    Update,
)
from pyaiot.model.value import Value

MAX_FRAME: Final = 1 << 20
"""Bytes in one frame from a client or a gateway, unless a service is set up otherwise."""

MAX_DEPTH: Final = 32
"""How deep lists and objects of a value may nest."""

MAX_VALUE: Final = 1 << 17
"""Bytes of one value as JSON; a frame holds it and all that is sent with it."""

_ORIGINAL: Final = frozenset({"new", "update", "out", "reset"})
"""What every peer may send without an error (WIRE.md section 3)."""

_NESTING: Final = (dict, list)

T = TypeVar("T")


class _Kind(msgspec.Struct):
    type: str


class _Asked(msgspec.Struct):
    type: Literal["update"]
    id: CommandId


_kind: Final = msgspec.json.Decoder(_Kind)
_asked: Final = msgspec.json.Decoder(_Asked)
_encoder: Final = msgspec.json.Encoder()


class Codec(Generic[T]):
    """Decodes the frames of one kind of peer."""

    __slots__ = ("_also", "_decoder", "_known", "_max_bytes", "_several")

    def __init__(
        self, messages: Any, also: type[Message] | None = None, *, max_bytes: int = MAX_FRAME
    ) -> None:
        """`messages` is the union to decode; `also` is tried where no member of it fits.

        (msgspec wants each `type` only once in a union, and the original uses ``update`` twice.)
        """
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(messages)
        self._several: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[messages])
        self._also: msgspec.json.Decoder[Any] | None = (
            None if also is None else msgspec.json.Decoder(also)
        )
        self._known = _ORIGINAL | {
            member.__struct_config__.tag for member in get_args(messages) or (messages,)
        }
        self._max_bytes = max_bytes

    def decode(self, frame: str | bytes) -> T:
        """The message in `frame`.

        Raises MessageTooLarge beyond the limits of size and depth, InvalidMessage for what is no
        message at all (the connection must end: WIRE.md section 2.2), InvalidContent for a
        known type of message that cannot be used.
        """
        if len(frame) > self._max_bytes:
            raise MessageTooLarge(f"A message must not be longer than {self._max_bytes} bytes.")
        try:
            message = self._decoder.decode(frame)
        except RecursionError:
            raise MessageTooLarge(f"A value must not nest deeper than {MAX_DEPTH}.") from None
        except (msgspec.DecodeError, UnicodeError) as exc:
            return self._second_try(frame, exc)
        if type(message) is Update and type(message.data) in _NESTING:
            check_depth(message.data)
        return message  # type: ignore[no-any-return]

    def decode_each(self, frames: Sequence[Raw]) -> tuple[list[T], int]:
        """The messages in `frames`, without those that cannot be used, and how many those are.

        All are decoded at once if they can be, which takes half the time.
        """
        whole = b"".join((b"[", b",".join(frames), b"]"))
        if len(whole) <= self._max_bytes:
            try:
                messages = self._several.decode(whole)
                for message in messages:
                    if type(message) is Update and type(message.data) in _NESTING:
                        check_depth(message.data)
            except (msgspec.DecodeError, UnicodeError, RecursionError, InvalidInput):
                pass
            else:
                return messages, 0
        usable: list[T] = []
        for frame in frames:
            with contextlib.suppress(InvalidInput):
                usable.append(self.decode(bytes(frame)))
        return usable, len(frames) - len(usable)

    def _second_try(self, frame: str | bytes, cause: Exception) -> T:
        kind = _kind_of(frame)
        if kind not in self._known:
            raise InvalidMessage(f"Invalid message type '{kind[:32]}'.")
        if self._also is not None:
            with contextlib.suppress(msgspec.DecodeError):
                return self._also.decode(frame)  # type: ignore[no-any-return]
        raise InvalidContent(f"Invalid '{kind}' message: {cause}.") from None


def _kind_of(frame: str | bytes) -> str:
    try:
        return _kind.decode(frame).type
    except msgspec.ValidationError:
        raise InvalidMessage("Invalid message: an object with a 'type' is expected.") from None
    except (msgspec.DecodeError, UnicodeError):
        raise InvalidMessage("Invalid message received. Only JSON format is supported.") from None


def asked_id(frame: str | bytes) -> str | None:
    """The id in a frame that was to be a command but cannot be used: its sender waits for it."""
    try:
        return _asked.decode(frame).id
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def is_update(frame: bytes) -> bool:
    """Whether a frame that cannot be used was to be an `update`."""
    try:
        return _kind.decode(frame).type == "update"
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def check_depth(value: Value, depth: int = MAX_DEPTH) -> None:
    """Raise MessageTooLarge where `value` nests deeper than `depth`."""
    if not isinstance(value, list | dict):
        return
    if depth == 0:
        raise MessageTooLarge(f"A value must not nest deeper than {MAX_DEPTH}.")
    for item in value.values() if isinstance(value, dict) else value:
        check_depth(item, depth - 1)


def check_value(value: Value) -> None:
    """Raise MessageTooLarge or InvalidValue unless `value` can be sent to any peer."""
    check_depth(value)
    try:
        size = len(_encoder.encode(value))
    except (TypeError, ValueError, OverflowError) as exc:
        # Half of a surrogate pair is a ValueError too; a peer would take the frame for garbage.
        raise InvalidValue(f"A value cannot be written as JSON: {type(exc).__name__}.") from exc
    if size > MAX_VALUE:
        raise MessageTooLarge(f"A value must not be longer than {MAX_VALUE} bytes.")


FromClientCodec = Codec[FromClient]
FromGatewayCodec = Codec[FromGateway]
ToGatewayCodec = Codec[ToGateway]
ToClientCodec = Codec[ToClient]
FromServiceCodec = Codec[FromService]
ToServiceCodec = Codec[ToService]
RecordedCodec = Codec[Recorded]


def from_client(*, max_bytes: int = MAX_FRAME) -> FromClientCodec:
    """What a broker reads from clients."""
    return Codec(FromClient, max_bytes=max_bytes)


def from_gateway(*, max_bytes: int = MAX_FRAME) -> FromGatewayCodec:
    """What a broker reads from gateways."""
    return Codec(FromOurGateway, KeepAlive, max_bytes=max_bytes)


def to_gateway(*, max_bytes: int = MAX_FRAME) -> ToGatewayCodec:
    """What a gateway reads from the broker."""
    return Codec(ToGateway, max_bytes=max_bytes)


def from_service(*, max_bytes: int = MAX_FRAME) -> FromServiceCodec:
    """What a broker reads from a recorder or a directory."""
    return Codec(FromService, max_bytes=max_bytes)


def to_service(*, max_bytes: int = 4 * MAX_FRAME) -> ToServiceCodec:
    """What a recorder or a directory reads from the broker."""
    return Codec(ToService, max_bytes=max_bytes)


def recorded(*, max_bytes: int = MAX_FRAME) -> RecordedCodec:
    """What a recorder reads in what is to be recorded."""
    return Codec(Recorded, max_bytes=max_bytes)


def to_client(*, max_bytes: int = 64 * MAX_FRAME) -> ToClientCodec:
    """What a client reads from the broker."""
    return Codec(ToClient, max_bytes=max_bytes)


def encode(message: Message) -> bytes:
    """`message` as one JSON object in UTF-8."""
    return _encoder.encode(message)
