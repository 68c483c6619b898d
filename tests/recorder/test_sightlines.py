# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.accounts.permissions import HouseRules
from pyaiot.messages.types import NodeAccess, Person
from pyaiot.model.access import Permission, Role
from pyaiot.recorder.sightlines import Sightlines

ANN, BOB, ROOT = (
    Person("ann", Role.OPERATOR),
    Person("bob", Role.VIEWER),
    Person("root", Role.ADMIN),
)
LAMP = NodeAccess("lamp", "ann", "Lamp")


def test_who_sees_what() -> None:
    sight = Sightlines(HouseRules(unclaimed="public"))
    assert (sight.sees(None, "lamp"), sight.sees("ann", "lamp")) == (True, False)
    public = NodeAccess("bell", "ann", "Bell", Permission.VIEW)
    sight.take([ANN, BOB, ROOT], [LAMP, public], [])
    # Rules of nobody are about what is everybody's.
    assert [sight.sees(None, uid) for uid in ("lamp", "bell", "other")] == [False, True, True]
    assert [sight.sees(who, "lamp") for who in ("ann", "bob", "root", "eve")] == [
        True, False, True, False,
    ]  # fmt: skip
    assert (sight.name("lamp"), sight.name("other")) == ("Lamp", "")
    assert sight.sees("bob", "other")
    closed = Sightlines(HouseRules(unclaimed="admins"))
    closed.take([BOB, ROOT], [], [])
    assert (closed.sees("bob", "other"), closed.sees("root", "other")) == (False, True)
    assert not closed.sees(None, "other")


def test_what_is_other_than_before() -> None:
    sight = Sightlines(HouseRules())
    assert sight.take([ANN, BOB], [LAMP], []) == {"lamp"}
    assert sight.take([ANN, BOB], [LAMP], ["ann"]) == set()
    shared = NodeAccess("lamp", "ann", "Lamp", shares={"bob": Permission.VIEW})
    assert sight.take([ANN, BOB], [shared, NodeAccess("new")], ["ann"]) == {"lamp", "new"}
    assert sight.sees("bob", "lamp")
    # Of people, only those who have rules.
    assert sight.take([ANN], [shared], ["ann", None]) == {"new"}
    assert sight.take([Person("ann", Role.ADMIN)], [shared], ["ann"]) is None
    assert sight.take([], [shared], ["ann"]) is None


def test_some_are_read_again() -> None:
    sight = Sightlines(HouseRules())
    sight.take([ANN, BOB], [LAMP, NodeAccess("desk", "bob")], [])
    assert sight.update((), [], {"desk"}, [NodeAccess("desk", "ann", "Desk")], ["ann"]) == {"desk"}
    assert (sight.sees("ann", "lamp"), sight.sees("ann", "desk")) == (True, True)
    assert sight.name("desk") == "Desk"
    # Nobody says anything of it any more: it is nobody's.
    assert sight.update((), [], {"desk", "other"}, [], ["ann"]) == {"desk"}
    assert (sight.name("desk"), sight.sees("bob", "desk")) == ("", True)
    assert sight.update({"bob"}, [Person("bob", Role.OPERATOR)], (), [], ["ann"]) == set()
    assert sight.update({"ann", "new"}, [], (), [], ["ann"]) is None
    assert (sight.sees("ann", "lamp"), sight.sees("bob", "desk")) == (False, True)
