# SPDX-License-Identifier: BSD-3-Clause
"""What the core knows of the peers that are connected."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyaiot.accounts.permissions import Viewer
from pyaiot.broker.notices import Notices
from pyaiot.broker.receipts import Receipts
from pyaiot.messages.types import Feature
from pyaiot.model.access import Permission, Role
from pyaiot.model.rate import Allowance

if TYPE_CHECKING:
    from pyaiot.broker.nodes import Node

_STRANGER: Final = Viewer.anonymous()

CLIENT_FEATURES: Final = frozenset(
    {
        Feature.SNAPSHOT,
        Feature.BATCH,
        Feature.AVAILABILITY,
        Feature.RESULT,
        Feature.NAMES,
        Feature.ALERTS,
    }
)
"""What a client may ask for."""
GATEWAY_FEATURES: Final = frozenset(
    {
        Feature.BATCH,
        Feature.AVAILABILITY,
        Feature.RESULT,
        Feature.SIGNED,
        Feature.DEVICES,
        Feature.STORED,
    }
)
"""What a gateway may ask for."""
SERVICE_FEATURES: Final = frozenset(
    {Feature.BATCH, Feature.SIGNED, Feature.RECORDER, Feature.DIRECTORY}
)
"""What another service may ask for."""


@dataclass(eq=False, slots=True)
class Gateway:
    """One connection of a gateway."""

    id: str
    label: str
    """How people tell it from others; for the log."""
    features: frozenset[Feature] = frozenset()
    """What was granted to it; nothing for a gateway of the original."""
    nodes: "dict[str, Node]" = field(default_factory=dict)
    """The nodes it holds, by uid."""
    notices: Notices | None = field(init=False)
    """What it is still to be told; None if it wants to hear nothing but commands."""
    receipts: Receipts | None = field(init=False)
    """Which of its readings are stored; None if it does not ask."""
    answers: bool = field(init=False)
    """Whether it says how a command ended."""
    lasting: bool = field(init=False)
    """Whether its nodes are still the same when it comes back."""
    checks: bool = field(init=False)
    """Whether it asks for tokens of nodes that need one."""
    warned: bool = False
    """Whether it was said of it that it does not."""

    def __post_init__(self) -> None:
        self.answers = Feature.RESULT in self.features
        self.lasting = Feature.AVAILABILITY in self.features
        self.checks = Feature.DEVICES in self.features
        listens = not self.features.isdisjoint({Feature.DEVICES, Feature.STORED})
        self.notices = Notices() if listens else None
        self.receipts = Receipts() if Feature.STORED in self.features else None


@dataclass(eq=False, slots=True)
class Service:
    """One connection of a recorder or a directory."""

    id: str
    label: str
    """How people tell it from others; for the log."""
    features: frozenset[Feature]

    @property
    def records(self) -> bool:
        """Whether it stores what happens."""
        return Feature.RECORDER in self.features

    @property
    def directs(self) -> bool:
        """Whether it knows who may do what."""
        return Feature.DIRECTORY in self.features


@dataclass(frozen=True, slots=True)
class Session:
    """What a client proved itself with that came with a token of an account."""

    issued: float
    """When the token was made, seconds since the epoch."""
    role: Role
    """What the token says that the account is."""
    expires: float
    """When the token ends, on the steady clock."""


@dataclass(eq=False, slots=True)
class Client:
    """One connection of a client."""

    id: str
    permissions: frozenset[Permission]
    """What it may do with the node of which it may do most."""
    asked: frozenset[Feature] = frozenset()
    """Features it asked for when it connected; its hello may add some."""
    greetings: Allowance | None = None
    """How often it may say hello; None until it first did."""
    features: frozenset[Feature] = frozenset()
    viewer: Viewer = _STRANGER
    """Who it is."""
    session: Session | None = None
    """None for who came without the token of an account."""
    view: str = ""
    """With whom it shares what it is sent."""
    dismissed: bool = False
    """Whether it is being sent away, and is not listened to any more."""

    def __post_init__(self) -> None:
        self.features = self.asked

    def sees(self, node: "Node") -> bool:
        """Whether the node is there for this client."""
        viewer = self.viewer
        return node.seers is None or viewer.unlimited or viewer.id in node.seers

    @property
    def greeted(self) -> bool:
        """Whether it asked to be told anything."""
        return self.greetings is not None

    @property
    def aware(self) -> bool:
        """Whether it understands that a node can be silent and still be there."""
        return Feature.AVAILABILITY in self.features
