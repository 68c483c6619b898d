# SPDX-License-Identifier: BSD-3-Clause
"""The messages, as typed structures.

Names and members are those of the original (WIRE.md section 3). What is ours is added so that a
peer of the original never sees it: members that it ignores, and message types that are sent only
to a peer that asked for them (`Feature`). ``docs/reference/wire.md`` is checked against this file,
and the page's TypeScript types are generated from it.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from pyaiot.model.node import MAX_ENDPOINT, MAX_UID, Availability
from pyaiot.model.value import Value

WIRE_VERSION: Final = 1
"""Raised when a peer of an earlier version could no longer be served."""

EVERYONE: Final = "all"
"""The `dst` of a message for every client (WIRE.md section 3.2)."""

MAX_REASON: Final = 512
MAX_COMMAND_ID: Final = 64
MAX_COMMAND_TIME: Final = 3600.0
MAX_PAYLOAD: Final = 65_536
MAX_FEATURES: Final = 16

Uid: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_UID)]
Endpoint: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ENDPOINT)]
Destination: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_UID)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=1e11)]
"""Seconds since the epoch."""
CommandId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_COMMAND_ID)]
Patience: TypeAlias = Annotated[float, Meta(gt=0, le=MAX_COMMAND_TIME)]
"""How long the asker waits for a command's result, in seconds."""


class Feature(StrEnum):
    """What a peer may ask for when it connects, beyond the original's protocol."""

    SNAPSHOT = "snapshot"
    """Clients: the state of all nodes in `Snapshot` messages, after a `Welcome`."""
    BATCH = "batch"
    """Clients: arrays of messages in one frame. Services: `Batch`."""
    AVAILABILITY = "availability"
    """`AvailabilityChanged` messages; nodes stay when they fall silent."""
    RESULT = "result"
    """Exactly one final `Result` for a command that carries an id; `Failure` for bad frames."""
    SIGNED = "signed"
    """Services: every message is signed (`pyaiot.messages.signing`)."""


class Permission(StrEnum):
    """What a peer may do."""

    VIEW = "view"
    """See nodes and what they report."""
    CONTROL = "control"
    """Set resources of nodes, all but scripts."""
    SCRIPT = "script"
    """Send nodes scripts to run."""


class Status(StrEnum):
    """How a command ended; `QUEUED` alone is followed by another result."""

    APPLIED = "applied"
    FAILED = "failed"
    TIMEOUT = "timeout"
    DENIED = "denied"
    UNKNOWN_NODE = "unknown_node"
    QUEUED = "queued"


class Message(Struct, frozen=True, tag_field="type"):
    """Base of all messages: one JSON object, whose `type` says what it is."""


class New(Message, frozen=True, tag="new"):
    """A node is there. Gateway to broker to clients."""

    uid: Uid
    dst: Destination = EVERYONE
    availability: Availability | UnsetType = UNSET
    seen: Seconds | UnsetType = UNSET


class Update(Message, frozen=True, tag="update", gc=False):
    """A resource of a node has this value. Gateway to broker to clients."""

    uid: Uid
    endpoint: Endpoint
    data: Value
    dst: Destination = EVERYONE
    time: Seconds | UnsetType = UNSET
    """When the value was measured."""


class Reset(Message, frozen=True, tag="reset"):
    """A node rebooted: what it said before no longer holds. Gateway to broker to clients."""

    uid: Uid


class Out(Message, frozen=True, tag="out"):
    """A node is gone. Gateway to broker to clients."""

    uid: Uid


class KeepAlive(Message, frozen=True, tag="update"):
    """The original gateway's sign of life, every 30 s: an update without an endpoint."""

    uid: Literal["alive"]


class AvailabilityChanged(Message, frozen=True, tag="availability"):
    """A node is online, late or offline. Gateway to broker to clients that asked for it."""

    uid: Uid
    availability: Availability
    seen: Seconds
    """When the node was last heard."""


class Hello(Message, frozen=True, tag="new"):
    """A client asks for everything; `features` says what it understands beyond the original."""

    data: Value = "client"
    features: Annotated[tuple[str, ...], Meta(max_length=MAX_FEATURES)] = ()


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """The resource to set, and to what: exactly these three members (WIRE.md section 3.1)."""

    uid: Uid
    endpoint: Endpoint
    payload: Annotated[str, Meta(max_length=MAX_PAYLOAD)] | int | float | bool

    @property
    def text(self) -> str:
        """The payload as the text that goes to the node; ``true`` is ``1``, as LEDs expect."""
        if isinstance(self.payload, bool):
            return str(int(self.payload))
        return str(self.payload)


class Command(Message, frozen=True, tag="update"):
    """A client sets a resource of a node. With an `id` it gets exactly one final `Result`."""

    data: Target
    id: CommandId | UnsetType = UNSET
    timeout: Patience | UnsetType = UNSET


class Relayed(Message, frozen=True, tag="update"):
    """A command on its way from the broker to the gateway that holds the node.

    `src` names the client (WIRE.md section 3.1); `id` is the broker's own and is set only where
    the gateway asked for `Feature.RESULT`.
    """

    data: Target
    src: Destination
    id: CommandId | UnsetType = UNSET
    timeout: Patience | UnsetType = UNSET


class ClientJoined(Message, frozen=True, tag="new"):
    """The original broker passes on a client's hello: resend everything to `src`."""

    src: Destination


class Result(Message, frozen=True, tag="result"):
    """How a command ended. Gateway to broker to the asking client."""

    id: CommandId
    status: Status
    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class NodeState(Struct, frozen=True):
    """One node in a snapshot; each resource is a pair of its value and the time of that value."""

    uid: Uid
    availability: Availability
    seen: Seconds
    resources: dict[str, tuple[Value, Seconds]]


class Welcome(Message, frozen=True, tag="welcome"):
    """The broker's first message to a client that asked for `Feature.SNAPSHOT`."""

    client: str
    """The client's own uid, the `src` of its commands."""
    version: str
    wire: int
    permissions: tuple[Permission, ...]
    time: Seconds
    """The broker's clock."""


class Snapshot(Message, frozen=True, tag="snapshot"):
    """A part of the state of all nodes. Part 0 replaces what the client knew."""

    nodes: tuple[NodeState, ...]
    part: int = 0
    last: bool = True


class Failure(Message, frozen=True, tag="error"):
    """The peer's last frame was refused, or its connection is about to end; see `errors`."""

    code: str
    reason: str = ""


class Batch(Message, frozen=True, tag="batch"):
    """Several messages between services in one signed frame."""

    messages: tuple[Raw, ...]


FromClient: TypeAlias = Hello | Command
FromOurGateway: TypeAlias = New | Update | Reset | Out | AvailabilityChanged | Result | Batch
FromGateway: TypeAlias = FromOurGateway | KeepAlive
ToGateway: TypeAlias = Relayed | ClientJoined | Batch
ToClient: TypeAlias = (
    New | Update | Reset | Out | AvailabilityChanged | Welcome | Snapshot | Result | Failure
)
