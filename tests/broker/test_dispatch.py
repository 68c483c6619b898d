# SPDX-License-Identifier: BSD-3-Clause
"""Commands, and their one result."""

import pytest

from pyaiot.broker.peers import Client
from pyaiot.errors import (
    CommandFailed,
    InvalidValue,
    PermissionDenied,
    QueueFull,
    UnknownNode,
)
from pyaiot.messages.types import MAX_REASON, Feature
from pyaiot.model.access import Permission
from tests.broker.recording import OURS, Bench

ORIGINAL = frozenset[Feature]()
VIEW = frozenset({Permission.VIEW})
CONTROL = VIEW | {Permission.CONTROL}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_command_goes_to_the_gateway_that_holds_the_node(bench: Bench) -> None:
    holds, other = bench.gateway(), bench.gateway()
    bench.new(holds)
    bench.new(other, "m")
    client = bench.client("result")
    bench.command(client, id="7", timeout=5)
    ((gateway, relayed),) = bench.effects.relayed
    assert gateway is holds
    own_id = relayed.pop("id")
    assert relayed == {
        "type": "update",
        "data": {"uid": "n", "endpoint": "led", "payload": "1"},
        "src": client.id,
        "timeout": 5.0,
    }
    assert not bench.told(client)
    bench.say(holds, type="result", id=own_id, status="applied", reason="So it said.")
    assert bench.told(client) == [
        {"type": "result", "id": "7", "status": "applied", "reason": "So it said."}
    ]
    bench.say(holds, type="result", id=own_id, status="failed")
    assert not bench.told(client), "one result and no more"
    assert bench.core.counts.strays == 1


def test_clients_need_not_agree_on_ids(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    one, two = bench.client(), bench.client()
    bench.command(one, id="7")
    bench.command(two, id="7")
    first, second = (message["id"] for message in bench.relayed(gateway))
    bench.say(gateway, type="result", id=second, status="failed")
    assert bench.results(two) == [("7", "failed")]
    bench.say(gateway, type="result", id=first, status="applied")
    assert bench.results(one) == [("7", "applied")]


def test_without_an_id_there_is_no_result(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    client = bench.client(greet=False)
    bench.command(client)
    (relayed,) = bench.relayed(gateway)
    assert "id" not in relayed
    assert relayed["timeout"] == 10.0
    assert bench.core.next_deadline is None


@pytest.mark.parametrize(
    ("payload", "text"), [("x", "x"), (1, "1"), (1.5, "1.5"), (True, "1"), (False, "0"), ("é", "é")]
)
def test_payloads_become_text(bench: Bench, payload: object, text: str) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    bench.command(bench.client(), payload=payload)
    assert bench.relayed(gateway)[0]["data"]["payload"] == text


def test_a_leading_slash_is_dropped(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    bench.command(bench.client(), endpoint="/led")
    assert bench.relayed(gateway)[0]["data"]["endpoint"] == "led"


@pytest.mark.parametrize("endpoint", ["js", "/js", "//js", "js/"])
def test_scripts_need_a_permission_of_their_own(bench: Bench, endpoint: str) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    client = bench.client(permissions=CONTROL)
    bench.command(client, endpoint=endpoint, payload="print(1)", id="7")
    assert bench.told(client) == [
        {
            "type": "result",
            "id": "7",
            "status": "denied",
            "reason": "You may control nodes here, but not send them scripts.",
        }
    ]
    with pytest.raises(PermissionDenied, match="not send them scripts"):
        bench.command(client, endpoint=endpoint, payload="print(1)")
    assert not bench.effects.relayed
    bench.command(bench.client(), endpoint=endpoint, payload="print(1)")
    assert bench.relayed(gateway)[0]["data"]["payload"] == "print(1)"


@pytest.mark.parametrize("endpoint", ["led", "/led", "js2", "js/led", "json"])
def test_all_else_may_be_set_by_who_may_control(bench: Bench, endpoint: str) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    bench.command(bench.client(permissions=CONTROL), endpoint=endpoint)
    assert bench.relayed(gateway)[0]["data"]["endpoint"] == endpoint.removeprefix("/")


def test_what_cannot_be_sent_ends_at_once(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    client, viewer = bench.client("result"), bench.client("result", permissions=VIEW)
    bench.command(client, "nobody", id="1")
    bench.command(client, endpoint="/", id="2")
    bench.command(viewer, id="3")
    told = [(m["id"], m["status"]) for _, m in bench.effects.told]
    assert told == [("1", "unknown_node"), ("2", "failed"), ("3", "denied")]
    bench.core.gateway_left(gateway)
    bench.told(client)
    bench.command(client, id="4")
    assert bench.told(client) == [
        {
            "type": "result",
            "id": "4",
            "status": "failed",
            "reason": "The gateway of this node is not connected.",
        }
    ]
    assert not bench.effects.relayed
    assert bench.core.next_deadline is None


def test_without_an_id_it_is_an_error_of_the_message(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    client = bench.client()
    with pytest.raises(UnknownNode):
        bench.command(client, "nobody")
    with pytest.raises(InvalidValue):
        bench.command(client, endpoint="a\nb")
    with pytest.raises(PermissionDenied):
        bench.command(bench.client(permissions=VIEW))
    bench.core.gateway_left(gateway)
    with pytest.raises(CommandFailed):
        bench.command(client)


def test_a_deadline(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    client = bench.client()
    bench.command(client, id="7")
    assert bench.core.next_deadline == 10.0
    bench.wait(9.9)
    assert not bench.results(client)
    bench.wait(0.1)
    assert bench.told(client) == [
        {"type": "result", "id": "7", "status": "timeout", "reason": "No answer within 10 s."}
    ]
    (relayed,) = bench.relayed(gateway)
    bench.say(gateway, type="result", id=relayed["id"], status="applied")
    assert not bench.results(client)


def test_a_node_that_sleeps(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    client = bench.client()
    bench.command(client, id="7", timeout=60)
    (relayed,) = bench.relayed(gateway)
    for status in ("queued", "queued", "applied", "queued"):
        bench.say(gateway, type="result", id=relayed["id"], status=status)
    assert bench.results(client) == [("7", "queued"), ("7", "applied")]


def test_the_gateway_goes_away_meanwhile(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    client = bench.client()
    bench.command(client, id="7")
    bench.core.gateway_left(gateway)
    assert bench.results(client) == [("7", "failed")]
    bench.wait(20)
    assert not bench.results(client)


def test_the_client_goes_away_meanwhile(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    client, other = bench.client(), bench.client()
    bench.command(client, id="7")
    bench.command(other, id="8")
    bench.core.client_left(client)
    bench.wait(20)
    assert not bench.results(client)
    assert len(bench.core.dispatch.pending) == 0


def test_the_node_moves_meanwhile(bench: Bench) -> None:
    old, new = bench.gateway(), bench.gateway()
    bench.new(old)
    client = bench.client()
    bench.command(client, id="7")
    (relayed,) = bench.relayed(old)
    bench.new(new)
    bench.say(new, type="result", id=relayed["id"], status="failed")
    assert not bench.results(client), "who was not asked cannot answer"
    bench.say(old, type="result", id=relayed["id"], status="applied")
    assert bench.results(client) == [("7", "applied")]


def test_the_client_goes_away_while_it_is_being_told(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    client = bench.client()
    for number in range(3):
        bench.command(client, id=str(number))
    tell = bench.effects.tell

    def tell_and_lose(client: Client, wire: bytes, about: str = "") -> None:
        tell(client, wire, about)
        bench.core.client_left(client)

    bench.effects.tell = tell_and_lose  # type: ignore[method-assign]
    bench.core.gateway_left(gateway)
    assert bench.results(client) == [("0", "failed")]


def test_too_many_of_one_client(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    client = bench.client()
    for number in range(65):
        bench.command(client, id=str(number))
    assert bench.results(client) == [("64", "failed")]
    assert len(bench.relayed(gateway)) == 64


@pytest.mark.parametrize("features", [OURS, ORIGINAL])
def test_a_gateway_that_takes_no_more(bench: Bench, features: frozenset[Feature]) -> None:
    gateway = bench.gateway(features)
    bench.new(gateway)
    client = bench.client()
    bench.effects.full = True
    bench.command(client, id="7")
    assert bench.results(client) == [("7", "failed")]
    assert len(bench.core.dispatch.pending) == 0
    with pytest.raises(QueueFull):
        bench.command(client)


def test_a_reason_is_cut_to_what_the_wire_takes(bench: Bench) -> None:
    client = bench.client()
    bench.core.refuse(client, CommandFailed("x" * 1000), "7")
    assert len(bench.told(client)[0]["reason"]) == MAX_REASON


def test_the_original_gets_only_what_it_knows(bench: Bench) -> None:
    gateway = bench.gateway(ORIGINAL)
    bench.new(gateway)
    client = bench.client()
    expected = {
        "type": "update",
        "data": {"uid": "n", "endpoint": "led", "payload": "1"},
        "src": client.id,
    }
    bench.command(client, payload=1)
    bench.command(client, payload=True, id="7", timeout=3)
    assert bench.relayed(gateway) == [expected, expected]


def test_its_next_report_is_the_result(bench: Bench) -> None:
    gateway = bench.gateway(ORIGINAL)
    bench.new(gateway)
    client = bench.client()
    bench.command(client, id="7")
    bench.value(gateway, "25°C", endpoint="temperature")
    assert not bench.results(client)
    bench.value(gateway, "1")
    assert bench.results(client) == [("7", "applied")]
    bench.value(gateway, "1")
    assert not bench.results(client)


def test_another_value_confirms_nothing(bench: Bench) -> None:
    gateway = bench.gateway(ORIGINAL)
    bench.new(gateway)
    client = bench.client()
    bench.command(client, id="7")
    bench.value(gateway, "0")
    assert not bench.results(client)
    bench.wait(10)
    assert bench.told(client) == [
        {"type": "result", "id": "7", "status": "failed", "reason": "The node says it is '0'."}
    ]


def test_the_newest_of_several_confirms_those_before_it(bench: Bench) -> None:
    gateway = bench.gateway(ORIGINAL)
    bench.new(gateway)
    client = bench.client()
    for number, payload in enumerate(("0", "1", "0", "2")):
        bench.command(client, id=str(number), payload=payload)
    bench.value(gateway, True)
    assert bench.results(client) == [("0", "applied"), ("1", "applied")]
    bench.value(gateway, "2")
    assert bench.results(client) == [("2", "applied"), ("3", "applied")]


def test_no_report_is_a_timeout(bench: Bench) -> None:
    gateway = bench.gateway(ORIGINAL)
    bench.new(gateway)
    client = bench.client()
    bench.command(client, id="7", timeout=3)
    bench.wait(3)
    bench.value(gateway, "1")
    assert bench.results(client) == [("7", "timeout")]


def test_our_gateway_is_not_taken_at_its_reports(bench: Bench) -> None:
    gateway = bench.gateway()
    bench.new(gateway)
    client = bench.client()
    bench.command(client, id="7")
    bench.value(gateway, "1")
    assert not bench.results(client)


@pytest.mark.parametrize(
    ("protocol", "passes"), [("CoAP", False), ("CoAPs", False), ("MQTT", True), (None, True)]
)
def test_what_would_end_the_originals_coap_gateway_is_not_sent(
    bench: Bench, protocol: str | None, passes: bool
) -> None:
    gateway = bench.gateway(ORIGINAL)
    bench.new(gateway)
    if protocol is not None:
        bench.value(gateway, protocol, endpoint="protocol")
    client = bench.client()
    bench.command(client, payload="é", id="7")
    assert bool(bench.relayed(gateway)) == passes
    assert bench.results(client) == ([] if passes else [("7", "failed")])
