# SPDX-License-Identifier: BSD-3-Clause
"""Which nodes the owners of rules may see, as it was last read from the store."""

from collections.abc import Collection, Iterable
from typing import TypeVar

from pyaiot.accounts.permissions import HouseRules, Viewer, permissions_on
from pyaiot.messages.types import NodeAccess, Person
from pyaiot.model.access import EVERYTHING, Permission

T = TypeVar("T", Viewer, NodeAccess)


class Sightlines:
    """To the engine of alerts it is the `Sight`. An account that is not there sees nothing."""

    def __init__(self, rules: HouseRules) -> None:
        self._rules = rules
        # What of all nodes is everybody's, whatever strangers may do at this page or that.
        self._common = HouseRules(EVERYTHING, rules.unclaimed)
        self._viewers: dict[str, Viewer] = {}
        self._nodes: dict[str, NodeAccess] = {}

    def sees(self, owner: str | None, uid: str) -> bool:
        """Whether this account may see the node; rules of nobody see what is everybody's."""
        if owner is None:
            common = permissions_on(self._nodes.get(uid), Viewer.anonymous(), self._common)
            return Permission.VIEW in common
        viewer = self._viewers.get(owner)
        if viewer is None:
            return False
        return Permission.VIEW in permissions_on(self._nodes.get(uid), viewer, self._rules)

    def name(self, uid: str) -> str:
        """What people call the node; empty where they call it nothing."""
        node = self._nodes.get(uid)
        return "" if node is None else node.name

    def take(
        self, people: Iterable[Person], nodes: Iterable[NodeAccess], owners: Iterable[str | None]
    ) -> set[str] | None:
        """Hold this instead of all that was known; returns what `update` does."""
        return self.update([*self._viewers], people, [*self._nodes], nodes, owners)

    def update(
        self,
        ids: Collection[str],
        people: Iterable[Person],
        uids: Collection[str],
        nodes: Iterable[NodeAccess],
        owners: Iterable[str | None],
    ) -> set[str] | None:
        """Hold this of the accounts `ids` and the nodes `uids`; who is not there is gone.

        Returns the nodes of which something is another; None: perhaps all, since one of `owners`
        is gone, is new, or has another role.
        """
        viewers = {each.id: Viewer.account(each.id, each.role) for each in people if not each.gone}
        access = {each.uid: each for each in nodes}
        others = _replace(self._viewers, viewers, ids)
        changed = _replace(self._nodes, access, uids)
        return changed if others.isdisjoint(owners) else None


def _replace(held: dict[str, T], new: dict[str, T], read: Collection[str]) -> set[str]:
    """Hold `new`, which is all there is of those that were read; the keys of what is another."""
    changed = {key for key in {*read, *new} if held.get(key) != new.get(key)}
    for key in changed:
        if key in new:
            held[key] = new[key]
        else:
            del held[key]
    return changed
