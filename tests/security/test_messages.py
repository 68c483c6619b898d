# SPDX-License-Identifier: BSD-3-Clause
"""Every message, from every kind of peer: what a broker takes, and what it says to the rest.

That nobody is shown anything of a node that they may not see is shown by ``tests/properties`` and
``tests/broker/test_sessions.py``.
"""

import inspect
from collections.abc import Mapping
from typing import Final

import pytest
from msgspec import Raw

from pyaiot.accounts.permissions import Viewer
from pyaiot.errors import PyaiotError
from pyaiot.messages import types
from pyaiot.messages.codec import encode, from_client, from_gateway, from_service
from pyaiot.messages.types import (
    Access,
    Alert,
    AlertState,
    AvailabilityChanged,
    Batch,
    ClientJoined,
    Command,
    Device,
    Devices,
    Failure,
    Feature,
    Hello,
    KeepAlive,
    Message,
    Named,
    New,
    NodeAccess,
    Out,
    Pending,
    People,
    Person,
    Recordable,
    Relayed,
    Renew,
    Reset,
    Result,
    Severity,
    Snapshot,
    Status,
    Stored,
    Target,
    Update,
    Welcome,
)
from pyaiot.model.access import Permission, Role
from pyaiot.model.node import Availability
from tests.broker.recording import Bench

TARGET: Final = Target("n", "led", "1")
SAMPLES: Final[tuple[Message, ...]] = (
    New("n"),
    Update("n", "led", "1"),
    Reset("n"),
    Out("n"),
    KeepAlive("alive"),
    AvailabilityChanged("n", Availability.LATE, 1.0),
    Hello(),
    Command(TARGET, "c"),
    Relayed(TARGET, "src"),
    ClientJoined("src"),
    Result("c", Status.APPLIED),
    Welcome("c", "1", 1, (), 1.0),
    Snapshot(()),
    Failure("code"),
    Batch((Raw(b'{"type":"out","uid":"n"}'),)),
    Renew("token"),
    Named("n", "name"),
    Alert("a", "r", "n", "led", Severity.INFO, AlertState.RAISED, 1.0, "Wrong."),
    People((Person("ann", Role.ADMIN),), whole=True),
    Access((NodeAccess("n", "ann"),), whole=True),
    Devices((Device("n"),), whole=True),
    Pending("p", "CoAP", "somewhere", 1.0),
    Recordable("s", 1, ()),
    Stored(0),
)
TAKEN: Final = "taken"
UNKNOWN: Final = "invalid_message"
"""The connection ends: no peer of this kind has any business to say it."""
USELESS: Final = "invalid_content"
"""The original's peers may say it, and it means nothing here (WIRE.md section 3.1)."""
DENIED: Final = "denied"

# What differs between clients is which nodes they may set, see below.
CLIENT: Final[Mapping[type[Message], str]] = {
    Hello: TAKEN,
    New: TAKEN,  # a hello with members that are ignored
    ClientJoined: TAKEN,  # likewise
    Command: TAKEN,
    Relayed: "unknown_node",  # a command, here without an id; who sends it is not what it says
    Renew: "invalid_content",  # without the token of an account there is nothing to renew
    Update: USELESS,
    KeepAlive: USELESS,
    Reset: USELESS,
    Out: USELESS,
}
GATEWAY: Final[Mapping[type[Message], str]] = {
    New: TAKEN,
    Hello: USELESS,
    ClientJoined: USELESS,
    Update: TAKEN,
    KeepAlive: TAKEN,
    Command: USELESS,
    Relayed: USELESS,
    Reset: TAKEN,
    Out: TAKEN,
    AvailabilityChanged: TAKEN,
    Result: TAKEN,
    Pending: TAKEN,
    Batch: USELESS,  # the server takes it apart; one within is none
}
RECORDER: Final[Mapping[type[Message], str]] = {
    Stored: TAKEN,
    Alert: TAKEN,
    People: DENIED,
    Access: DENIED,
    Devices: DENIED,
    Batch: USELESS,
    New: USELESS,
    Hello: USELESS,
    ClientJoined: USELESS,
    Update: USELESS,
    KeepAlive: USELESS,
    Command: USELESS,
    Relayed: USELESS,
    Reset: USELESS,
    Out: USELESS,
}
DIRECTORY: Final[Mapping[type[Message], str]] = {
    **RECORDER,
    Stored: DENIED,
    People: TAKEN,
    Access: TAKEN,
    Devices: TAKEN,
}
EXPECTED: Final = {
    "client": CLIENT,
    "gateway": GATEWAY,
    "recorder": RECORDER,
    "directory": DIRECTORY,
}


def verdict(peer: str, message: Message) -> str:
    """What a broker says to `message` from a peer of this kind."""
    bench = Bench()
    frame = encode(message)
    try:
        if peer == "client":
            client = bench.client(viewer=Viewer.anonymous())
            bench.core.client_said(client, from_client().decode(frame), bench.now)
        elif peer == "gateway":
            gateway = bench.gateway()
            bench.core.gateway_said(gateway, from_gateway().decode(frame), None, bench.now)
        else:
            service = bench.service(Feature(peer))
            bench.core.service_said(service, from_service().decode(frame), bench.now)
    except PyaiotError as exc:
        return exc.code
    return TAKEN


def test_every_message_there_is_is_tried() -> None:
    there = {
        cls
        for _, cls in inspect.getmembers(types, inspect.isclass)
        if issubclass(cls, Message) and cls is not Message
    }
    assert {type(each) for each in SAMPLES} == there
    assert set().union(*EXPECTED.values()) <= there


@pytest.mark.parametrize("message", SAMPLES, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("peer", EXPECTED)
def test_what_each_peer_may_say(peer: str, message: Message) -> None:
    assert verdict(peer, message) == EXPECTED[peer].get(type(message), UNKNOWN)


ANN: Final = "ann"
WHO: Final = {
    "stranger": Viewer.anonymous(),
    "viewer": Viewer.account(ANN, Role.VIEWER),
    "operator": Viewer.account(ANN, Role.OPERATOR),
    "admin": Viewer.account("root", Role.ADMIN),
    "service": Viewer.service(),
}
NODES: Final = {
    "unclaimed": None,
    "own": NodeAccess("n", ANN),
    "viewed": NodeAccess("n", "bob", shares={ANN: Permission.VIEW}),
    "controlled": NodeAccess("n", "bob", shares={ANN: Permission.CONTROL}),
    "scripted": NodeAccess("n", "bob", shares={ANN: Permission.SCRIPT}),
    "seen by all": NodeAccess("n", "bob", public=Permission.VIEW),
    "controlled by all": NodeAccess("n", "bob", public=Permission.CONTROL),
    "foreign": NodeAccess("n", "bob"),
}
ALLOWED: Final = {
    "stranger": {
        "unclaimed": "script", "own": "", "viewed": "", "controlled": "", "scripted": "",
        "seen by all": "view", "controlled by all": "control", "foreign": "",
    },
    "viewer": {
        "unclaimed": "view", "own": "view", "viewed": "view", "controlled": "view",
        "scripted": "view", "seen by all": "view", "controlled by all": "view", "foreign": "",
    },
    "operator": {
        "unclaimed": "script", "own": "script", "viewed": "view", "controlled": "control",
        "scripted": "script", "seen by all": "view", "controlled by all": "control",
        "foreign": "",
    },
    "admin": dict.fromkeys(NODES, "script"),
    "service": dict.fromkeys(NODES, "script"),
}  # fmt: skip
"""What each may do at most with a node; nothing means that it does not even exist for them."""


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("who", WHO)
def test_who_may_set_what(who: str, node: str) -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    directory = bench.service(Feature.DIRECTORY)
    access = NODES[node]
    bench.tell(directory, Access((access,) if access else (), whole=True))
    client = bench.client("result", viewer=WHO[who])
    bench.told(client)
    allowed = ALLOWED[who][node]
    for number, (endpoint, needed) in enumerate((("led", "control"), ("js", "script"))):
        bench.command(client, endpoint=endpoint, id=str(number))
        sent = bench.relayed(gateway)
        # Who may set nothing at all is told so whatever it is about, which tells nothing of it.
        refused = "denied" if allowed or who == "viewer" else "unknown_node"
        if (needed == "control" and allowed in {"control", "script"}) or allowed == needed:
            assert [each["data"]["endpoint"] for each in sent] == [endpoint]
            assert bench.results(client) == []
        else:
            assert sent == []
            assert bench.results(client) == [(str(number), refused)]
