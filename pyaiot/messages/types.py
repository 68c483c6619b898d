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

from pyaiot.model.access import Permission, Role
from pyaiot.model.condition import Condition
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
MAX_NAME: Final = 64
"""Characters of what people call a node."""
MAX_USER: Final = 64
"""Characters of the id of an account."""
MAX_TOKEN: Final = 1024
MAX_TOKENS: Final = 64
"""Tokens that one node may have."""
MAX_SHARES: Final = 256
"""People with whom one node may be shared."""
MAX_TEXT: Final = 256

Uid: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_UID)]
Endpoint: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ENDPOINT)]
Destination: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_UID)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=1e11)]
"""Seconds since the epoch."""
CommandId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_COMMAND_ID)]
UserId: TypeAlias = Annotated[str, Meta(max_length=MAX_USER)]
"""An account; empty for nobody."""
Name: TypeAlias = Annotated[str, Meta(max_length=MAX_NAME)]
Text: TypeAlias = Annotated[str, Meta(max_length=MAX_TEXT)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
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
    NAMES = "names"
    """Clients: what people call nodes, in `Snapshot` and in `Named` messages."""
    ALERTS = "alerts"
    """Clients: `Alert` messages."""
    DEVICES = "devices"
    """Gateways: `Devices` messages, which say who may be which node."""
    STORED = "stored"
    """Gateways: `Stored` messages, which say which readings are in the store for good."""
    RECORDER = "recorder"
    """Services: everything that happens, in `Recordable` messages, each until it is stored."""
    DIRECTORY = "directory"
    """Services: this one knows who may do what, and tells the broker."""


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
    name: Name | UnsetType = UNSET
    """What people call it, where they do, for a client that asked for `Feature.NAMES`."""


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


class Renew(Message, frozen=True, tag="renew"):
    """A client that came with an account's token has a newer one, of the same account."""

    token: Annotated[str, Meta(min_length=1, max_length=MAX_TOKEN)]


class Named(Message, frozen=True, tag="named"):
    """What people call a node, or what they may do with it, has changed. Broker to clients.

    An empty name: the node goes by its own. Who wants to know more asks the REST API.
    """

    uid: Uid
    name: Name = ""


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertState(StrEnum):
    """What became of an alert."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    """Somebody has seen to it; what is wrong may still be."""
    CLEARED = "cleared"


class Finding(Struct, frozen=True, omit_defaults=True):
    """What is wrong, for those who say it in words of their own: as the rule had it then."""

    condition: Condition
    value: Text = ""
    """What the node reported; empty where it is not about a value."""
    low: float | None = None
    high: float | None = None
    seconds: float = 0.0
    """For how long, where that is what is wrong."""
    path: Text = ""
    """Where in the value, if that has parts."""


class Alert(Message, frozen=True, tag="alert"):
    """Something is out of bounds, or no longer. Recorder or directory to broker to clients."""

    id: CommandId
    rule: CommandId
    uid: Uid
    endpoint: Annotated[str, Meta(max_length=MAX_ENDPOINT)]
    """Empty where it is about the node as a whole."""
    severity: Severity
    state: AlertState
    time: Seconds
    """When it came to this state."""
    text: Text
    """What is wrong, in one sentence, for people."""
    to: tuple[UserId, ...] | UnsetType = UNSET
    """Accounts that are to see it, of those that see the node; without it, all of these. Not told
    to clients."""
    finding: Finding | UnsetType = UNSET
    """With an alert that is raised."""


class Person(Struct, frozen=True):
    """An account, as far as a broker needs to know it."""

    id: UserId
    role: Role
    since: Seconds = 0.0
    """Tokens that were made before no longer hold."""
    gone: bool = False


class People(Message, frozen=True, tag="people"):
    """Accounts, all or those that changed. Directory to broker."""

    people: tuple[Person, ...]
    part: int = 0
    """Part 0 of a `whole` list replaces what was known, once its `last` part has come."""
    last: bool = True
    whole: bool = False


class NodeAccess(Struct, frozen=True):
    """Who may do what with one node."""

    uid: Uid
    owner: UserId = ""
    name: Name = ""
    public: Permission | None = None
    """What everybody may do who is let in; of an unclaimed node, see `--unclaimed`."""
    shares: Annotated[dict[str, Permission], Meta(max_length=MAX_SHARES)] = {}
    """What other accounts may do, by their ids."""
    gone: bool = False
    """Nothing is known of this node any more."""


class Access(Message, frozen=True, tag="access"):
    """Who may do what with which nodes, all or those that changed. Directory to broker."""

    nodes: tuple[NodeAccess, ...]
    part: int = 0
    last: bool = True
    whole: bool = False


class Device(Struct, frozen=True):
    """Who may be one node."""

    uid: Uid
    tokens: Annotated[tuple[CommandId, ...], Meta(max_length=MAX_TOKENS)] = ()
    """The ids of the tokens that hold. Where `bound`, nobody without one may be this node."""
    bound: bool = False
    """The node was given a token once: from then on it needs one."""
    approved: bool = False
    """Somebody said that this node may come (registration by approval)."""
    gone: bool = False


class Devices(Message, frozen=True, tag="devices"):
    """Who may be which node, all or those that changed. Directory to broker to gateways."""

    devices: tuple[Device, ...]
    part: int = 0
    last: bool = True
    whole: bool = False


class Pending(Message, frozen=True, tag="pending"):
    """A node waits for somebody's approval. Gateway to broker to directory."""

    uid: Uid
    protocol: Text
    address: Text
    seen: Seconds
    name: Text = ""
    """What the node calls itself in its protocol, where that is not its uid."""
    gateway: Text = ""
    """The broker's label of the gateway; set by the broker."""


class Recordable(Message, frozen=True, tag="recordable"):
    """What happened, in order, to be stored. Broker to recorder.

    The messages are `New`, `Update`, `Reset`, `Out` and `AvailabilityChanged` as clients see
    them, each reading with its `time`. Numbers count up from 1 in one `stream`; what was not
    confirmed by a `Stored` is sent again on the next connection, with the same numbers.
    """

    stream: CommandId
    """Another one each time the broker starts."""
    first: Count
    """The number of the first of the messages."""
    messages: tuple[Raw, ...]
    lost: Count = 0
    """How many before `first` there was no room for, since the stream began."""


class Stored(Message, frozen=True, tag="stored"):
    """Up to here all is in the store for good.

    Recorder to broker: everything numbered up to `through` in its stream. Broker to gateway: the
    first `through` readings (`Update`) that it sent on this connection.
    """

    through: Count


Recorded: TypeAlias = New | Update | Reset | Out | AvailabilityChanged
"""What is in a `Recordable`."""
FromClient: TypeAlias = Hello | Command | Renew
FromOurGateway: TypeAlias = (
    New | Update | Reset | Out | AvailabilityChanged | Result | Pending | Batch
)
FromGateway: TypeAlias = FromOurGateway | KeepAlive
ForGateway: TypeAlias = Relayed | ClientJoined | Devices | Stored
ToGateway: TypeAlias = ForGateway | Batch
FromService: TypeAlias = Stored | Alert | People | Access | Devices | Batch
"""What a recorder or a directory tells a broker."""
ForService: TypeAlias = Recordable | Pending
ToService: TypeAlias = ForService | Batch
"""What a broker tells a recorder or a directory."""
ToClient: TypeAlias = (
    New
    | Update
    | Reset
    | Out
    | AvailabilityChanged
    | Welcome
    | Snapshot
    | Result
    | Failure
    | Named
    | Alert
)
