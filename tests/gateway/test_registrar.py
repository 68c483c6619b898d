# SPDX-License-Identifier: BSD-3-Clause
"""Who may be which node: every policy, every kind of token, and lists that come in parts."""

import base64
import itertools
import json
from typing import Any

import pytest

from pyaiot.accounts.tokens import Claims, Signer, Use
from pyaiot.errors import LimitExceeded
from pyaiot.gateway import registrar as module
from pyaiot.gateway.adapter import Refusal
from pyaiot.gateway.registrar import (
    BOUND,
    INVALID_TOKEN,
    MAX_PENDING,
    NEEDS_TOKEN,
    NOT_APPROVED,
    NOT_READY,
    PENDING_AGAIN,
    REVOKED,
    UNKNOWN_TOKEN,
    Admission,
    Policy,
    Registrar,
)
from pyaiot.messages.types import MAX_TOKEN, Device, Devices
from pyaiot.model.access import Role
from tests.link.scripted import new_ring

RING = new_ring()
SIGNER = Signer(RING)


def token(uid: str = "lamp", ident: str = "t1", signer: Signer = SIGNER) -> str:
    return signer.make(Claims(Use.DEVICE, uid, ident, 1e9))


def whole(*devices: Device, part: int = 0, last: bool = True) -> Devices:
    return Devices(devices, part, last, whole=True)


def made(policy: Policy = Policy.OPEN, *devices: Device) -> Registrar:
    registrar = Registrar(policy, SIGNER)
    registrar.take(whole(*devices))
    return registrar


LAMP = Device("lamp", ("t1",), bound=True)


class TestPolicies:
    @pytest.mark.parametrize("policy", Policy)
    def test_a_token_lets_its_node_in(self, policy: Policy) -> None:
        registrar = made(policy, LAMP)
        assert registrar.judge("whatever", token()) == Admission("lamp", "t1")

    @pytest.mark.parametrize("policy", Policy)
    def test_nobody_else_is_a_bound_node(self, policy: Policy) -> None:
        assert made(policy, LAMP).judge("lamp", "") is BOUND

    @pytest.mark.parametrize("policy", Policy)
    def test_a_bound_node_stays_so_without_tokens(self, policy: Policy) -> None:
        assert made(policy, Device("lamp", (), bound=True)).judge("lamp", "") is BOUND

    def test_open(self) -> None:
        assert made(Policy.OPEN, LAMP).judge("other", "") == Admission("other")
        assert made(Policy.OPEN).judge("", "") == Admission("")

    def test_token(self) -> None:
        assert made(Policy.TOKEN, Device("other", approved=True)).judge("other", "") is NEEDS_TOKEN
        assert made(Policy.TOKEN).judge("", "") is NEEDS_TOKEN

    def test_approve(self) -> None:
        registrar = made(Policy.APPROVE, Device("a", approved=True), Device("b"))
        assert registrar.judge("a", "") == Admission("a")
        assert registrar.judge("b", "") is NOT_APPROVED
        assert registrar.judge("c", "") is NOT_APPROVED
        assert registrar.judge("", "") == Admission("")

    @pytest.mark.parametrize("policy", Policy)
    def test_before_the_lists_came(self, policy: Policy) -> None:
        registrar = Registrar(policy, SIGNER)
        assert registrar.judge("x", token()) is NOT_READY
        expected = Admission("x") if policy is Policy.OPEN else NOT_READY
        assert registrar.judge("x", "") == expected
        assert registrar.judge("x", "nonsense") is INVALID_TOKEN


class TestTokens:
    def test_revoked_at_once(self) -> None:
        registrar = made(Policy.OPEN, Device("lamp", ("t1", "t2"), bound=True))
        assert registrar.judge("", token()) == Admission("lamp", "t1")
        registrar.take(Devices((Device("lamp", ("t2",), bound=True),)))
        assert registrar.judge("", token()) is REVOKED
        assert registrar.standing(Admission("lamp", "t1")) is REVOKED
        assert registrar.judge("", token(ident="t2")) == Admission("lamp", "t2")

    def test_of_a_node_that_nobody_knows(self) -> None:
        assert made().judge("", token()) is UNKNOWN_TOKEN
        registrar = made(Policy.OPEN, LAMP)
        registrar.take(Devices((Device("lamp", gone=True),)))
        assert registrar.judge("", token()) is UNKNOWN_TOKEN
        assert registrar.judge("lamp", "") == Admission("lamp")

    def test_of_another_node_makes_one_that_node(self) -> None:
        registrar = made(Policy.OPEN, LAMP, Device("desk", ("t2",), bound=True))
        assert registrar.judge("lamp", token("desk", "t2")) == Admission("desk", "t2")

    def test_id_of_another_nodes_token(self) -> None:
        registrar = made(Policy.OPEN, LAMP, Device("desk", ("t2",), bound=True))
        assert registrar.judge("", token("desk", "t1")) is REVOKED

    @pytest.mark.parametrize(
        "bad",
        [
            token(signer=Signer(new_ring())),
            SIGNER.make(Claims(Use.ACCESS, "lamp", "t1", 1e9, 9e9, Role.ADMIN, "n", "s")),
            SIGNER.make(Claims(Use.TICKET, "lamp", "t1", 1e9, 9e9, Role.ADMIN, "n", "s")),
            SIGNER.make(Claims(Use.REFRESH, "lamp", "t1", 1e9, 9e9, sid="s")),
            token()[:-1],
            token()[:20] + "A" + token()[21:],
            token() + "=",
            " " + token(),
            "x" * (MAX_TOKEN + 1),
            "é.é.é",
            "..",
        ],
    )
    def test_bad(self, bad: str) -> None:
        registrar = made(Policy.OPEN, LAMP)
        assert registrar.judge("lamp", bad) is INVALID_TOKEN

    def test_without_a_signature(self) -> None:
        head, body, _ = token().split(".")
        none = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
        registrar = made(Policy.OPEN, LAMP)
        assert registrar.judge("", f"{none}.{body}.") is INVALID_TOKEN
        assert registrar.judge("", f"{head}.{body}.") is INVALID_TOKEN

    def test_without_a_signer(self) -> None:
        assert Registrar().judge("", token()) is INVALID_TOKEN

    def test_is_checked_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        checks: list[str] = []
        genuine = Signer.check

        def check(self: Signer, shown: str, *more: Any) -> Claims:
            checks.append(shown)
            return genuine(self, shown, *more)

        monkeypatch.setattr(Signer, "check", check)
        registrar = made(Policy.OPEN, LAMP)
        for _ in range(5):
            registrar.judge("", token())
        assert len(checks) == 1
        registrar.judge("", token() + "x")
        registrar.judge("", token() + "x")
        assert len(checks) == 3

    def test_those_checked_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_CHECKED", 2)
        registrar = made(Policy.OPEN, LAMP)
        for number in range(5):
            registrar.judge("", token(ident=f"t{number}"))
        assert len(registrar._checked) == 2
        for number in range(50):
            registrar.judge("", f"{number}")
        assert len(registrar._checked) == 2

    def test_refusals_say_nothing_of_the_token(self) -> None:
        registrar = made(Policy.OPEN, LAMP)
        for shown in (token("other"), token(ident="t9"), token() + "x"):
            refusal = registrar.judge("", shown)
            assert isinstance(refusal, Refusal)
            assert shown not in f"{refusal} {refusal!r}"
            assert str(refusal).startswith(f"{refusal.code}: ")


class TestLists:
    def test_in_parts_replace_once_the_last_came(self) -> None:
        registrar = made(Policy.OPEN, LAMP)
        assert not registrar.take(whole(Device("a", bound=True), last=False))
        assert registrar.judge("lamp", "") is BOUND
        assert registrar.judge("a", "") == Admission("a")
        changed = registrar.take(whole(Device("b", bound=True), part=1))
        assert set(changed) == {"lamp", "a", "b"}
        assert registrar.judge("lamp", "") == Admission("lamp")
        assert registrar.judge("a", "") is BOUND

    def test_changes_between_parts_hold(self) -> None:
        registrar = made(Policy.OPEN, LAMP)
        registrar.take(whole(Device("a"), last=False))
        registrar.take(Devices((Device("a", bound=True), Device("lamp", gone=True))))
        assert registrar.judge("a", "") is BOUND
        registrar.take(whole(part=1))
        assert registrar.judge("a", "") is BOUND
        assert registrar.judge("lamp", "") == Admission("lamp")

    def test_a_change_that_came_before_the_part_that_knows_of_it(self) -> None:
        registrar = made()
        registrar.take(whole(last=False))
        registrar.take(Devices((Device("a"),)))
        registrar.take(whole(Device("a", bound=True), part=1))
        assert registrar.judge("a", "") is BOUND

    def test_a_part_that_is_missing_voids_the_others(self) -> None:
        registrar = Registrar(Policy.APPROVE, SIGNER)
        registrar.take(whole(Device("a", approved=True), last=False))
        assert not registrar.take(whole(part=2))
        assert not registrar.ready
        registrar.take(whole(part=1))
        assert not registrar.ready
        registrar.take(whole(Device("a", approved=True), last=False))
        registrar.joined()
        assert not registrar.take(whole(part=1))
        assert not registrar.ready
        registrar.take(whole(Device("a", approved=True)))
        assert registrar.judge("a", "") == Admission("a")

    def test_where_nobody_knows_there_is_nothing_to_wait_for(self) -> None:
        registrar = Registrar(Policy.OPEN, SIGNER)
        settled = [registrar.settled]
        registrar.take(Devices(()))
        settled.append(registrar.settled)
        assert not registrar.ready
        assert registrar.judge("", token()) is NOT_READY
        registrar.joined()
        settled.append(registrar.settled)
        registrar.take(Devices(()))
        registrar.take(Devices((LAMP,)))
        settled.append(registrar.settled)
        registrar.take(whole(LAMP, Device("other")))
        settled.append(registrar.settled)
        assert registrar.bound == {"lamp"}
        registrar.joined()
        settled.append(registrar.settled)
        assert settled == [False, True, False, False, True, True]

    def test_changes_alone_do_not_make_ready(self) -> None:
        registrar = Registrar(Policy.TOKEN, SIGNER)
        registrar.take(Devices((LAMP,)))
        assert registrar.judge("", token()) is NOT_READY

    def test_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_DEVICES", 2)
        registrar = made(Policy.OPEN, LAMP)
        with pytest.raises(LimitExceeded):
            registrar.take(whole(*(Device(str(number)) for number in range(3))))
        with pytest.raises(LimitExceeded):
            registrar.take(Devices((Device("a"), Device("b"))))
        assert registrar.judge("lamp", "") is BOUND
        assert registrar.take(Devices((Device("a"), Device("lamp"))))


class TestPending:
    def test_again_after_a_while(self) -> None:
        registrar = made(Policy.APPROVE)
        assert registrar.tells("a", 0)
        assert not registrar.tells("a", PENDING_AGAIN - 1)
        assert registrar.tells("b", 1)
        assert registrar.tells("a", PENDING_AGAIN)
        registrar.joined()
        assert registrar.tells("a", PENDING_AGAIN)

    def test_flood(self) -> None:
        registrar = made(Policy.APPROVE)
        told = sum(registrar.tells(f"n{number}", number / 1000) for number in range(10_000))
        assert told <= 100 + 10 * 10
        times = itertools.count(100, 0.2)
        for number in range(2 * MAX_PENDING):
            assert registrar.tells(f"m{number}", next(times))
        assert len(registrar._pending) == MAX_PENDING
