# SPDX-License-Identifier: BSD-3-Clause
"""What clients are told when somebody may see more or less than before: at once.

A node that a client does not see any more is `out` for it, whatever was still on its way. One that
it sees from now on is `new`, and its values follow.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from pyaiot.accounts.permissions import Viewer, at_best, permissions_on, seers, sees_alert
from pyaiot.broker.dispatch import Dispatch
from pyaiot.broker.effects import Effects
from pyaiot.broker.nodes import Node, Nodes
from pyaiot.broker.peers import Client
from pyaiot.broker.snapshot import Snapshots
from pyaiot.broker.views import Views
from pyaiot.messages.codec import encode
from pyaiot.messages.types import (
    EVERYONE,
    Alert,
    Feature,
    Named,
    New,
    NodeAccess,
    Out,
)
from pyaiot.model.access import Role

MANY: Final = 100
"""Nodes that change at once, at which a whole snapshot says it more briefly."""


class Disclosure:
    """Looks after what each client may know."""

    def __init__(
        self,
        nodes: Nodes,
        views: Views,
        clients: Mapping[str, Client],
        effects: Effects,
        *,
        dispatch: Dispatch,
        snapshots: Snapshots,
    ) -> None:
        self._nodes = nodes
        self._views = views
        self._clients = clients
        self._effects = effects
        self._dispatch = dispatch
        self._snapshots = snapshots

    def entered(self, node: Node) -> None:
        """A node is there that was not: to be called before anything is said of it."""
        self._regroup(self._views.place(node))

    def introduced(self, node: Node, *, again: bool = False) -> None:
        """It was said that the node is there; what people call it follows.

        `again`: only to those for whom it was not, who know nothing of availability.
        """
        name = self._views.name(node.uid)
        if name:
            clients = self._clients.values()
            self._name(node, name, (each for each in clients if not (again and each.aware)))

    def left(self, node: Node) -> None:
        """A node is gone."""
        self._views.remove(node)

    def access_changed(
        self, former: Mapping[str, NodeAccess | None], greet: Callable[[Client], None]
    ) -> None:
        """The directory said who may do what with these nodes; what held until now is given.

        `greet` tells a client everything anew.
        """
        self._start()
        before: list[tuple[Node, frozenset[str] | None]] = []
        fresh: set[str] = set()
        for uid, was in former.items():
            node = self._nodes.get(uid)
            if node is not None:
                before.append((node, node.seers))
                fresh.update(self._views.place(node))
            else:
                self._clean(uid, seers(was, self._views.rules))
        self._regroup(fresh)
        moved = [(node, saw) for node, saw in before if node.seers != saw]
        since = self._nodes.seq
        for node, _ in moved:
            self._nodes.touch(node)
        informed: set[Client] = set()
        for client in self._clients.values():
            lost = [node for node, saw in moved if _saw(client, saw) and not client.sees(node)]
            gained = [node for node, saw in moved if client.sees(node) and not _saw(client, saw)]
            named = Feature.NAMES in client.features
            if len(before) > MANY and _takes_snapshots(client) and (named or lost or gained):
                self._conceal(client, lost)
                greet(client)
                informed.add(client)
            else:
                self._tell(client, lost, gained, since)
        others = [client for client in self._clients.values() if client not in informed]
        for node, saw in before:
            self._mention(node, saw, former[node.uid], others)

    def role_changed(self, client: Client, role: Role, greet: Callable[[Client], None]) -> None:
        """Somebody with an account may do more or less from now on, or something else."""
        self._start()
        saw = {node.uid for node in self._nodes if client.sees(node)}
        client.viewer = Viewer.account(client.viewer.id, role)
        client.permissions = at_best(client.viewer, self._views.rules)
        self._place(client)
        lost = [node for node in self._nodes if node.uid in saw and not client.sees(node)]
        gained = [node for node in self._nodes if node.uid not in saw and client.sees(node)]
        since = self._nodes.seq
        for node in gained:
            self._nodes.touch(node)
        # Of nodes that are not there, alerts may wait still.
        for uid in self._effects.subjects(client):
            if self._nodes.get(uid) is None and not _saw(client, self._views.seers(uid)):
                self._forget(client, uid)
        if _takes_snapshots(client):
            # Its permissions are in its welcome.
            self._conceal(client, lost)
            greet(client)
        else:
            self._tell(client, lost, gained, since)

    def alert(self, alert: Alert) -> None:
        """Something is out of bounds: tell who is to know."""
        to = alert.to if isinstance(alert.to, tuple) else None
        wire = encode(
            Alert(
                alert.id,
                alert.rule,
                alert.uid,
                alert.endpoint,
                alert.severity,
                alert.state,
                alert.time,
                alert.text,
                finding=alert.finding,
            )
        )
        access = self._views.access(alert.uid)
        for client in self._clients.values():
            if not client.greeted or Feature.ALERTS not in client.features:
                continue
            if not self._views.ready and not client.viewer.unlimited:
                continue
            if sees_alert(to, access, client.viewer, self._views.rules):
                self._effects.tell(client, wire, alert.uid)

    def _start(self) -> None:
        self._effects.flush()
        self._snapshots.clear()
        self._nodes.version += 1

    def _regroup(self, views: Collection[str]) -> None:
        """Clients that have one of these views, which are new, part from the others."""
        if views:
            for client in self._clients.values():
                if client.view not in views:
                    self._place(client)

    def _place(self, client: Client) -> None:
        view = self._views.of(client.viewer)
        if view != client.view:
            client.view = view
            self._effects.regroup(client)

    def _tell(self, client: Client, lost: list[Node], gained: list[Node], since: int) -> None:
        """`client` does not see some nodes any more, and others from now on."""
        waited = self._conceal(client, lost)
        if not client.greeted:
            return
        for node in lost:
            # What waited may have been that it went.
            if node.visible or client.aware or node.uid in waited:
                self._effects.show(client, encode(Out(node.uid)), node.uid)
        for node in gained:
            if node.visible or client.aware:
                self._effects.reveal(client, self._introduction(client, node), node.uid, since)

    def _conceal(self, client: Client, nodes: Iterable[Node]) -> set[str]:
        """Have a client know no more of some nodes; those of which something waited for it."""
        waited = set()
        for node in nodes:
            if self._effects.conceal(client, node.uid):
                waited.add(node.uid)
            self._dispatch.concealed(client, node.uid)
        return waited

    def _introduction(self, client: Client, node: Node) -> list[bytes]:
        uid = node.uid
        new = New(uid, EVERYONE, node.availability, node.seen) if client.aware else New(uid)
        name = self._views.name(uid)
        if name and Feature.NAMES in client.features:
            return [encode(new), encode(Named(uid, name))]
        return [encode(new)]

    def _clean(self, uid: str, saw: frozenset[str] | None) -> None:
        """Who sees a node that is not there now has changed: what was said of it may wait still."""
        those = self._views.seers(uid)
        for client in self._clients.values():
            if _saw(client, saw) and not _saw(client, those):
                self._forget(client, uid)

    def _forget(self, client: Client, uid: str) -> None:
        if self._effects.conceal(client, uid):
            self._effects.show(client, encode(Out(uid)), uid)

    def _mention(
        self,
        node: Node,
        saw: frozenset[str] | None,
        former: NodeAccess | None,
        clients: Iterable[Client],
    ) -> None:
        """Tell those who saw the node, and still do, of what else has changed for them."""
        now, rules = self._views.access(node.uid), self._views.rules
        renamed = (former.name if former else "") != (now.name if now else "")

        def concerns(client: Client) -> bool:
            who = client.viewer
            return _saw(client, saw) and (
                renamed or permissions_on(former, who, rules) != permissions_on(now, who, rules)
            )

        self._name(node, self._views.name(node.uid), filter(concerns, clients))

    def _name(self, node: Node, name: str, clients: Iterable[Client]) -> None:
        wire = encode(Named(node.uid, name))
        for client in clients:
            if (
                client.greeted
                and Feature.NAMES in client.features
                and client.sees(node)
                and (node.visible or client.aware)
            ):
                self._effects.show(client, wire, node.uid)


def _takes_snapshots(client: Client) -> bool:
    return client.greeted and Feature.SNAPSHOT in client.features


def _saw(client: Client, those: frozenset[str] | None) -> bool:
    return those is None or client.viewer.unlimited or client.viewer.id in those
