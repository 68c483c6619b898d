# SPDX-License-Identifier: BSD-3-Clause
"""Which nodes the owners of rules may see, as it was last read from the store."""

from collections.abc import Iterable

from pyaiot.accounts.permissions import HouseRules, Viewer, permissions_on
from pyaiot.messages.types import NodeAccess, Person
from pyaiot.model.access import Permission


class Sightlines:
    """To the engine of alerts it is the `Sight`. An account that is not there sees nothing."""

    def __init__(self, rules: HouseRules) -> None:
        self._rules = rules
        self._viewers: dict[str, Viewer] = {}
        self._nodes: dict[str, NodeAccess] = {}

    def sees(self, owner: str | None, uid: str) -> bool:
        """Whether this account may see the node; rules of nobody see all."""
        if owner is None:
            return True
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
        """Hold this instead of all that was known; the nodes of which something is another.

        None: perhaps all, since one of `owners` is gone, is new, or has another role.
        """
        viewers = {each.id: Viewer.account(each.id, each.role) for each in people if not each.gone}
        new = {each.uid: each for each in nodes}
        old, self._nodes = self._nodes, new
        before, self._viewers = self._viewers, viewers
        if any(before.get(each or "") != viewers.get(each or "") for each in owners):
            return None
        return {uid for uid in old.keys() | new.keys() if old.get(uid) != new.get(uid)}
