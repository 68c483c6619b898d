# SPDX-License-Identifier: BSD-3-Clause
"""Every message, from every kind of peer: what a broker takes, and what it says to the rest.

What it tells each of them is in ``test_received.py``; that this holds in whatever order things
happen is shown by ``tests/properties/test_broker.py``.
"""

import inspect
from collections.abc import Mapping
from typing import Final

import pytest
from msgspec import Raw

from pyaiot.accounts.permissions import HouseRules, Viewer
from pyaiot.broker.admission import PERMISSIONS
from pyaiot.broker.peers import Client, Session
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
from tests.broker.recording import OURS, Bench

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
STRANGERS: Final = {f"stranger who may {level}": level for level in PERMISSIONS}
ACCOUNTS: Final = {str(role): Viewer.account("ann", role) for role in Role}
GATEWAYS: Final = {"signed gateway": OURS, "gateway of the original": frozenset[Feature]()}
DENIES: Final[Mapping[type[Message], str]] = {Relayed: DENIED}
"""Who may set nothing at all is not told which nodes there are."""
HAS_TOKEN: Final[Mapping[type[Message], str]] = {Renew: "invalid_token"}
"""Whoever came with the token of an account may renew it; not with what is none."""
EXPECTED: Final[dict[str, Mapping[type[Message], str]]] = {
    "stranger who may none": {**CLIENT, **DENIES},
    "stranger who may view": {**CLIENT, **DENIES},
    "stranger who may control": CLIENT,
    "stranger who may script": CLIENT,
    "viewer": {**CLIENT, **HAS_TOKEN, **DENIES},
    "operator": {**CLIENT, **HAS_TOKEN},
    "admin": {**CLIENT, **HAS_TOKEN},
    "service": CLIENT,
    "signed gateway": GATEWAY,
    "gateway of the original": GATEWAY,
    "recorder": RECORDER,
    "directory": DIRECTORY,
}


def client_of(bench: Bench, peer: str) -> Client | None:
    """A client of this kind, who has not said anything yet."""
    if peer in STRANGERS:
        bench.core.views.rules = bench.rules = HouseRules(PERMISSIONS[STRANGERS[peer]])
        return bench.client(viewer=Viewer.anonymous(), greet=False)
    if peer == "service":
        return bench.client(greet=False)
    if peer not in ACCOUNTS:
        return None
    client = bench.client(viewer=ACCOUNTS[peer], greet=False)
    client.session = Session(bench.now.wall, Role(peer), 1e9)
    return client


def verdict(peer: str, message: Message) -> str:
    """What a broker says to `message` from a peer of this kind."""
    bench = Bench()
    frame = encode(message)
    try:
        client = client_of(bench, peer)
        if client is not None:
            bench.core.client_said(client, from_client().decode(frame), bench.now)
        elif peer in GATEWAYS:
            gateway = bench.gateway(GATEWAYS[peer])
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
    services = {str(Feature.RECORDER), str(Feature.DIRECTORY), "service"}
    assert set(EXPECTED) == {*STRANGERS, *ACCOUNTS, *GATEWAYS, *services}


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
@pytest.mark.parametrize("level", PERMISSIONS)
def test_what_strangers_may_set(level: str, node: str) -> None:
    bench = Bench()
    gateway = bench.gateway()
    bench.new(gateway)
    access = NODES[node]
    bench.tell(bench.service(Feature.DIRECTORY), Access((access,) if access else (), whole=True))
    client = client_of(bench, f"stranger who may {level}")
    assert client is not None
    order = ("", "none", "view", "control", "script")
    allowed = min(order.index(level), order.index(ALLOWED["stranger"][node]))
    for endpoint, needed in (("led", "control"), ("js", "script"), ("/js/", "script")):
        bench.command(client, endpoint=endpoint, id=endpoint)
        assert len(bench.relayed(gateway)) == (allowed >= order.index(needed)), endpoint


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
