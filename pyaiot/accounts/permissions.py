# SPDX-License-Identifier: BSD-3-Clause
"""Who may do what with a node: one answer, for the broker and for the REST API alike.

Who may not see a node is to be told the same as if there were none.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pyaiot.messages.types import NodeAccess
from pyaiot.model.access import EVERYTHING, LEVELS, NOTHING, Permission, Role

Unclaimed: TypeAlias = Literal["public", "admins"]
"""Whose the nodes are that nobody has claimed; the words of ``--unclaimed``."""

_VIEW = LEVELS[Permission.VIEW]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at nodes; made by `service`, `account` or `anonymous`."""

    id: str = ""
    """Of the account; empty for who has none."""
    role: Role | None = None
    """Of the account."""
    trusted: bool = False
    """A service that has proved itself with the key of all."""

    @classmethod
    def service(cls) -> "Viewer":
        """One who may do everything."""
        return cls(trusted=True)

    @classmethod
    def account(cls, id_: str, role: Role) -> "Viewer":
        """Somebody with an account. Raises ValueError where it has no id."""
        if not id_:
            raise ValueError("An account has an id.")
        return cls(id_, role)

    @classmethod
    def anonymous(cls) -> "Viewer":
        """A stranger."""
        return cls()

    @property
    def unlimited(self) -> bool:
        """Whether this one may do everything with every node."""
        return self.trusted or self.role is Role.ADMIN


@dataclass(frozen=True, slots=True)
class HouseRules:
    """What the operator said of all nodes and of strangers."""

    anonymous: frozenset[Permission] = NOTHING
    """What strangers may do at most."""
    unclaimed: Unclaimed = "public"


def permissions_on(
    node: NodeAccess | None, who: Viewer, rules: HouseRules
) -> frozenset[Permission]:
    """What `who` may do with a node; None: nobody said anything about it."""
    if who.unlimited:
        return EVERYTHING
    if who.role is None:
        return _common(node, rules) & rules.anonymous
    given = _common(node, rules)
    if node is not None and not node.gone:
        if node.owner == who.id:
            given = EVERYTHING
        shared = node.shares.get(who.id)
        if shared is not None:
            given |= LEVELS[shared]
    return given & _VIEW if who.role is Role.VIEWER else given


def seers(node: NodeAccess | None, rules: HouseRules) -> frozenset[str] | None:
    """The accounts that see a node, beside who may do everything; None: all who are let in.

    It is what `permissions_on` says, for all viewers at once.
    """
    if _common(node, rules):
        return None
    if node is None or node.gone:
        return frozenset()
    return frozenset({node.owner, *node.shares} - {""})


def at_best(who: Viewer, rules: HouseRules) -> frozenset[Permission]:
    """What `who` may do with the node of which they may do most."""
    if who.unlimited or who.role is Role.OPERATOR:
        return EVERYTHING
    return rules.anonymous if who.role is None else _VIEW


def is_unclaimed(node: NodeAccess | None) -> bool:
    """Whether nobody has said whose this node is."""
    return node is None or node.gone or (not node.owner and node.public is None)


def sees_alert(
    to: Collection[str] | None, node: NodeAccess | None, who: Viewer, rules: HouseRules
) -> bool:
    """Whether `who` is to see an alert about `node` that is meant for the accounts `to`.

    None: for all who see the node. Nobody else is told of it, whoever it was meant for.
    """
    if who.unlimited:
        return True
    if to is not None and not (who.id and who.id in to):
        return False
    return Permission.VIEW in permissions_on(node, who, rules)


def _common(node: NodeAccess | None, rules: HouseRules) -> frozenset[Permission]:
    """What everybody may do with a node, but for who they are."""
    if is_unclaimed(node):
        return EVERYTHING if rules.unclaimed == "public" else NOTHING
    if node is None or node.public is None:
        return NOTHING
    return LEVELS[node.public]
