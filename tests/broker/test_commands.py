# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.broker.commands import Ledger, Pending
from pyaiot.broker.peers import Client, Gateway
from pyaiot.errors import QueueFull
from pyaiot.messages.types import Feature, Target
from pyaiot.model.access import Permission

ANSWERS = Gateway("g1", "g1", frozenset({Feature.RESULT}))
SILENT = Gateway("g2", "g2")


def client(name: str = "c") -> Client:
    return Client(name, frozenset(Permission))


def opened(
    ledger: Ledger,
    who: Client,
    gateway: Gateway = ANSWERS,
    *,
    payload: str = "1",
    timeout: float = 10.0,
) -> Pending:
    ledger.check(who)
    target = Target("n", "led", payload)
    return ledger.open(who, "id", gateway, target, timeout=timeout, now=0.0)


def test_ids_of_its_own() -> None:
    ledger = Ledger(10, 10)
    one, two = (opened(ledger, client()) for _ in range(2))
    assert one.id != two.id
    assert one.asked == two.asked == "id"
    assert ledger.find(one.id, ANSWERS) is one
    assert len(ledger) == 2


def test_only_the_gateway_that_was_asked_can_answer() -> None:
    ledger = Ledger(10, 10)
    pending = opened(ledger, client())
    assert ledger.find(pending.id, SILENT) is None
    assert ledger.find("no such id", ANSWERS) is None


def test_a_client_has_only_so_many() -> None:
    ledger = Ledger(2, 10)
    who = client()
    first = opened(ledger, who)
    opened(ledger, who)
    with pytest.raises(QueueFull, match="2 of your commands"):
        ledger.check(who)
    ledger.check(client("another"))
    ledger.close(first)
    ledger.check(who)


def test_so_have_all_together() -> None:
    ledger = Ledger(10, 2)
    opened(ledger, client("a"))
    opened(ledger, client("b"))
    with pytest.raises(QueueFull, match="Too many commands"):
        ledger.check(client("c"))


def test_deadlines() -> None:
    ledger = Ledger(10, 10)
    late, soon = (opened(ledger, client(), timeout=time) for time in (20.0, 5.0))
    assert ledger.next_deadline == 5.0
    assert ledger.overdue(4.9) == []
    assert ledger.overdue(5.0) == [soon]
    assert ledger.next_deadline == 20.0
    ledger.close(late)
    assert ledger.overdue(30.0) == []
    assert ledger.next_deadline is None


def test_long_patience_does_not_pile_up() -> None:
    ledger = Ledger(10, 10)
    who = client()
    for _ in range(1000):
        ledger.close(opened(ledger, who, timeout=3600.0))
    assert len(ledger._deadlines) <= 66
    assert not ledger._of_client
    kept = opened(ledger, who, timeout=3600.0)
    assert ledger.overdue(3600.0) == [kept]


def test_what_was_sent_to_a_gateway_that_does_not_answer() -> None:
    ledger = Ledger(10, 10)
    zero, one = (opened(ledger, client(), SILENT, payload=value) for value in "01")
    assert ledger.silent(SILENT, "n", "led") == [zero, one]
    assert ledger.silent(SILENT, "n", "/led") == [zero, one], "with a slash, too"
    assert ledger.silent(SILENT, "n", "name") == []
    assert ledger.silent(ANSWERS, "n", "led") == []
    ledger.close(zero)
    assert ledger.silent(SILENT, "n", "led") == [one]
    ledger.close(one)
    assert ledger.silent(SILENT, "n", "led") == []
    assert not ledger._silent


def test_a_gateway_that_answers_is_not_watched() -> None:
    ledger = Ledger(10, 10)
    opened(ledger, client(), ANSWERS)
    assert ledger.silent(ANSWERS, "n", "led") == []


def test_a_command_leaves_once() -> None:
    ledger = Ledger(10, 10)
    pending = opened(ledger, client())
    assert ledger.close(pending)
    assert not ledger.close(pending)
    assert len(ledger) == 0


def test_picking() -> None:
    ledger = Ledger(10, 10)
    mine = client()
    pending = opened(ledger, mine)
    opened(ledger, client("other"))
    assert ledger.those(lambda each: each.client is mine) == [pending]
