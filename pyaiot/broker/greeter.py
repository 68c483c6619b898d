# SPDX-License-Identifier: BSD-3-Clause
"""What a client hears that has just said what it understands: everything that is known."""

from typing import Final

from pyaiot.broker.effects import Effects
from pyaiot.broker.limits import Limits
from pyaiot.broker.nodes import Nodes
from pyaiot.broker.peers import CLIENT_FEATURES, Client
from pyaiot.broker.snapshot import Snapshots, original
from pyaiot.broker.views import Views
from pyaiot.errors import RateExceeded
from pyaiot.messages.codec import encode
from pyaiot.messages.types import WIRE_VERSION, Feature, Hello, Welcome
from pyaiot.model.access import Permission
from pyaiot.model.moment import Moment
from pyaiot.model.rate import Allowance

_FEATURES: Final = {str(each): each for each in CLIENT_FEATURES}
"""What a client may ask for."""


class Greeter:
    """Greets clients, but none too often."""

    def __init__(
        self,
        nodes: Nodes,
        views: Views,
        effects: Effects,
        snapshots: Snapshots,
        *,
        limits: Limits,
        version: str,
    ) -> None:
        """`version` is that of this broker, for people."""
        self._nodes = nodes
        self._views = views
        self._effects = effects
        self._snapshots = snapshots
        self._limits = limits
        self._version = version
        self._features: dict[frozenset[Feature], frozenset[Feature]] = {}

    def hello(self, client: Client, message: Hello, now: Moment) -> None:
        """A client says what it understands. Raises RateExceeded where it does so too often."""
        if client.greetings is None:
            period, burst = self._limits.greeting_period, self._limits.greetings
            client.greetings = Allowance(1 / period, burst)
        if not client.greetings.take(now.steady):
            raise RateExceeded("Everything is being asked for too often.")
        wanted = (_FEATURES.get(name) for name in message.features)
        features = client.asked.union(each for each in wanted if each is not None)
        # One set for all that ask for the same, not one for each.
        client.features = self._features.setdefault(features, features)
        self.greet(client, now)

    def greet(self, client: Client, now: Moment) -> None:
        """Tell a client everything that is known, and from now on whatever happens."""
        client.view = self._views.of(client.viewer)
        if Feature.SNAPSHOT not in client.features:
            backlog = original(self._nodes, client, self._views.name)
            self._effects.greet(client, backlog, self._nodes.seq)
            return
        permissions = tuple(each for each in Permission if each in client.permissions)
        welcome = Welcome(client.id, self._version, WIRE_VERSION, permissions, now.wall)
        self._effects.tell(client, encode(welcome))
        shared = self._snapshots.get(client, now.steady)
        self._effects.greet(client, shared.parts(client), shared.seq)
