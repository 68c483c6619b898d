# SPDX-License-Identifier: BSD-3-Clause
"""What the core makes of who may be a node: joining, waiting for approval, having to leave."""

from typing import Any

import pytest

from pyaiot.accounts.tokens import Claims, Signer, Use
from pyaiot.gateway.adapter import Address, Naming, Refusal, Sighting
from pyaiot.gateway.core import LISTS, GatewayCore
from pyaiot.gateway.effects import Begin, Disown, Expel, Note, Refuse
from pyaiot.gateway.registrar import (
    BOUND,
    INVALID_TOKEN,
    NEEDS_ID,
    NEEDS_TOKEN,
    NOT_APPROVED,
    REPLACED,
    REVOKED,
    Policy,
    Registrar,
)
from pyaiot.messages.types import AvailabilityChanged, Device, Devices, Feature, Out, Pending
from pyaiot.model.availability import Liveness
from pyaiot.model.node import Availability, derived_uid
from tests.gateway.driven import ALL, Driven
from tests.link.scripted import new_ring

SIGNER = Signer(new_ring())
GRANTED = ALL | {Feature.DEVICES}
LAMP = Device("lamp", ("t1",), bound=True)
TOKEN = SIGNER.make(Claims(Use.DEVICE, "lamp", "t1", 1e9))


class Guarded(Driven):
    """Driven, with a registrar."""

    def __init__(self, policy: Policy, *devices: Device, **more: Any) -> None:
        super().__init__(None)
        self.core = GatewayCore("attic", "Memory", Liveness(120), 100, Registrar(policy, SIGNER))
        self.core.joined(more.get("granted", GRANTED), self.now)
        self.whole(*devices)

    def whole(self, *devices: Device) -> None:
        self._did(self.core.received(Devices(devices, whole=True), self.now))

    def change(self, *devices: Device) -> None:
        self._did(self.core.received(Devices(devices), self.now))

    def come(
        self,
        name: str = "lamp",
        *,
        token: str = "",
        at: str = "here",
        naming: Naming = Naming.UNIQUE,
    ) -> Refusal | None:
        """What a node is told that is seen."""
        sighting = Sighting(name, naming, token=token)
        objection = self.core.objection(sighting)
        self._did(self.core.seen(Address(at), sighting, self.now))
        refused = self.of(Refuse)
        assert not refused or self.effects[-1] is refused[0]
        told = refused[0].refusal if refused else None
        assert objection == told
        return told

    @property
    def nodes(self) -> dict[str, str]:
        roster = self.core._roster
        return {uid: _availability(roster.get(uid)) for uid in roster.uids()}

    @property
    def pending(self) -> list[Pending]:
        return [each for each in self.sent if isinstance(each, Pending)]

    @property
    def expelled(self) -> list[tuple[str, Refusal]]:
        return [(each.address, each.refusal) for each in self.of(Expel)]


def _availability(node: Any) -> str:
    found: Availability = node.twin.availability
    return found.value


class TestTokens:
    @pytest.mark.parametrize("naming", Naming)
    def test_say_which_node_it_is(self, naming: Naming) -> None:
        core = Guarded(Policy.TOKEN, LAMP)
        assert core.come("4711", token=TOKEN, naming=naming) is None
        assert core.nodes == {"lamp": "online"}
        core.report("led", "1", "here")
        assert core.wire[0] == "update lamp led 1"
        core.lost("here")
        assert core.nodes == {"lamp": "offline"}

    def test_whatever_the_name_is_worth(self) -> None:
        core = Guarded(Policy.OPEN, LAMP)
        assert core.come("\0", token=TOKEN) is None
        assert core.nodes == {"lamp": "online"}

    @pytest.mark.parametrize("policy", Policy)
    def test_spoofed_uid(self, policy: Policy) -> None:
        core = Guarded(policy, LAMP)
        core.come(token=TOKEN)
        assert core.come(at="there") is BOUND
        core.report("led", "0", "there")
        assert not core.sent
        assert core.core.dropped["refused"] == core.core.dropped["stranger"] == 1
        core.report("led", "1", "here")
        assert core.wire == ["update lamp led 1"]

    def test_spoofed_from_the_very_same_place(self) -> None:
        core = Guarded(Policy.OPEN, LAMP)
        core.come(token=TOKEN)
        assert core.come() is BOUND
        core.report("led", "1", "here")
        assert core.wire == ["update lamp led 1"]

    def test_derived_uid(self) -> None:
        uid = derived_uid("attic", "Memory", "4711")
        core = Guarded(Policy.OPEN, Device(uid, ("t1",), bound=True))
        assert core.come("4711", naming=Naming.LOCAL) is BOUND

    def test_newer_connection_takes_its_place(self) -> None:
        core = Guarded(Policy.TOKEN, LAMP)
        core.come(token=TOKEN)
        core.come(token=TOKEN, at="there")
        assert core.expelled == [("here", REPLACED)]
        core.lost("here")
        assert core.nodes == {"lamp": "online"}
        core.come(token=TOKEN, at="there")
        assert not core.expelled

    def test_open_nodes_move_as_they_like(self) -> None:
        core = Guarded(Policy.OPEN)
        core.come("free")
        core.come("free", at="there")
        assert not core.expelled

    def test_bad_ones_log_little(self) -> None:
        core = Guarded(Policy.OPEN, LAMP)
        for number in range(1000):
            assert core.come(token=f"bad{number}", at=f"a{number}") is INVALID_TOKEN
        notes = [each for each in core.all if "refused" in str(getattr(each, "text", ""))]
        assert len(notes) < 20
        assert "bad" not in str(notes)
        assert core.core.dropped["refused"] == 1000
        assert core.nodes == {}


class TestLeaving:
    def test_revoked(self) -> None:
        core = Guarded(Policy.OPEN, LAMP)
        core.come(token=TOKEN)
        core.discovered().command(uid="lamp")
        core.change(Device("lamp", (), bound=True))
        assert core.expelled == [("here", REVOKED)]
        assert core.nodes == {"lamp": "offline"}
        assert core.results == [("c1", "failed")]
        core.report("led", "1", "here")
        assert not core.sent
        assert core.come(token=TOKEN) is REVOKED
        core.change(LAMP)
        assert core.come(token=TOKEN) is None
        assert core.nodes == {"lamp": "online"}

    def test_a_node_that_is_away_need_not_leave(self) -> None:
        core = Guarded(Policy.OPEN, LAMP)
        core.come(token=TOKEN)
        core.lost("here")
        core.change(Device("lamp", (), bound=True))
        assert core.effects == []

    def test_who_is_no_more_listed(self) -> None:
        core = Guarded(Policy.APPROVE, Device("a", approved=True), LAMP)
        core.come("a", at="at-a")
        core.come(token=TOKEN)
        core.whole(Device("b"))
        assert {at for at, _ in core.expelled} == {"at-a", "here"}
        assert core.nodes == {}

    def test_of_a_forgotten_node_nothing_remains(self) -> None:
        """Or a broker that comes would be told of it, as of one that is nobody's."""
        core = Guarded(Policy.OPEN, LAMP)
        core.come(token=TOKEN)
        core.change(Device("lamp", (), bound=True))
        assert core.nodes == {"lamp": "offline"}
        core.change(Device("lamp", gone=True))
        assert core.wire == ["out lamp"]
        assert core.nodes == {}

    def test_who_may_be_there_all_the_same_begins_anew(self) -> None:
        core = Guarded(Policy.OPEN)
        for name in ("lamp", "desk"):
            core.come(name, at=f"at-{name}")
            core.report("led", "1", f"at-{name}")
        core.lost("at-desk")
        core.change(Device("lamp", gone=True), Device("desk", gone=True), Device("x", gone=True))
        assert core.wire == [
            "new lamp online", "reset lamp", "update lamp protocol Memory", "out desk",
        ]  # fmt: skip
        assert core.nodes == {"lamp": "online"}
        assert core.expelled == []
        # A broker that comes is told nothing of what they said before.
        node = core.core._roster.get("lamp")
        assert node is not None
        assert set(node.twin.readings) == {"protocol"}
        core.report("led", "0", "at-lamp")
        assert core.wire == ["update lamp led 0"]

    def test_bound_from_now_on(self) -> None:
        core = Guarded(Policy.OPEN)
        core.come("lamp")
        core.come("other", at="there")
        core.change(LAMP)
        assert core.expelled == [("here", BOUND)]

    def test_of_a_passing_node_nothing_remains(self) -> None:
        core = Guarded(Policy.OPEN)
        core.come("lamp", naming=Naming.PASSING)
        core.change(LAMP)
        assert core.wire == ["out lamp"]
        assert core.nodes == {}

    def test_a_list_that_is_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pyaiot.gateway.registrar.MAX_DEVICES", 1)
        core = Guarded(Policy.OPEN, LAMP)
        core.whole(LAMP, Device("a"))
        assert "cannot be used" in core.notes[0]
        assert core.come() is BOUND


class TestApproval:
    def test_waiting(self) -> None:
        core = Guarded(Policy.APPROVE)
        assert core.come("4711", naming=Naming.LOCAL) is NOT_APPROVED
        uid = derived_uid("attic", "Memory", "4711")
        told = Pending(uid, "Memory", "here", core.now.wall, "4711")
        assert core.pending == [told]
        core.report("led", "1", "here")
        assert not core.sent
        core.wait(59)
        core.come("4711", naming=Naming.LOCAL)
        assert not core.pending
        core.wait(1)
        core.come("4711", naming=Naming.LOCAL)
        assert len(core.pending) == 1
        core.change(Device(uid, approved=True))
        assert core.come("4711", naming=Naming.LOCAL) is None
        assert core.nodes == {uid: "online"}

    def test_uid_is_not_told_twice(self) -> None:
        core = Guarded(Policy.APPROVE)
        core.come("4711")
        assert core.pending[0].name == ""

    def test_nobody_can_approve_of_a_made_up_name(self) -> None:
        core = Guarded(Policy.APPROVE)
        assert core.come(naming=Naming.PASSING) is NEEDS_ID
        assert not core.pending

    def test_nobody_there_to_approve(self) -> None:
        core = Guarded(Policy.APPROVE, granted=ALL)
        core.come("4711")
        assert not core.pending
        core.core.left(())
        core.come("4711")
        assert not core.pending
        core.core.joined(GRANTED, core.now)
        core.come("4711")
        assert len(core.pending) == 1

    def test_flood(self) -> None:
        core = Guarded(Policy.APPROVE)
        for number in range(2000):
            assert core.come(f"n{number}", at=f"a{number}") is NOT_APPROVED
        told = [each for each in core.all if isinstance(getattr(each, "message", None), Pending)]
        assert len(told) == 100

    def test_a_name_that_cannot_be(self) -> None:
        core = Guarded(Policy.APPROVE)
        assert core.come("\0") is None
        assert core.nodes == {}

    def test_under_token_nobody_waits(self) -> None:
        core = Guarded(Policy.TOKEN)
        assert core.come("4711") is NEEDS_TOKEN
        assert not core.pending


class TestBeforeTheListsCame:
    """An open gateway lets everybody in at once, and tells nobody before it knows who they are."""

    def made(self, granted: frozenset[Feature] | None = GRANTED) -> Guarded:
        core = Guarded(Policy.OPEN, granted=ALL)
        core.core = GatewayCore(
            "attic", "Memory", Liveness(120), 100, Registrar(Policy.OPEN, SIGNER)
        )
        core.effects.clear()
        core.all.clear()
        if granted is not None:
            core._did(core.core.joined(granted, core.now))
        return core

    def test_nobody_is_a_bound_node_for_a_moment(self) -> None:
        core = self.made(None)
        assert core.come("lamp", at="evil") is None
        core.report("led", "1", "evil")
        core._did(core.core.joined(GRANTED, core.now))
        assert core.of(Begin) == []
        assert core.come("desk", at="there") is None
        core.report("led", "1", "evil")
        core.whole(LAMP)
        assert core.expelled == [("evil", BOUND)]
        # Dropped before anything is told.
        kinds = [type(each) for each in core.effects if isinstance(each, Disown | Begin)]
        assert kinds == [Disown, Begin]
        assert core.last(Disown) == Disown(frozenset({"lamp"}))
        assert core.last(Begin) == Begin(until_stored=False)
        assert core.nodes == {"desk": "online"}
        assert not any(isinstance(each, Out | AvailabilityChanged) for each in core.sent)
        assert core.come("lamp", at="evil") is BOUND
        assert core.come(token=TOKEN) is None
        # A later list tells of nodes that were who they said.
        core.change(Device("desk", bound=True))
        assert core.nodes == {"lamp": "online", "desk": "offline"}
        assert core.of(Disown) == []

    def test_one_that_is_away_again_is_nobody_either(self) -> None:
        core = self.made()
        core.come("lamp", at="evil")
        core.report("led", "1", "evil")
        core.lost("evil")
        core.whole(LAMP)
        assert core.expelled == []
        assert core.nodes == {}
        assert core.last(Disown) == Disown(frozenset({"lamp"}))

    def test_where_nobody_knows_nobody_waits(self) -> None:
        core = self.made()
        core.change()
        assert core.of(Begin) == [Begin(until_stored=False)]
        core.change()
        assert core.of(Begin) == []

    @pytest.mark.parametrize("granted", [ALL, frozenset[Feature]()])
    def test_a_broker_that_tells_of_no_devices_is_told_at_once(
        self, granted: frozenset[Feature]
    ) -> None:
        assert self.made(granted).of(Begin) == [Begin(until_stored=False)]

    def test_nobody_waits_for_long(self) -> None:
        core = self.made(GRANTED | {Feature.STORED})
        core.come("lamp", at="evil")
        core.wait(LISTS - 0.1)
        assert not [each for each in core.all if isinstance(each, Begin)]
        core.wait(0.2)
        assert [each for each in core.all if isinstance(each, Begin)] == [Begin(until_stored=True)]
        assert "token" in core.last(Note).text
        core.come("other", at="there")
        core.whole(LAMP, Device("other"))
        # It had been told of this one.
        assert [type(each) for each in core.sent] == [Out]
        assert core.of(Begin) == []
        assert core.nodes == {"other": "online"}

    def test_a_broker_that_leaves_and_one_that_comes_again(self) -> None:
        core = self.made()
        core.core.left(())
        core.wait(LISTS + 1)
        assert not [each for each in core.all if isinstance(each, Begin)]
        core._did(core.core.joined(GRANTED, core.now))
        core.whole()
        assert len(core.of(Begin)) == 1
        assert core.of(Disown) == []
        core.core.left(())
        # It is known now.
        core._did(core.core.joined(GRANTED, core.now))
        assert len(core.of(Begin)) == 1
