# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.errors import InvalidValue
from pyaiot.gateway.mqtt import topics

UNUSABLE = [
    "", "/", "a/b", "+", "#", "a#", "\0", "a\0b", "a\nb", "\x7f", "\u2028", "a\u200bb", "\ufffd",
    "x" * 129,
]  # fmt: skip


@pytest.mark.parametrize("text", ["a", "mqtt-2", "Wohnzimmer °", "漢", "$SYS", "x" * 128, "check"])
def test_node_ids(text: str) -> None:
    assert topics.checked_node_id(text) == text


@pytest.mark.parametrize("text", UNUSABLE)
def test_unusable_node_ids(text: str) -> None:
    with pytest.raises(InvalidValue):
        topics.checked_node_id(text)


@pytest.mark.parametrize("text", ["led", "pm2.5", "check", "x" * 128])
def test_resources(text: str) -> None:
    assert topics.checked_resource(text) == text


def test_resource_loses_its_leading_slash() -> None:
    assert topics.checked_resource("/led") == "led"


@pytest.mark.parametrize("text", [*UNUSABLE, "resources", "/resources", "//led"])
def test_unusable_resources(text: str) -> None:
    with pytest.raises(InvalidValue):
        topics.checked_resource(text)


def test_origin() -> None:
    assert topics.origin("node/a/led") == ("a", "led")
    assert topics.origin("node/a/resources") == ("a", "resources")
    assert topics.origin("node/check/check") == ("check", "check")


@pytest.mark.parametrize(
    "topic",
    ["", "node", "node/a", "node/a/b/c", "node//led", "node/a/", "gateway/a/led", "node/#/led"],
)
def test_topics_of_no_node(topic: str) -> None:
    with pytest.raises(InvalidValue):
        topics.origin(topic)


def test_topics_to_nodes_and_from_them() -> None:
    assert topics.discovery("a") == "gateway/a/discover"
    assert topics.setting("a", "led") == "gateway/a/led/set"
    assert topics.value("a", "led") == "node/a/led"
    assert topics.origin(topics.value("a", "led")) == ("a", "led")
