# SPDX-License-Identifier: BSD-3-Clause
"""What the core knows of the peers that are connected."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyaiot.messages.types import Feature
from pyaiot.model.access import Permission
from pyaiot.model.rate import Allowance

if TYPE_CHECKING:
    from pyaiot.broker.nodes import Node


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
    answers: bool = field(init=False)
    """Whether it says how a command ended."""
    lasting: bool = field(init=False)
    """Whether its nodes are still the same when it comes back."""

    def __post_init__(self) -> None:
        self.answers = Feature.RESULT in self.features
        self.lasting = Feature.AVAILABILITY in self.features


@dataclass(eq=False, slots=True)
class Client:
    """One connection of a client."""

    id: str
    permissions: frozenset[Permission]
    asked: frozenset[Feature] = frozenset()
    """Features it asked for when it connected; its hello may add some."""
    greetings: Allowance | None = None
    """How often it may say hello; None until it first did."""
    features: frozenset[Feature] = frozenset()

    def __post_init__(self) -> None:
        self.features = self.asked

    @property
    def greeted(self) -> bool:
        """Whether it asked to be told anything."""
        return self.greetings is not None

    @property
    def aware(self) -> bool:
        """Whether it understands that a node can be silent and still be there."""
        return Feature.AVAILABILITY in self.features
