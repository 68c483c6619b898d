# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.broker.nodes import Node, Nodes
from pyaiot.broker.peers import Gateway
from pyaiot.errors import InvalidValue, QueueFull
from pyaiot.model.node import MAX_RESOURCES, Availability

ONLINE, OFFLINE = Availability.ONLINE, Availability.OFFLINE


def put(nodes: Nodes, node: Node, value: str, time: float, wall: float = 1000.0) -> bool:
    return nodes.put(node, "led", value, time, wire=value.encode(), wall=wall)


def changes(nodes: Nodes, since: int = 0, *, aware: bool = True) -> list[bytes]:
    return [wire for _, wire in nodes.changes(since, aware=aware, sees=lambda _: True)]


def test_nodes_stay_in_the_order_in_which_they_came() -> None:
    nodes = Nodes(10)
    for uid in ("b", "a", "c"):
        nodes.add(uid, ONLINE, 1.0)
    assert [node.uid for node in nodes] == ["b", "a", "c"]
    assert nodes.roll == ("b", "a", "c")
    assert len(nodes) == 3


def test_the_roll_is_made_once() -> None:
    nodes = Nodes(10)
    node = nodes.add("a", ONLINE, 1.0)
    roll = nodes.roll
    nodes.judge(node, OFFLINE, 2.0)
    assert nodes.roll is roll
    nodes.remove(node)
    assert nodes.roll == ()


def test_a_newer_reading_replaces_an_older_one() -> None:
    nodes = Nodes(10)
    node = nodes.add("a", ONLINE, 1.0)
    assert put(nodes, node, "old", 10.0)
    assert put(nodes, node, "new", 20.0)
    assert changes(nodes) == [b"new"]
    assert (node.resources["led"].value, node.resources["led"].time) == ("new", 20.0)
    assert node.seen == 20.0


def test_an_older_reading_does_not_replace_a_newer_one() -> None:
    nodes = Nodes(10)
    node = nodes.add("a", ONLINE, 1.0)
    put(nodes, node, "new", 20.0)
    seq = nodes.seq
    assert not put(nodes, node, "old", 10.0)
    assert changes(nodes) == [b"new"]
    assert nodes.seq == seq
    assert node.seen == 20.0


def test_one_of_the_same_time_does() -> None:
    nodes = Nodes(10)
    node = nodes.add("a", ONLINE, 1.0)
    put(nodes, node, "first", 20.0)
    assert put(nodes, node, "second", 20.0)


def test_a_clock_that_was_ahead_does_not_freeze_the_value() -> None:
    nodes = Nodes(10)
    node = nodes.add("a", ONLINE, 1.0)
    assert put(nodes, node, "from the future", 5000.0, wall=1000.0)
    assert node.resources["led"].time == 1000.0
    assert node.seen == 1000.0
    assert put(nodes, node, "now", 1001.0, wall=1001.0)


def test_nor_does_the_clock_of_the_broker() -> None:
    nodes = Nodes(10)
    node = nodes.add("a", ONLINE, 1.0)
    put(nodes, node, "when the broker's clock was ahead", 5000.0, wall=5000.0)
    assert put(nodes, node, "now that it is right", 1000.0, wall=1000.0)


def test_a_resource_with_an_impossible_name() -> None:
    nodes = Nodes(10)
    node = nodes.add("a", ONLINE, 1.0)
    with pytest.raises(InvalidValue):
        nodes.put(node, "le\nd", 1, 1.0, wire=b"", wall=1.0)
    assert not node.resources


def test_a_node_cannot_have_resources_without_end() -> None:
    nodes = Nodes(10)
    node = nodes.add("a", ONLINE, 1.0)
    for number in range(MAX_RESOURCES):
        nodes.put(node, str(number), number, 1.0, wire=b"", wall=1.0)
    with pytest.raises(QueueFull, match="256 resources"):
        nodes.put(node, "one more", 1, 1.0, wire=b"", wall=1.0)
    assert nodes.put(node, "0", 1, 2.0, wire=b"", wall=2.0), "those it has still change"


def test_a_reset_leaves_what_the_gateway_knows() -> None:
    nodes = Nodes(10)
    node = nodes.add("a", ONLINE, 1.0)
    for endpoint in ("protocol", "led", "ip", "id", "name"):
        nodes.put(node, endpoint, 1, 1.0, wire=endpoint.encode(), wall=1.0)
    version = nodes.version
    nodes.reset(node)
    assert list(node.resources) == ["protocol", "ip", "id"]
    assert changes(nodes) == [b"protocol", b"ip", b"id"]
    assert nodes.version != version


def test_clients_of_the_original_see_no_changes_of_what_is_offline() -> None:
    nodes = Nodes(10)
    for uid in ("a", "b"):
        put(nodes, nodes.add(uid, ONLINE, 1.0), uid, 1.0)
    first = nodes.get("a")
    assert first is not None
    nodes.judge(first, OFFLINE, 1.0)
    assert changes(nodes, aware=False) == [b"b"]
    assert changes(nodes, aware=True) == [b"a", b"b"]


def test_what_is_removed_is_gone_from_everywhere() -> None:
    nodes = Nodes(10)
    gateway = Gateway("g", "g")
    node = nodes.add("a", OFFLINE, 1.0)
    node.gateway, gateway.nodes["a"] = gateway, node
    put(nodes, node, "1", 1.0)
    nodes.remove(node)
    assert nodes.get("a") is None
    assert not changes(nodes)
    assert not gateway.nodes
    assert nodes.make_room() is None


def test_the_node_offline_longest_makes_room() -> None:
    nodes = Nodes(3)
    one, two, three = (nodes.add(uid, ONLINE, 1.0) for uid in "123")
    nodes.judge(two, OFFLINE, 1.0)
    nodes.judge(one, OFFLINE, 1.0)
    nodes.judge(two, OFFLINE, 2.0)
    assert nodes.make_room() is two
    assert nodes.make_room() is None, "there is room now"
    nodes.add("4", ONLINE, 1.0)
    nodes.judge(one, Availability.LATE, 3.0)
    with pytest.raises(QueueFull, match="3 nodes already"):
        nodes.make_room()
    assert nodes.get("3") is three


def test_when_a_node_was_heard_never_goes_back() -> None:
    nodes = Nodes(10)
    node = nodes.add("a", ONLINE, 10.0)
    nodes.judge(node, OFFLINE, 5.0)
    assert node.seen == 10.0
