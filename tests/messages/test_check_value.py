# SPDX-License-Identifier: BSD-3-Clause
from typing import Any

import pytest

from pyaiot.errors import InvalidValue, MessageTooLarge
from pyaiot.messages.codec import MAX_DEPTH, MAX_VALUE, check_value


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    ["", "23.4°C", "\0", 1, 2**80, 1.5, None, True, [], {"a": [1, {"b": None}]}, nested(MAX_DEPTH)],
)
def test_what_any_peer_can_take(value: Any) -> None:
    check_value(value)


def test_the_longest() -> None:
    check_value("x" * (MAX_VALUE - 2))
    with pytest.raises(MessageTooLarge):
        check_value("x" * (MAX_VALUE - 1))


def test_length_is_that_on_the_wire() -> None:
    with pytest.raises(MessageTooLarge):
        check_value("\0" * (MAX_VALUE // 6 + 1))


def test_too_deep() -> None:
    with pytest.raises(MessageTooLarge):
        check_value(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize("value", ["\ud800", ["a\udfff"], {"\ud800": 1}, object(), {1j: 1}])
def test_what_cannot_be_written(value: Any) -> None:
    with pytest.raises(InvalidValue, match="JSON"):
        check_value(value)
