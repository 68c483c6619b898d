# SPDX-License-Identifier: BSD-3-Clause
"""Every combination of who asks, and what is known of the node."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.accounts.permissions import (
    HouseRules,
    Viewer,
    at_best,
    is_unclaimed,
    permissions_on,
    seers,
    sees_alert,
)
from pyaiot.messages.types import NodeAccess
from pyaiot.model.access import EVERYTHING, LEVELS, NOTHING, Permission, Role

VIEW, CONTROL, SCRIPT = (LEVELS[each] for each in Permission)
SERVICE = Viewer.service()
ADMIN = Viewer.account("admin", Role.ADMIN)
ANN = Viewer.account("ann", Role.OPERATOR)
BOB = Viewer.account("bob", Role.OPERATOR)
EYE = Viewer.account("eye", Role.VIEWER)
STRANGER = Viewer.anonymous()
OPEN = HouseRules(EVERYTHING)
VIEWING = HouseRules(VIEW)
CLOSED = HouseRules(NOTHING)
ADMINS = HouseRules(EVERYTHING, "admins")

OWNED = NodeAccess("1", "ann")
SHARED = NodeAccess("1", "ann", shares={"bob": Permission.CONTROL, "eye": Permission.SCRIPT})
SHOWN = NodeAccess("1", "ann", public=Permission.VIEW)
SHOWN_AND_SHARED = NodeAccess(
    "1", "ann", public=Permission.CONTROL, shares={"bob": Permission.VIEW}
)
EYES = NodeAccess("1", "eye")
COMMON = NodeAccess("1", public=Permission.CONTROL)
NAMED_ONLY = NodeAccess("1", name="kitchen")
UNOWNED_SHARED = NodeAccess("1", shares={"bob": Permission.VIEW})
GONE = NodeAccess("1", "ann", public=Permission.VIEW, shares={"bob": Permission.VIEW}, gone=True)


@pytest.mark.parametrize("who", [SERVICE, ADMIN])
@pytest.mark.parametrize("rules", [OPEN, CLOSED, ADMINS])
@pytest.mark.parametrize("node", [None, OWNED, COMMON, NAMED_ONLY, GONE])
def test_services_and_admins_may_do_everything(
    who: Viewer, rules: HouseRules, node: NodeAccess | None
) -> None:
    assert permissions_on(node, who, rules) == EVERYTHING
    assert at_best(who, rules) == EVERYTHING
    assert sees_alert((), node, who, rules)


@pytest.mark.parametrize(
    ("node", "who", "rules", "expected"),
    [
        (OWNED, ANN, CLOSED, EVERYTHING),
        (OWNED, BOB, OPEN, NOTHING),
        (OWNED, EYE, OPEN, NOTHING),
        (OWNED, STRANGER, OPEN, NOTHING),
        (SHARED, ANN, CLOSED, EVERYTHING),
        (SHARED, BOB, CLOSED, CONTROL),
        (SHARED, EYE, CLOSED, VIEW),
        (SHARED, STRANGER, OPEN, NOTHING),
        (SHOWN, BOB, CLOSED, VIEW),
        (SHOWN, STRANGER, OPEN, VIEW),
        (SHOWN, STRANGER, CLOSED, NOTHING),
        (SHOWN_AND_SHARED, BOB, CLOSED, CONTROL),
        (SHOWN_AND_SHARED, EYE, CLOSED, VIEW),
        (SHOWN_AND_SHARED, STRANGER, VIEWING, VIEW),
        (EYES, EYE, CLOSED, VIEW),
        (COMMON, ANN, CLOSED, CONTROL),
        (COMMON, ANN, ADMINS, CONTROL),
        (COMMON, STRANGER, ADMINS, CONTROL),
    ],
)
def test_what_was_said_of_a_node_is_what_counts(
    node: NodeAccess, who: Viewer, rules: HouseRules, expected: frozenset[Permission]
) -> None:
    assert permissions_on(node, who, rules) == expected


@pytest.mark.parametrize("node", [None, NAMED_ONLY, UNOWNED_SHARED, GONE])
def test_an_unclaimed_node_is_everybodys_or_the_admins(node: NodeAccess | None) -> None:
    assert is_unclaimed(node)
    assert permissions_on(node, ANN, CLOSED) == EVERYTHING
    assert permissions_on(node, EYE, CLOSED) == VIEW
    assert permissions_on(node, STRANGER, OPEN) == EVERYTHING
    assert permissions_on(node, STRANGER, VIEWING) == VIEW
    assert permissions_on(node, STRANGER, CLOSED) == NOTHING
    assert permissions_on(node, ANN, ADMINS) == NOTHING
    assert permissions_on(node, EYE, ADMINS) == NOTHING
    assert permissions_on(node, STRANGER, ADMINS) == NOTHING


def test_an_unclaimed_node_can_be_shared_all_the_same() -> None:
    assert permissions_on(UNOWNED_SHARED, BOB, ADMINS) == VIEW


def test_a_node_that_is_gone_is_nobodys() -> None:
    assert permissions_on(GONE, BOB, ADMINS) == permissions_on(GONE, ANN, ADMINS) == NOTHING


def test_what_each_may_do_at_best() -> None:
    assert at_best(ANN, CLOSED) == EVERYTHING
    assert at_best(EYE, OPEN) == VIEW
    assert at_best(STRANGER, VIEWING) == VIEW
    assert at_best(STRANGER, CLOSED) == NOTHING


def test_an_alert_is_for_those_it_names() -> None:
    assert sees_alert(("ann",), SHOWN, ANN, OPEN)
    assert not sees_alert(("ann",), SHOWN, BOB, OPEN)
    assert not sees_alert((), SHOWN, ANN, OPEN)
    assert not sees_alert(("",), SHOWN, STRANGER, OPEN)
    # Whoever sent it may not have heard yet that they see the node no more.
    assert sees_alert(("bob",), SHARED, BOB, OPEN)
    assert not sees_alert(("bob",), OWNED, BOB, OPEN)
    assert not sees_alert(("ann",), None, ANN, ADMINS)


def test_an_alert_that_names_nobody_is_for_all_who_see_the_node() -> None:
    assert sees_alert(None, SHARED, BOB, OPEN)
    assert sees_alert(None, SHOWN, STRANGER, VIEWING)
    assert not sees_alert(None, SHOWN, STRANGER, CLOSED)
    assert not sees_alert(None, OWNED, BOB, OPEN)


def test_an_account_without_an_id_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="has an id"):
        Viewer.account("", Role.OPERATOR)


@given(
    node=st.none()
    | st.builds(
        NodeAccess,
        uid=st.just("1"),
        owner=st.sampled_from(["", "ann", "bob"]),
        public=st.none() | st.sampled_from(Permission),
        shares=st.dictionaries(
            st.sampled_from(["", "ann", "bob", "eye"]), st.sampled_from(Permission)
        ),
        gone=st.booleans(),
    ),
    who=st.sampled_from([SERVICE, ADMIN, ANN, BOB, EYE, STRANGER]),
    rules=st.sampled_from([OPEN, VIEWING, ADMINS]),
)
def test_seers_are_those_who_may_see(
    node: NodeAccess | None, who: Viewer, rules: HouseRules
) -> None:
    those = seers(node, rules)
    assert (Permission.VIEW in permissions_on(node, who, rules)) == (
        who.unlimited or those is None or who.id in those
    )
