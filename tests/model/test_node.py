# SPDX-License-Identifier: BSD-3-Clause
import uuid

import pytest

from pyaiot.errors import InvalidValue
from pyaiot.model.node import (
    MAX_ENDPOINT,
    MAX_RESOURCES,
    MAX_UID,
    Availability,
    Reading,
    Twin,
    checked_endpoint,
    checked_uid,
    derived_uid,
)


@pytest.mark.parametrize("uid", ["1234", "EE5F23232323232", "alive", "a b", "ä/+#", "x" * MAX_UID])
def test_a_uid_is_whatever_the_node_says(uid: str) -> None:
    assert checked_uid(uid) == uid


@pytest.mark.parametrize(
    "uid", ["", "x" * (MAX_UID + 1), "a\nb", "a\0", "é\x85", "\u2028", "\ud800", "\x7f"]
)
def test_what_is_no_uid(uid: str) -> None:
    with pytest.raises(InvalidValue, match="uid"):
        checked_uid(uid)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [("led", "led"), ("/led", "led"), ("//led", "/led"), ("cli/stats", "cli/stats"), ("é", "é")],
)
def test_an_endpoint_loses_one_slash(text: str, endpoint: str) -> None:
    assert checked_endpoint(text) == endpoint


@pytest.mark.parametrize("text", ["", "/", "x" * (MAX_ENDPOINT + 1), "led\r\n"])
def test_what_is_no_endpoint(text: str) -> None:
    with pytest.raises(InvalidValue, match="resource name"):
        checked_endpoint(text)


def test_derived_uid_is_stable_and_tells_apart() -> None:
    uid = derived_uid("attic", "MQTT", "pycom")
    assert uid == derived_uid("attic", "MQTT", "pycom")
    assert uuid.UUID(uid).version == 5
    others = {
        derived_uid("cellar", "MQTT", "pycom"),
        derived_uid("attic", "CoAP", "pycom"),
        derived_uid("attic", "MQTT", "pycom2"),
        derived_uid("atticM", "QTT", "pycom"),
    }
    assert len(others) == 4
    assert uid not in others


class TestTwin:
    def test_begins_online_and_empty(self) -> None:
        twin = Twin("1234", 5.0)
        assert (twin.uid, twin.seen, twin.availability) == ("1234", 5.0, Availability.ONLINE)
        assert list(twin) == []

    def test_keeps_the_order_of_change(self) -> None:
        twin = Twin("1234", 0.0)
        for endpoint in ("led", "temperature", "led"):
            assert twin.put(Reading(endpoint, "1", 0.0))
        assert [reading.endpoint for reading in twin] == ["temperature", "led"]

    def test_is_bounded(self) -> None:
        twin = Twin("1234", 0.0)
        for number in range(MAX_RESOURCES):
            assert twin.put(Reading(f"r{number}", 0, 0.0))
        assert not twin.put(Reading("one more", 0, 0.0))
        assert twin.put(Reading("r0", 1, 1.0))
        assert len(twin.readings) == MAX_RESOURCES

    def test_reset_keeps_the_identity(self) -> None:
        twin = Twin("1234", 0.0)
        for endpoint in ("ip", "led", "protocol"):
            twin.put(Reading(endpoint, endpoint, 0.0))
        twin.reset()
        assert {reading.endpoint for reading in twin} == {"ip", "protocol"}
