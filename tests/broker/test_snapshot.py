# SPDX-License-Identifier: BSD-3-Clause
import json
from typing import Any

from pyaiot.broker import snapshot
from pyaiot.broker.nodes import Nodes
from pyaiot.broker.peers import Client
from pyaiot.broker.snapshot import Shared, Snapshots, original
from pyaiot.messages.types import Feature
from pyaiot.model.access import Permission
from pyaiot.model.node import Availability


def nameless(_: str) -> str:
    return ""


PLAIN = Client("c", frozenset(Permission))
AWARE = Client("c", frozenset(Permission), frozenset({Feature.AVAILABILITY}))


def filled(count: int, size: int = 10) -> Nodes:
    nodes = Nodes(1_000_000)
    for number in range(count):
        node = nodes.add(f"n{number}", Availability.ONLINE, 5.0)
        nodes.put(node, "led", number, 7.0, wire=b"x" * size, wall=9.0)
    return nodes


def decoded(parts: Any) -> list[dict[str, Any]]:
    return [json.loads(part) for part in parts]


def test_for_clients_of_the_original() -> None:
    nodes = filled(2)
    assert decoded(original(nodes, PLAIN, nameless)) == [
        {"type": "new", "uid": "n0", "dst": "c"},
        {"type": "update", "uid": "n0", "endpoint": "led", "data": 0, "dst": "c", "time": 7.0},
        {"type": "new", "uid": "n1", "dst": "c"},
        {"type": "update", "uid": "n1", "endpoint": "led", "data": 1, "dst": "c", "time": 7.0},
    ]


def test_resources_come_in_the_order_in_which_they_were_first_known() -> None:
    nodes = filled(1)
    node = nodes.get("n0")
    assert node is not None
    for endpoint in ("name", "led", "os"):
        nodes.put(node, endpoint, 1, 8.0, wire=b"", wall=9.0)
    updates = [
        m["endpoint"] for m in decoded(original(nodes, PLAIN, nameless)) if m["type"] == "update"
    ]
    assert updates == ["led", "name", "os"]


def test_nodes_that_are_offline_are_there_for_those_who_understand() -> None:
    nodes = filled(2)
    node = nodes.get("n0")
    assert node is not None
    nodes.judge(node, Availability.OFFLINE, 6.0)
    assert {m["uid"] for m in decoded(original(nodes, PLAIN, nameless))} == {"n1"}
    first = decoded(original(nodes, AWARE, nameless))[0]
    assert first == {
        "type": "new", "uid": "n0", "dst": "c", "availability": "offline", "seen": 7.0
    }  # fmt: skip


def test_a_node_that_goes_or_comes_meanwhile_is_somebody_elses_business() -> None:
    nodes = filled(2)
    backlog = original(nodes, PLAIN, nameless)
    last = nodes.get("n1")
    assert last is not None
    nodes.remove(last)
    nodes.add("later", Availability.ONLINE, 1.0)
    assert {m["uid"] for m in decoded(backlog)} == {"n0"}


def test_a_snapshot() -> None:
    shared = Shared(filled(2), 0.0, aware=True)
    assert decoded(shared.parts(AWARE)) == [
        {
            "type": "snapshot",
            "nodes": [
                {
                    "uid": f"n{n}",
                    "availability": "online",
                    "seen": 7.0,
                    "resources": {"led": [n, 7.0]},
                }
                for n in (0, 1)
            ],
            "part": 0,
            "last": True,
        }
    ]


def test_of_nothing() -> None:
    parts = decoded(Shared(Nodes(10), 0.0, aware=True).parts(AWARE))
    assert parts == [{"type": "snapshot", "nodes": [], "part": 0, "last": True}]


def test_parts_are_bounded_in_nodes() -> None:
    parts = decoded(Shared(filled(1200), 0.0, aware=True).parts(AWARE))
    assert [len(part["nodes"]) for part in parts] == [500, 500, 200]
    assert [(part["part"], part["last"]) for part in parts] == [(0, False), (1, False), (2, True)]


def test_parts_are_bounded_in_bytes() -> None:
    parts = decoded(Shared(filled(10, size=40_000), 0.0, aware=True).parts(AWARE))
    assert [len(part["nodes"]) for part in parts] == [2] * 5


def test_what_is_not_visible_is_left_out_for_those_who_do_not_understand() -> None:
    nodes = filled(2)
    node = nodes.get("n0")
    assert node is not None
    nodes.judge(node, Availability.OFFLINE, 6.0)
    ((_, visible),) = ((0, decoded(Shared(nodes, 0.0, aware=False).parts(AWARE))),)
    assert [each["uid"] for each in visible[0]["nodes"]] == ["n1"]
    assert len(decoded(Shared(nodes, 0.0, aware=True).parts(AWARE))[0]["nodes"]) == 2


def test_two_clients_get_the_same_bytes() -> None:
    shared = Shared(filled(1200), 0.0, aware=True)
    one, two = shared.parts(AWARE), shared.parts(AWARE)
    first = next(one)
    assert next(two) is first
    assert list(one) == list(two)


def test_once_expired_it_is_made_anew_for_whoever_still_reads() -> None:
    shared = Shared(filled(1200), 0.0, aware=True)
    parts = shared.parts(AWARE)
    first = next(parts)
    shared.expire()
    rest = decoded(parts)
    assert [(part["part"], part["last"]) for part in rest] == [(1, False), (2, True)]
    assert first not in {json.dumps(part).encode() for part in rest}
    assert shared._made is None


def test_it_is_valid_only_for_a_moment() -> None:
    nodes = filled(1)
    shared = Shared(nodes, 10.0, aware=True)
    assert shared.valid(10.5)
    assert not shared.valid(10.0 + snapshot.SHARED_FOR)


def test_it_is_not_valid_once_something_but_a_value_changed() -> None:
    nodes = filled(1)
    shared = Shared(nodes, 10.0, aware=True)
    node = nodes.get("n0")
    assert node is not None
    nodes.put(node, "led", 5, 8.0, wire=b"", wall=9.0)
    assert shared.valid(10.0)
    assert shared.seq < nodes.seq
    nodes.add("n1", Availability.ONLINE, 1.0)
    assert not shared.valid(10.0)


def test_whoever_looks_after_a_change_sees_it() -> None:
    nodes = filled(1)
    snapshots = Snapshots(nodes, nameless)
    node = nodes.get("n0")
    assert node is not None

    def led() -> object:
        (part,) = decoded(snapshots.get(AWARE, 10.0).parts(AWARE))
        return part["nodes"][0]["resources"]["led"][0]

    first = snapshots.get(AWARE, 10.0)
    assert snapshots.get(AWARE, 10.0) is first
    seen = []
    for number in range(20):
        nodes.put(node, "led", number, 8.0, wire=b"", wall=9.0)
        seen.append(led())
    # Those who come on the heels of one another share what there is, and get what is new after it.
    assert seen == [*range(8), *[7] * 12]
    assert snapshots.get(AWARE, 10.0).seq < nodes.seq
    assert snapshots.get(AWARE, 10.3).seq == nodes.seq


def test_what_costs_much_is_shared_all_the_same() -> None:
    nodes = filled(snapshot.PART_NODES + 1)
    snapshots = Snapshots(nodes, nameless)
    first = snapshots.get(AWARE, 10.0)
    node = nodes.get("n0")
    assert node is not None
    nodes.put(node, "led", 5, 8.0, wire=b"", wall=9.0)
    assert snapshots.get(AWARE, 10.0) is first
