# SPDX-License-Identifier: BSD-3-Clause
"""Who holds a node, and who sees what."""

import pytest

from pyaiot.broker.effects import Audience
from pyaiot.broker.limits import MAX_READING
from pyaiot.errors import (
    InvalidContent,
    InvalidInput,
    InvalidValue,
    MessageTooLarge,
    QueueFull,
    RateExceeded,
)
from pyaiot.messages.types import Batch, Feature
from pyaiot.model.access import Permission
from pyaiot.model.moment import Moment
from tests.broker.recording import ALL, START, Bench

ORIGINAL = frozenset[Feature]()


def kinds(messages: list[dict[str, object]]) -> list[object]:
    return [message["type"] for message in messages]


def test_a_node_and_its_value_are_shown_to_everyone() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    bench.value(gateway, "0", time=START)
    assert bench.effects.shown == [
        ("event", Audience.ORIGINAL, {"type": "new", "uid": "n", "dst": "all"}),
        (
            "event",
            Audience.AWARE,
            {"type": "new", "uid": "n", "dst": "all", "availability": "online", "seen": START},
        ),
        (
            "update",
            Audience.EVERYONE,
            {
                "type": "update", "uid": "n", "endpoint": "led", "data": "0", "dst": "all",
                "time": START,
            },
        ),
    ]  # fmt: skip


def test_signed_bytes_are_passed_on_as_they_came() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    bench.shown()
    bench.value(gateway, 23.50, time=START, unknown="kept", signed=True)
    assert bench.shown()[0]["unknown"] == "kept"
    bench.value(gateway, 1, time=START, unknown="dropped")
    assert "unknown" not in bench.shown()[0]


def test_a_reading_without_a_time_gets_one() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    bench.value(gateway, 1, signed=True)
    assert bench.shown()[-1]["time"] == START


def test_readings_without_a_time_at_one_moment_get_times_of_their_own() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    for number in range(1000):
        bench.value(gateway, number, signed=True)
    told = [each["time"] for each in bench.shown() if each["type"] == "update"]
    times = [round(float(str(time)) * 1e6) for time in told]
    assert len(set(times)) == 1000
    assert times == sorted(times)
    assert times[-1] - times[0] < 10_000
    bench.now = Moment(START - 3600, bench.now.steady)
    bench.value(gateway, "earlier", signed=True)
    assert bench.shown()[-1]["time"] == START - 3600


def test_a_reading_from_the_future_is_taken_back_to_now() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    for ahead in (3600, 1):
        bench.value(gateway, 1, time=START + ahead, signed=True)
    assert [shown.get("time") for shown in bench.shown()][-2:] == [START, START + 1]
    bench.client()
    assert bench.backlog()[-1]["time"] == START


@pytest.mark.parametrize("uid", ["n", "other"])
def test_readings_of_nodes_that_the_gateway_does_not_hold_are_dropped(uid: str) -> None:
    bench = Bench()
    bench.new(bench.gateway())
    stranger = bench.gateway()
    bench.shown()
    bench.value(stranger, 1, uid=uid)
    bench.say(stranger, type="reset", uid=uid)
    bench.say(stranger, type="out", uid=uid)
    bench.say(stranger, type="availability", uid=uid, availability="offline", seen=START)
    assert not bench.shown()
    assert bench.core.counts.strays == 4
    assert len(bench.nodes) == 1


def test_a_reading_that_was_kept_back_does_not_replace_a_newer_one() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    bench.value(gateway, "new", time=START - 10)
    bench.shown()
    bench.value(gateway, "old", time=START - 60, signed=True)
    assert [shown[1] for shown in bench.effects.shown] == [Audience.AWARE]
    assert bench.shown()[0]["data"] == "old"
    bench.client()
    assert [m["data"] for m in bench.backlog() if m["type"] == "update"] == ["new"]


def test_a_reading_that_is_too_long() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    bench.shown()
    with pytest.raises(MessageTooLarge):
        bench.value(gateway, "x" * MAX_READING)
    assert not bench.shown()
    assert bench.core.counts.readings == 0


def test_names_that_cannot_be_shown() -> None:
    bench = Bench()
    gateway = bench.gateway()
    with pytest.raises(InvalidValue):
        bench.new(gateway, "a\nb")
    bench.new(gateway)
    with pytest.raises(InvalidValue):
        bench.value(gateway, 1, endpoint="a\x00b")
    assert len(bench.nodes) == 1


def test_the_sign_of_life_is_no_node() -> None:
    bench = Bench()
    gateway = bench.gateway(ORIGINAL)
    bench.say(gateway, type="update", uid="alive")
    assert not bench.shown()
    assert len(bench.nodes) == 0


def test_a_node_may_be_called_alive() -> None:
    bench = Bench()
    gateway = bench.gateway(ORIGINAL)
    bench.new(gateway, "alive")
    bench.value(gateway, "1", uid="alive")
    bench.say(gateway, type="update", uid="alive")
    bench.say(gateway, type="out", uid="alive")
    assert kinds(bench.shown(Audience.ORIGINAL)) == ["new", "update", "out"]


def test_a_batch_in_a_batch() -> None:
    bench = Bench()
    gateway = bench.gateway()
    with pytest.raises(InvalidContent):
        bench.core.gateway_said(gateway, Batch(()), None, bench.now)


def test_out_and_reset() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    for endpoint in ("protocol", "led"):
        bench.value(gateway, "1", endpoint=endpoint)
    bench.shown()
    bench.say(gateway, type="reset", uid="n")
    bench.client()
    assert [m.get("endpoint") for m in bench.backlog()] == [None, "protocol"]
    bench.say(gateway, type="out", uid="n")
    assert bench.shown(Audience.ORIGINAL) == [
        {"type": "reset", "uid": "n"},
        {"type": "out", "uid": "n"},
    ]
    assert len(bench.nodes) == 0


def test_offline_is_out_for_some_and_a_state_for_others() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    bench.value(gateway, "1", time=START)
    bench.shown()
    for availability in ("late", "offline"):
        bench.say(gateway, type="availability", uid="n", availability=availability, seen=START)
    before = bench.effects.shown[:]
    assert bench.shown(Audience.AWARE) == [
        {"type": "availability", "uid": "n", "availability": availability, "seen": START}
        for availability in ("late", "offline")
    ]
    bench.effects.shown = before
    assert bench.shown(Audience.ORIGINAL) == [{"type": "out", "uid": "n"}]


def test_what_is_offline_is_silent_for_clients_of_the_original() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway, availability="offline", seen=START - 100)
    bench.value(gateway, "1", time=START - 100)
    bench.say(gateway, type="reset", uid="n")
    bench.say(gateway, type="out", uid="n")
    assert {audience for _, audience, _ in bench.effects.shown} == {Audience.AWARE}
    assert kinds(bench.shown()) == ["new", "update", "reset", "out"]


def test_back_again_with_all_it_said() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    bench.value(gateway, "1")
    bench.value(gateway, "x", endpoint="name")
    bench.say(gateway, type="availability", uid="n", availability="offline", seen=START)
    seq = bench.nodes.seq
    bench.shown()
    bench.say(gateway, type="availability", uid="n", availability="online", seen=START)
    assert [m.get("data", m["type"]) for m in bench.shown(Audience.ORIGINAL)] == ["new", "1", "x"]
    assert len(list(bench.nodes.changes(seq, aware=False, sees=lambda _: True))) == 2, (
        "for those too slow to see it"
    )


def test_our_gateway_that_goes_leaves_its_nodes_behind_offline() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway, "a")
    bench.value(gateway, "1", uid="a")
    bench.new(gateway, "b", availability="offline", seen=START - 100)
    bench.shown()
    bench.core.gateway_left(gateway)
    before = bench.effects.shown[:]
    assert bench.shown(Audience.AWARE) == [
        {"type": "availability", "uid": "a", "availability": "offline", "seen": START}
    ]
    bench.effects.shown = before
    assert bench.shown(Audience.ORIGINAL) == [{"type": "out", "uid": "a"}]
    bench.client("availability")
    assert {m["uid"] for m in bench.backlog()} == {"a", "b"}

    again = bench.gateway()
    bench.new(again, "a", availability="online", seen=START)
    before = bench.effects.shown[:]
    assert kinds(bench.shown(Audience.AWARE)) == ["availability"], "its values are still known"
    bench.effects.shown = before
    assert kinds(bench.shown(Audience.ORIGINAL)) == ["new", "update"]
    bench.wait(1)
    assert not bench.effects.notes, "to come back is no move"


def test_a_gateway_of_the_original_that_goes_takes_its_nodes_with_it() -> None:
    bench = Bench()
    gateway = bench.gateway(ORIGINAL)
    bench.new(gateway, "a")
    bench.new(gateway, "b")
    bench.shown()
    bench.core.gateway_left(gateway)
    assert bench.shown() == [{"type": "out", "uid": "a"}, {"type": "out", "uid": "b"}]
    assert len(bench.nodes) == 0
    assert not bench.core.gateways


def test_a_node_that_is_announced_again_is_new_for_clients_of_the_original_only() -> None:
    bench = Bench()
    gateway = bench.gateway(ORIGINAL)
    bench.new(gateway)
    bench.shown()
    bench.new(gateway)
    before = bench.effects.shown[:]
    assert kinds(bench.shown(Audience.ORIGINAL)) == ["new"]
    bench.effects.shown = before
    assert kinds(bench.shown(Audience.AWARE)) == ["availability"]


def test_a_node_moves_to_whoever_announced_it_last() -> None:
    bench = Bench()
    one, two = bench.gateway(label="one"), bench.gateway(label="two")
    bench.new(one)
    bench.value(one, "1")
    bench.new(two)
    bench.shown()
    bench.value(one, "stale")
    assert not bench.shown()
    bench.value(two, "2")
    assert bench.shown()[0]["data"] == "2"
    assert list(two.nodes) == ["n"]
    assert not one.nodes
    bench.wait(1)
    assert bench.effects.notes == ["Node n moved from gateway one to gateway two."]
    bench.core.gateway_left(one)
    assert not bench.shown(), "it went away without it"


def test_who_has_not_heard_a_node_lately_does_not_take_it_away() -> None:
    bench = Bench()
    one, two = bench.gateway(label="one"), bench.gateway(label="two")
    bench.new(one)
    bench.shown()
    bench.say(two, type="new", uid="n", availability="offline", seen=START - 600)
    assert not bench.shown()
    assert list(one.nodes) == ["n"]
    bench.core.gateway_left(one)
    bench.say(two, type="new", uid="n", availability="offline", seen=START - 600)
    assert list(two.nodes) == ["n"]


def test_who_hears_a_node_again_holds_it_again() -> None:
    bench = Bench()
    one, two = bench.gateway(label="one"), bench.gateway(label="two")
    bench.new(one)
    bench.new(two)
    bench.say(one, type="availability", uid="n", availability="online", seen=START)
    bench.shown()
    bench.value(one, "1")
    assert kinds(bench.shown()) == ["update"]


def test_what_is_heard_is_there() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.say(gateway, type="availability", uid="n", availability="online", seen=START)
    assert kinds(bench.shown(Audience.AWARE)) == ["new"]


def test_two_gateways_that_quarrel_over_a_node_are_reported() -> None:
    bench = Bench()
    one, two = bench.gateway(label="one"), bench.gateway(label="two")
    for number in range(20):
        bench.new((one, two)[number % 2])
        bench.wait(5)
    quarrels = [note for note in bench.effects.notes if "claim" in note]
    assert len(quarrels) == 2
    assert len(bench.effects.notes) == 4, "and the two moves before it was one"


def test_too_many_nodes_push_out_the_one_offline_longest() -> None:
    bench = Bench(max_nodes=2)
    gateway = bench.gateway()
    bench.new(gateway, "a")
    bench.new(gateway, "b")
    bench.say(gateway, type="availability", uid="a", availability="offline", seen=START)
    bench.shown()
    bench.new(gateway, "c")
    assert [(m["type"], m["uid"]) for m in bench.shown(Audience.AWARE)] == [
        ("out", "a"),
        ("new", "c"),
    ]
    assert bench.core.counts.evicted == 1
    with pytest.raises(QueueFull):
        bench.new(gateway, "d")
    assert list(gateway.nodes) == ["b", "c"]


def test_a_client_of_the_original_gets_everything_addressed_to_it() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    bench.value(gateway, "0")
    client = bench.client()
    assert [(m["type"], m["dst"]) for m in bench.backlog()] == [
        ("new", client.id),
        ("update", client.id),
    ]
    assert not bench.told(client)


def test_our_client_gets_a_welcome_and_a_snapshot() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    bench.value(gateway, "0", time=START)
    client = bench.client(*ALL, permissions=frozenset({Permission.VIEW}))
    assert bench.told(client) == [
        {
            "type": "welcome",
            "client": client.id,
            "version": "1.2.3",
            "wire": 1,
            "permissions": ["view"],
            "time": START,
        }
    ]
    (part,) = bench.backlog()
    assert part["nodes"][0]["resources"] == {"led": ["0", START]}
    assert client.aware


def test_unknown_features_are_ignored() -> None:
    bench = Bench()
    client = bench.client("signed", "teleport", "batch")
    assert client.features == {Feature.BATCH}


def test_what_was_asked_for_at_the_door_holds() -> None:
    bench = Bench()
    client = bench.client(greet=False)
    client.asked = frozenset({Feature.RESULT})
    bench.ask(client, type="new")
    assert client.features == {Feature.RESULT}


def test_clients_that_come_together_share_a_snapshot() -> None:
    bench = Bench()
    bench.new(bench.gateway())
    bench.client(*ALL)
    one = bench.backlog
    first = next(bench.effects.greeted[-1][1])
    bench.client(*ALL)
    assert next(bench.effects.greeted[-1][1]) is first
    bench.client("snapshot")
    assert next(bench.effects.greeted[-1][1]) is not first, "another audience"
    bench.wait(1)
    bench.client(*ALL)
    assert next(bench.effects.greeted[-1][1]) is not first
    assert one is not None


def test_a_snapshot_is_not_shared_once_it_lacks_a_node() -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway, "a")
    bench.client(*ALL)
    bench.new(gateway, "b")
    bench.client(*ALL)
    assert [each["uid"] for each in bench.backlog()[0]["nodes"]] == ["a", "b"]


def test_hello_may_be_repeated_but_not_for_ever() -> None:
    bench = Bench()
    client = bench.client()
    for _ in range(2):
        bench.ask(client, type="new")
    with pytest.raises(RateExceeded):
        bench.ask(client, type="new")
    assert len(bench.effects.greeted) == 3
    bench.wait(10)
    bench.ask(client, type="new")
    assert len(bench.effects.greeted) == 4


def test_messages_for_one_client() -> None:
    bench = Bench()
    gateway = bench.gateway(ORIGINAL)
    bench.new(gateway)
    client, mute = bench.client(), bench.client(greet=False)
    bench.shown()
    for dst in (client.id, mute.id, "nobody"):
        bench.new(gateway, dst=dst)
        bench.value(gateway, "1", dst=dst)
    told = bench.effects.told[:]
    assert {to.id for to, _ in told} == {client.id}
    assert [(m["type"], m["dst"]) for _, m in told] == [("new", client.id), ("update", client.id)]
    assert all(m["type"] == "availability" for m in bench.shown())
    bench.client()
    assert [m["data"] for m in bench.backlog() if m["type"] == "update"] == ["1"]
    ((_, wire),) = bench.nodes.changes(0, aware=True, sees=lambda _: True)
    assert b'"dst":"all"' in wire, "for the next who is not this client"


def test_a_node_that_only_one_client_was_to_know_is_everyones() -> None:
    bench = Bench()
    gateway = bench.gateway(ORIGINAL)
    client = bench.client()
    bench.new(gateway, dst=client.id)
    assert [m["dst"] for m in bench.shown(Audience.ORIGINAL)] == ["all"]


def test_a_refusal_reaches_only_those_who_understand_it() -> None:
    bench = Bench()
    plain, ours = bench.client(), bench.client("result")
    for client in (plain, ours):
        bench.core.refuse(client, InvalidInput("No."))
    assert bench.effects.told == [
        (ours, {"type": "error", "code": "invalid", "reason": "No."}),
    ]
    bench.core.refuse(plain, InvalidInput("No."), "7")
    assert bench.results(plain) == [("7", "failed")]
    assert bench.core.counts.refused == 3


def test_a_client_that_left_is_forgotten() -> None:
    bench = Bench()
    client = bench.client()
    bench.core.client_left(client)
    assert not bench.core.clients
