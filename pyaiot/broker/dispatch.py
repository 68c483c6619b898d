# SPDX-License-Identifier: BSD-3-Clause
"""Commands: from a client to the gateway that holds the node, and exactly one result back."""

from collections import Counter
from typing import Final

from msgspec import UNSET, UnsetType

from pyaiot.broker.commands import Ledger, Pending
from pyaiot.broker.effects import Effects
from pyaiot.broker.limits import COMMAND_TIME, Limits
from pyaiot.broker.nodes import Node, Nodes
from pyaiot.broker.peers import Client, Gateway
from pyaiot.broker.views import Views
from pyaiot.errors import CommandFailed, PermissionDenied, PyaiotError, QueueFull, UnknownNode
from pyaiot.messages.codec import encode
from pyaiot.messages.types import MAX_REASON, Command, Relayed, Result, Status, Target
from pyaiot.model.access import Permission
from pyaiot.model.moment import Moment
from pyaiot.model.node import SCRIPT, checked_endpoint
from pyaiot.model.value import Value, says

_STATUS: Final[dict[type[PyaiotError], Status]] = {
    PermissionDenied: Status.DENIED,
    UnknownNode: Status.UNKNOWN_NODE,
}
"""How a command ends that is not even sent; `failed` where nothing else is said."""

_QUOTED: Final = 64


class Dispatch:
    """Carries commands, and knows which of them still want a result."""

    def __init__(self, nodes: Nodes, views: Views, effects: Effects, limits: Limits) -> None:
        self.pending = Ledger(limits.commands_per_client, limits.commands)
        self.results: Counter[Status] = Counter()
        """How many commands ended how."""
        self._nodes = nodes
        self._views = views
        self._effects = effects

    def command(self, client: Client, message: Command, now: Moment) -> None:
        """A client sets a resource.

        Where the command carries an id, its result says what went wrong, else a PyaiotError does.
        """
        if isinstance(message.id, UnsetType):
            self._send(client, message, None, now)
            return
        try:
            self.pending.check(client)
            self._send(client, message, message.id, now)
        except PyaiotError as exc:
            status = _STATUS.get(type(exc), Status.FAILED)
            self.result(client, message.id, status, exc.reason)

    def _send(self, client: Client, message: Command, asked: str | None, now: Moment) -> None:
        target = _permitted(client, message.data)
        gateway = self._gateway_for(client, target)
        if not gateway.answers and asked is None:
            self._relay(gateway, Relayed(target, client.id))
            return
        timeout = COMMAND_TIME if isinstance(message.timeout, UnsetType) else message.timeout
        if asked is None:
            self._relay(gateway, Relayed(target, client.id, UNSET, timeout))
            return
        pending = self.pending.open(client, asked, gateway, target, timeout=timeout, now=now.steady)
        relayed = Relayed(target, client.id)
        if gateway.answers:
            relayed = Relayed(target, client.id, pending.id, timeout)
        try:
            self._relay(gateway, relayed)
        except QueueFull:
            self.pending.close(pending)
            raise

    def _gateway_for(self, client: Client, target: Target) -> Gateway:
        node = self._nodes.get(target.uid)
        if node is None or not client.sees(node):
            raise UnknownNode("There is no such node.")
        _check(target, self._views.permissions(client, target.uid), "this node", "it")
        if node.gateway is None:
            raise CommandFailed("The gateway of this node is not connected.")
        if not node.gateway.answers:
            _check_for_original(node, target.text)
        return node.gateway

    def _relay(self, gateway: Gateway, message: Relayed) -> None:
        if not self._effects.relay(gateway, message):
            raise QueueFull("Too much is waiting for the gateway of this node.")

    def answered(self, gateway: Gateway, message: Result) -> bool:
        """A gateway says how a command went; False if it was not asked, or not any more."""
        pending = self.pending.find(message.id, gateway)
        if pending is None:
            return False
        if message.status is not Status.QUEUED:
            self._conclude(pending, message.status, message.reason)
        elif not pending.queued:
            pending.queued = True
            self.result(pending.client, pending.asked, Status.QUEUED, message.reason)
        return True

    def reported(self, gateway: Gateway, uid: str, endpoint: str, value: Value) -> None:
        """A gateway reports a value, which is all the answer that the original's gives.

        Another value than was asked for confirms nothing; it is what went wrong, in the end.
        """
        waiting = self.pending.silent(gateway, uid, endpoint)
        confirmed = -1
        for number, each in enumerate(waiting):
            if says(value, each.target.text):
                confirmed = number
            else:
                each.otherwise = f"The node says it is {str(value)[:_QUOTED]!r}."
        # What came before has been overtaken, and will not be reported any more.
        for each in waiting[: confirmed + 1]:
            self._conclude(each, Status.APPLIED)

    def gateway_left(self, gateway: Gateway) -> None:
        """What was sent to this gateway has failed."""
        for pending in self.pending.those(lambda each: each.gateway is gateway):
            self._conclude(pending, Status.FAILED, "The gateway of this node disconnected.")

    def client_left(self, client: Client) -> None:
        """Nobody is left to be told how this client's commands end."""
        for pending in self.pending.those(lambda each: each.client is client):
            self.pending.close(pending)

    def concealed(self, client: Client, uid: str) -> None:
        """A client does not see a node any more, nor what becomes of what it asked of it."""
        asked = self.pending.those(lambda each: each.client is client and each.target.uid == uid)
        for pending in asked:
            self._conclude(pending, Status.UNKNOWN_NODE, "You do not see this node any more.")

    def tick(self, now: Moment) -> None:
        """Time has passed."""
        for pending in self.pending.overdue(now.steady):
            if pending.otherwise:
                self._conclude(pending, Status.FAILED, pending.otherwise)
            else:
                reason = f"No answer within {pending.timeout:g} s."
                self._conclude(pending, Status.TIMEOUT, reason)

    def result(self, client: Client, asked: str, status: Status, reason: str) -> None:
        """Tell a client how its command `asked` went."""
        self.results[status] += 1
        self._effects.tell(client, encode(Result(asked, status, reason[:MAX_REASON])))

    def _conclude(self, pending: Pending, status: Status, reason: str = "") -> None:
        if self.pending.close(pending):
            self.result(pending.client, pending.asked, status, reason)


def _permitted(client: Client, asked: Target) -> Target:
    """What the client asked for, as it is sent. Raises PermissionDenied, or InvalidValue.

    What it may do with no node at all is denied before it could learn which nodes there are.
    """
    target = Target(asked.uid, checked_endpoint(asked.endpoint), asked.text)
    _check(target, client.permissions, "nodes here", "them")
    return target


def _check(target: Target, permissions: frozenset[Permission], what: str, whom: str) -> None:
    """Raise PermissionDenied, in these words, unless `permissions` allow to set the target."""
    if Permission.CONTROL not in permissions:
        raise PermissionDenied(f"You may not control {what}.")
    # Some nodes drop more slashes than one.
    script = target.endpoint.strip("/") == SCRIPT
    if script and Permission.SCRIPT not in permissions:
        raise PermissionDenied(f"You may control {what}, but not send {whom} scripts.")


def _check_for_original(node: Node, payload: str) -> None:
    """Raise CommandFailed for what would end the original CoAP gateway's reader."""
    protocol = node.resources.get("protocol")
    coap = protocol is not None and str(protocol.value).startswith("CoAP")
    if coap and not payload.isascii():
        raise CommandFailed("The gateway of this node takes ASCII only.")
