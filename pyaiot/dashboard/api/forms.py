# SPDX-License-Identifier: BSD-3-Clause
"""What goes over the wire of the REST API, as typed structures.

The OpenAPI description and the page's TypeScript types are made from this file. Times are seconds
since the epoch. In a `...Change` a member that is missing stays as it is.
"""

from typing import Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from pyaiot.messages.types import (
    MAX_NAME,
    AlertState,
    Endpoint,
    Finding,
    Seconds,
    Severity,
    Status,
    Uid,
)
from pyaiot.model.access import Permission, Role
from pyaiot.model.condition import Condition
from pyaiot.model.node import Availability
from pyaiot.model.value import Value

MAX_LIMIT: Final = 1000
MAX_PASSWORD: Final = 256
MIN_PASSWORD: Final = 10

BAD_NAME: Final = "a name that is blank, or holds characters that nobody sees"
EASY_TO_GUESS: Final = "a password that is the name, or one character again and again"
"""What names and passwords may be is more than a pattern can say."""
UNSEEN: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
"""Characters that are in no uid and no name of a resource, as within the brackets of a pattern."""
VISIBLE: Final = f"^[^{UNSEEN}]+$"

# Only described: who looks at these themselves has better words than "does not match".
NewUid: TypeAlias = Annotated[Uid, Meta(extra_json_schema={"pattern": VISIBLE})]
Label: TypeAlias = Annotated[str, Meta(max_length=MAX_NAME)]
AccountName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
NewPassword: TypeAlias = Annotated[str, Meta(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD)]
Password: TypeAlias = Annotated[str, Meta(max_length=MAX_PASSWORD)]
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_LIMIT)]
Cursor: TypeAlias = Annotated[str, Meta(max_length=512)]
Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """Some of many."""

    items: tuple[T, ...]
    next: str | None = None
    """The `cursor` that gives those after; null at the end."""


class Paging(Struct, frozen=True):
    limit: Limit = 100
    cursor: Cursor | None = None


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457)."""

    title: str
    status: int
    code: str
    """Stable: programs can rely on it."""
    detail: str = ""
    type: str = "about:blank"


# Sessions and accounts


class Login(Struct, frozen=True):
    name: AccountName
    password: Password


class Setup(Struct, frozen=True):
    """The first account, by the link that the first start shows."""

    token: Annotated[str, Meta(max_length=256)]
    name: AccountName
    password: NewPassword


class User(Struct, frozen=True):
    id: str
    name: str
    role: Role
    created: Seconds
    seen: Seconds | None = None


class Session(Struct, frozen=True):
    """Who asks, and what may be done here."""

    user: User | None
    anonymous: tuple[Permission, ...]
    """What may be done without an account."""
    accounts: bool
    """Whether there is any account yet."""
    expires: Seconds | None = None


class Ticket(Struct, frozen=True):
    """Lets into the broker's websocket."""

    token: str
    expires: Seconds


class PasswordChange(Struct, frozen=True):
    old: Password
    new: NewPassword


class OpenSession(Struct, frozen=True):
    id: str
    created: Seconds
    used: Seconds
    agent: str
    address: str
    current: bool


class AccountChange(Struct, frozen=True):
    name: AccountName


class NewUser(Struct, frozen=True):
    name: AccountName
    password: NewPassword
    role: Role = Role.OPERATOR


class UserChange(Struct, frozen=True):
    name: AccountName | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    password: NewPassword | UnsetType = UNSET


class NamesWanted(Struct, frozen=True):
    q: Annotated[str, Meta(max_length=MAX_NAME)] = ""
    """What they begin with."""


# Nodes


class Location(Struct, frozen=True, omit_defaults=True):
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lng: Annotated[float, Meta(ge=-180, le=180)] | None = None
    place: Annotated[str, Meta(max_length=128)] = ""
    """In words: "Room 12"."""


class Share(Struct, frozen=True):
    user: str
    """The account's name."""
    level: Permission


class Node(Struct, frozen=True):
    uid: Uid
    name: str
    """What people call it; empty where it goes by its own name."""
    title: str
    """What it calls itself."""
    owner: str | None
    """The owner's name."""
    mine: bool
    permissions: tuple[Permission, ...]
    """What the asker may do with it."""
    availability: Availability | None
    """Null for a node that has never come yet."""
    first_seen: Seconds | None
    last_seen: Seconds | None
    protocol: str
    public: Permission | None
    location: Location | None
    kind: str
    config: dict[str, Any]
    bound: bool
    """Whether it needs a token."""
    shares: tuple[Share, ...] | None = None
    """For the owner and administrators only."""


class NodesWanted(Paging, frozen=True):
    q: Annotated[str, Meta(max_length=128)] | None = None
    """In the name, the title or the uid."""
    mine: bool = False


class NodeChange(Struct, frozen=True):
    name: Label | UnsetType = UNSET
    location: Location | UnsetType | None = UNSET
    kind: Label | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    public: Permission | UnsetType | None = UNSET
    owner: AccountName | UnsetType | None = UNSET
    """Administrators only; null for nobody."""


class NodeChanged(Struct, frozen=True):
    node: Node
    unchanged: bool = False
    """Nothing was asked for that was not so already."""


class ShareLevel(Struct, frozen=True):
    level: Permission


class Resource(Struct, frozen=True):
    endpoint: str
    value: Value
    time: Seconds


class Setting(Struct, frozen=True):
    """What to set a resource to."""

    payload: Annotated[str, Meta(max_length=65_536)] | int | float | bool
    timeout: Annotated[float, Meta(gt=0, le=3600)] = 10.0


class CommandState(Struct, frozen=True):
    id: str
    uid: Uid
    endpoint: Endpoint
    payload: str
    asked: Seconds
    status: Status | None
    """Null while there is no result."""
    reason: str = ""


# History


class Series(Struct, frozen=True):
    uid: Uid
    endpoint: str
    path: str
    """Where in a structured value ("acc.x"); empty for a value that is one."""
    unit: str
    first: Seconds | None = None
    last: Seconds | None = None


class CourseWanted(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    start: Seconds | None = None
    """An hour before `to` by default."""
    end: Seconds | None = None
    """Now by default."""
    points: Annotated[int, Meta(ge=1, le=5000)] = 500
    path: Annotated[str, Meta(max_length=256)] = ""


class Course(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """Numbers over time, as many as a chart can show; extremes are kept."""

    series: Series
    start: Seconds
    end: Seconds
    step: float
    """Seconds that one point stands for; 0 where each is one reading."""
    points: tuple[tuple[Seconds, float, float, float, int], ...]
    """Time (the middle of the step), lowest, mean, highest, how many readings."""


class RowsWanted(Paging, frozen=True, rename={"start": "from", "end": "to"}):
    start: Seconds | None = None
    end: Seconds | None = None
    path: Annotated[str, Meta(max_length=256)] = ""


class Row(Struct, frozen=True):
    """One reading as it was stored."""

    time: Seconds
    value: float | str | None


class AvailabilityChange(Struct, frozen=True):
    time: Seconds
    availability: Availability


# Devices


class NewDevice(Struct, frozen=True):
    """A node that is to come, with a token."""

    name: AccountName
    kind: Label = ""
    config: dict[str, Any] = {}
    uid: NewUid | None = None
    """Its uid, for administrators to choose; else one is made. It comes by its token either way."""


class NewToken(Struct, frozen=True):
    label: Label = ""


class Token(Struct, frozen=True):
    id: str
    node: Uid
    label: str
    created: Seconds
    revoked: Seconds | None


class MadeToken(Struct, frozen=True):
    """A token, shown this once."""

    token: Token
    secret: str
    link: str
    """Sets the device up: the token stands behind the #."""
    qr: tuple[str, ...]
    """The link as a QR code: rows of 0 and 1, without the quiet zone; none where it is too long."""


class MadeDevice(Struct, frozen=True):
    node: Node
    made: MadeToken


class Waiting(Struct, frozen=True):
    """A node that waits for somebody's approval."""

    uid: Uid
    name: str
    protocol: str
    gateway: str
    address: str
    first_seen: Seconds
    last_seen: Seconds
    refused: bool


class Decision(Struct, frozen=True):
    approve: bool
    owner: AccountName | None = None


# Alerts


class RuleForm(Struct, frozen=True):
    """When to raise an alert."""

    name: AccountName
    condition: Condition
    node: Annotated[str, Meta(max_length=128)] = "*"
    """A uid, or what people call the node, or a pattern with * and ? for either."""
    resource: Annotated[str, Meta(max_length=128)] = "*"
    path: Annotated[str, Meta(max_length=256)] = ""
    low: float | None = None
    """What is too low, or for `equals` the number."""
    high: float | None = None
    text: Annotated[str, Meta(max_length=128)] | None = None
    """What it equals, where that is no number."""
    seconds: Annotated[float, Meta(ge=0, le=31_622_400)] = 0.0
    """For how long it must be so before the alert is raised; for `silent`, how long."""
    hysteresis: Annotated[float, Meta(ge=0)] = 0.0
    """How far back inside the bounds it must come before the alert is cleared."""
    severity: Severity = Severity.WARNING
    channels: Annotated[tuple[Id, ...], Meta(max_length=16)] = ()
    enabled: bool = True


class Rule(Struct, frozen=True):
    id: str
    rule: RuleForm
    owner: str | None
    mine: bool
    muted_until: Seconds | None
    created: Seconds
    changed: Seconds
    raised: int
    """How many of its alerts are not cleared."""


class Mute(Struct, frozen=True):
    until: Seconds | None


class PreviewWanted(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    rule: RuleForm
    start: Seconds
    end: Seconds


class Fired(Struct, frozen=True):
    uid: Uid
    endpoint: str
    raised: Seconds
    cleared: Seconds | None
    text: str


class Preview(Struct, frozen=True):
    """When a rule would have fired."""

    fired: tuple[Fired, ...]
    readings: int
    """How many stored readings were looked at."""
    complete: bool
    """Whether that was all; there is a bound."""


class NewChannel(Struct, frozen=True):
    name: AccountName
    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2048,
            extra_json_schema={"pattern": "^ *[A-Za-z0-9]+ *://.*[^ ]"},
        ),
    ]
    """As apprise knows them (``mailto://…``, ``json://…`` for a webhook); never shown again."""


class ChannelsWanted(Paging, frozen=True):
    all: bool = False
    """Those of others too; administrators only."""


class Channel(Struct, frozen=True):
    id: str
    name: str
    service: str
    """What kind of channel it is: the scheme of its address."""
    created: Seconds


class Tried(Struct, frozen=True):
    delivered: bool
    reason: str = ""


class Alert(Struct, frozen=True):
    id: str
    rule: str
    rule_name: str
    uid: Uid
    endpoint: str
    severity: Severity
    state: AlertState
    text: str
    finding: Finding | None
    """The same as `text`, for those who have words of their own; null where it is not known."""
    value: str
    raised: Seconds
    acknowledged: Seconds | None
    acknowledged_by: str | None
    cleared: Seconds | None


class AlertsWanted(Paging, frozen=True):
    state: Literal["open", "raised", "acknowledged", "cleared", "all"] = "open"
    """`open`: not cleared."""
    uid: Uid | None = None


# The place itself


class AuditEntry(Struct, frozen=True):
    time: Seconds
    user: str
    """The name of the account; empty for nobody."""
    action: str
    subject: str
    detail: dict[str, Any]


class AuditWanted(Paging, frozen=True):
    q: Annotated[str, Meta(max_length=128)] = ""
    """In the action or the subject."""
    user: Label = ""
    """The name of the account that did it."""


class Part(Struct, frozen=True):
    """How one service is."""

    name: str
    well: bool
    reason: str = ""
    facts: dict[str, Any] = {}


class Health(Struct, frozen=True):
    well: bool
    version: str
    parts: tuple[Part, ...]
    time: Seconds


class ExportWanted(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    format: Literal["csv", "json", "senml"] = "csv"
    node: Uid | None = None
    resource: Annotated[str, Meta(max_length=128)] | None = None
    path: Annotated[str, Meta(max_length=256)] | None = None
    start: Seconds | None = None
    end: Seconds | None = None


class EventsWanted(Struct, frozen=True):
    node: Uid | None = None
    resource: Annotated[str, Meta(max_length=128)] | None = None
