# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.errors import InvalidValue
from pyaiot.gateway.adapter import Address, Naming, Sighting
from pyaiot.gateway.announcer import Announcer
from pyaiot.gateway.doorway import Doorway
from pyaiot.gateway.effects import Note, Refuse, Send
from pyaiot.gateway.registrar import (
    INVALID_TOKEN,
    NEEDS_ID,
    NEEDS_TOKEN,
    NOT_APPROVED,
    Admission,
    Policy,
    Registrar,
)
from pyaiot.gateway.roster import Roster
from pyaiot.messages.types import Devices, Feature
from pyaiot.model.availability import Liveness
from pyaiot.model.moment import Moment
from pyaiot.model.node import derived_uid

HERE = Address("here")
NOW = Moment(1000.0, 5.0)


def doorway(policy: Policy = Policy.OPEN, *, hears: bool = True) -> Doorway:
    registrar = Registrar(policy)
    registrar.take(Devices(whole=True, part=0, last=True, devices=()))
    announcer = Announcer(Roster(Liveness(), 10))
    announcer.joined(frozenset({Feature.DEVICES} if hears else ()), NOW)
    return Doorway("attic", "CoAP", registrar, announcer)


def test_a_node_is_known_by_its_name_or_by_the_gateway_s_for_it() -> None:
    door = doorway()
    assert door.judge(Sighting("lamp", Naming.UNIQUE)) == Admission("lamp")
    local = derived_uid("attic", "CoAP", "lamp")
    assert door.judge(Sighting("lamp", Naming.LOCAL)) == Admission(local)
    assert door.objection(Sighting("lamp", Naming.LOCAL)) is None


def test_a_name_that_is_none_is_no_objection_yet() -> None:
    with pytest.raises(InvalidValue):
        doorway().judge(Sighting("", Naming.UNIQUE))
    assert doorway().objection(Sighting("", Naming.PASSING)) is None
    assert doorway(Policy.TOKEN).objection(Sighting("", Naming.PASSING)) is NEEDS_TOKEN


def test_a_token_that_does_not_hold() -> None:
    assert doorway().objection(Sighting("lamp", Naming.UNIQUE, token="x")) is INVALID_TOKEN


def test_who_is_refused_hears_so_and_the_log_not_always() -> None:
    door, lamp = doorway(Policy.TOKEN), Sighting("lamp", Naming.UNIQUE)
    kinds = [[type(each) for each in door.refused(HERE, lamp, NEEDS_TOKEN, NOW)] for _ in range(20)]
    assert kinds == [[Note, Refuse]] * 12 + [[Refuse]] * 8


def test_who_waits_for_approval_is_told_of_where_somebody_hears_it() -> None:
    lamp = Sighting("lamp", Naming.UNIQUE)
    door = doorway(Policy.APPROVE)
    (note, pending, refuse) = door.refused(HERE, lamp, NOT_APPROVED, NOW)
    assert isinstance(note, Note)
    assert isinstance(pending, Send)
    assert refuse == Refuse(NOT_APPROVED)
    # Not again at once, and not to nobody.
    assert len(list(door.refused(HERE, lamp, NOT_APPROVED, NOW))) == 2
    deaf = doorway(Policy.APPROVE, hears=False)
    assert len(list(deaf.refused(HERE, lamp, NOT_APPROVED, NOW))) == 2


def test_of_a_node_whose_name_is_another_each_time_nobody_can_approve() -> None:
    door, passing = doorway(Policy.APPROVE), Sighting("made-up", Naming.PASSING)
    assert door.judge(passing) is NEEDS_ID
    # It is told so in full: the reason of a closing websocket has 123 bytes.
    assert len(str(NEEDS_ID).encode()) <= 123
    (note, refuse) = door.refused(HERE, passing, NEEDS_ID, NOW)
    assert isinstance(note, Note)
    assert refuse == Refuse(NEEDS_ID)
    # Elsewhere its name is no matter.
    assert doorway(Policy.TOKEN).judge(passing) is NEEDS_TOKEN
    assert doorway().judge(passing) == Admission("made-up")
