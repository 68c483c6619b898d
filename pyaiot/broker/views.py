# SPDX-License-Identifier: BSD-3-Clause
"""Who sees which node, and which clients can share what they are sent.

Clients share as long as they see the same: where no node is somebody's, all of them do. Somebody
with an account gets what nobody else gets only once there is a node that not everybody sees.
"""

from collections import Counter
from collections.abc import Collection
from typing import Final

from pyaiot.accounts.permissions import HouseRules, Viewer, permissions_on, seers
from pyaiot.broker.directory import Directory
from pyaiot.broker.nodes import Node
from pyaiot.broker.peers import Client
from pyaiot.messages.types import NodeAccess
from pyaiot.model.access import NOTHING, Permission

COMMON: Final = ""
"""The view of all who see what everybody sees."""
EVERYTHING: Final = "*"
"""The view of all who see everything."""
_ACCOUNT: Final = "@%s"


class Views:
    """The rules of the house and what the directory told, applied to the nodes that are there."""

    def __init__(self, directory: Directory, rules: HouseRules, *, patient: bool = False) -> None:
        """`patient`: as long as no directory has told who may see what, nobody sees anything.

        Nobody but services and admins.
        """
        self.rules = rules
        self._directory = directory
        self._patient = patient
        self._limited = 0
        """How many nodes not everybody sees."""
        self._own: Counter[str] = Counter()
        """How many of those an account sees."""

    @property
    def ready(self) -> bool:
        """Whether it is known who may see what, or need not be."""
        return not self._patient or self._directory.access.told

    def seers(self, uid: str) -> frozenset[str] | None:
        """The accounts that see a node, beside who may do everything; None: all."""
        if not self.ready:
            return frozenset()
        return seers(self._directory.access.known.get(uid), self.rules)

    def access(self, uid: str) -> NodeAccess | None:
        """What the directory told of a node."""
        return self._directory.access.known.get(uid)

    def name(self, uid: str) -> str:
        """What people call a node; empty where they do not."""
        access = self._directory.access.known.get(uid)
        return "" if access is None else access.name

    def permissions(self, client: Client, uid: str) -> frozenset[Permission]:
        """What a client may do with a node."""
        if not self.ready and not client.viewer.unlimited:
            return NOTHING
        access = self._directory.access.known.get(uid)
        return permissions_on(access, client.viewer, self.rules) & client.permissions

    def place(self, node: Node) -> Collection[str]:
        """Find out who sees `node`, anew if need be; the views that are new with that.

        Clients that have such a view are to get a group of their own.
        """
        former, those = node.seers, self.seers(node.uid)
        node.seers = those
        fresh: list[str] = []
        if those is not None:
            fresh = [_ACCOUNT % each for each in those if not self._own[each]]
            if not self._limited:
                fresh.append(EVERYTHING)
            self._own.update(those)
            self._limited += 1
        self._forget(former)
        return fresh

    def remove(self, node: Node) -> None:
        """`node` is gone; whoever still holds it sees it no more than before."""
        self._forget(node.seers)

    def of(self, viewer: Viewer) -> str:
        """The view of somebody, as long as `place` does not say that there are new ones."""
        if viewer.unlimited:
            return EVERYTHING if self._limited else COMMON
        return _ACCOUNT % viewer.id if viewer.id and self._own[viewer.id] else COMMON

    def _forget(self, those: frozenset[str] | None) -> None:
        if those is None:
            return
        self._limited -= 1
        self._own.subtract(those)
        for each in those:
            if not self._own[each]:
                del self._own[each]


def views_of(those: frozenset[str]) -> list[str]:
    """The views in which a node is that only `those` accounts see."""
    return [EVERYTHING, *(_ACCOUNT % each for each in those)]
