# SPDX-License-Identifier: BSD-3-Clause
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.errors import InvalidInput, InvalidValue, MessageTooLarge
from pyaiot.gateway.mqtt import payload
from pyaiot.messages.codec import MAX_DEPTH
from pyaiot.model.node import MAX_RESOURCES

NO_JSON = [b"", b"hello", b"\xff\xfe", b"{", b'{"value": NaN}', b'{"value": 1e999}', b'"\\ud800"']

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def nested(depth: int) -> bytes:
    return b'{"value":' + b"[" * depth + b"]" * depth + b"}"


class TestCheck:
    def test_id(self) -> None:
        assert payload.parse_check(b'{"id": "mqtt-2"}') == "mqtt-2"
        assert payload.parse_check(payload.check("mqtt-2")) == "mqtt-2"
        assert payload.parse_check(b'{"id": "a", "board": "pycom"}') == "a"

    @pytest.mark.parametrize(
        "message",
        [*NO_JSON, b"null", b"[]", b'"a"', b"{}", b'{"id": 1}', b'{"id": null}', b'{"id": ""}',
         b'{"id": "#"}', b'{"id": "a/b"}', b'{"id": "\\u0000"}', b'{"id": ["a"]}'],
    )  # fmt: skip
    def test_anything_else(self, message: bytes) -> None:
        with pytest.raises(InvalidValue):
            payload.parse_check(message)


class TestResources:
    def test_list(self) -> None:
        assert payload.parse_resources(b'["name", "os"]') == ("name", "os")
        assert payload.parse_resources(payload.resources(["led"])) == ("led",)
        assert payload.parse_resources(b"[]") == ()

    def test_one_bad_name_does_not_hide_the_others(self) -> None:
        message = b'["led", 1, null, "a/b", "", "resources", "led", {"a": 1}, "temperature"]'
        assert payload.parse_resources(message) == ("led", "temperature")

    def test_is_bounded(self) -> None:
        names = [f"r{number}" for number in range(MAX_RESOURCES + 50)]
        assert len(payload.parse_resources(json.dumps(names).encode())) == MAX_RESOURCES

    @pytest.mark.parametrize("message", [*NO_JSON, b"null", b"{}", b'"led"', b"7"])
    def test_no_list(self, message: bytes) -> None:
        with pytest.raises(InvalidValue):
            payload.parse_resources(message)


class TestValue:
    @given(anything)
    def test_any_json(self, value: Any) -> None:
        assert payload.parse_value(payload.value(value)) == value
        assert payload.parse_value(json.dumps({"value": value}).encode()) == value

    @pytest.mark.parametrize(
        "message", [*NO_JSON, b"23", b'"23"', b"null", b"[]", b"{}", b'{"v":1}']
    )
    def test_bare_values_are_refused(self, message: bytes) -> None:
        with pytest.raises(InvalidValue):
            payload.parse_value(message)

    def test_depth(self) -> None:
        payload.parse_value(nested(MAX_DEPTH))
        for depth in (MAX_DEPTH + 1, 30_000):
            with pytest.raises(MessageTooLarge, match="nest"):
                payload.parse_value(nested(depth))

    def test_size(self) -> None:
        fits = payload.MAX_PAYLOAD - len(payload.value(""))
        payload.parse_value(payload.value("x" * fits))
        for message in (payload.value("x" * (fits + 1)), None):
            with pytest.raises(MessageTooLarge, match="longer"):
                payload.parse_value(message)


@given(st.binary(max_size=100) | anything.map(lambda value: json.dumps(value).encode()))
def test_anything_is_taken_or_refused(message: bytes) -> None:
    for parse in (payload.parse_check, payload.parse_resources, payload.parse_value):
        with suppress(InvalidInput):
            parse(message)
