# SPDX-License-Identifier: BSD-3-Clause
"""Every message, to every kind of peer: what a broker tells whom, and of which nodes.

All kinds of peers are there at once, over real sockets, while everything happens that a broker
ever tells of. Each node is called by a word that stands in all that is said of it: whoever does not
see the node must never be sent that word.
"""

import asyncio
import contextlib
import inspect
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pyaiot.broker.admission import PERMISSIONS
from pyaiot.broker.peers import CLIENT_FEATURES, GATEWAY_FEATURES, SERVICE_FEATURES
from pyaiot.messages import types
from pyaiot.messages.types import (
    Access,
    Alert,
    AvailabilityChanged,
    Batch,
    ClientJoined,
    Command,
    Devices,
    Failure,
    Feature,
    Hello,
    KeepAlive,
    Message,
    Named,
    New,
    Out,
    Pending,
    People,
    Recordable,
    Relayed,
    Renew,
    Reset,
    Result,
    Snapshot,
    Stored,
    Update,
    Welcome,
)
from pyaiot.model.access import Role
from tests.broker.peers import Peer, a_client, a_service, original_gateway, our_gateway
from tests.broker.running import RunningBroker, running_broker
from tests.broker.test_sessions import somebody, token
from tests.waiting import eventually

# --- the table: kinds of peers, and which messages each is ever sent

CLIENT: Final = "client of ours"
PLAIN_CLIENT: Final = "client of the original"
GATEWAY: Final = "gateway of ours"
BARE_GATEWAY: Final = "gateway that signs, and asks for nothing more"
PLAIN_GATEWAY: Final = "gateway of the original"
RECORDER: Final = "recorder"
DIRECTORY: Final = "directory"

HEARS: Final[Mapping[str, frozenset[type[Message]]]] = {
    CLIENT: frozenset(
        {
            New,
            Update,
            Reset,
            Out,
            AvailabilityChanged,
            Welcome,
            Snapshot,
            Result,
            Failure,
            Named,
            Alert,
        }
    ),
    PLAIN_CLIENT: frozenset({New, Update, Reset, Out}),
    GATEWAY: frozenset({Relayed, Devices, Stored}),
    BARE_GATEWAY: frozenset({Relayed}),
    PLAIN_GATEWAY: frozenset({Relayed}),
    RECORDER: frozenset({Recordable}),
    DIRECTORY: frozenset({Pending}),
}
NEVER: Final = frozenset(
    # A broker is told these, or they are of the original's broker. Arrays are its batches.
    {Hello, Command, KeepAlive, Renew, People, Access, Batch, ClientJoined}
)

# --- who is there, and which nodes there are for them

MINE, OPEN, FREE, FOREIGN = "mine", "open", "free", "foreign"
NODES: Final = {
    # Ann's, and shared; Bob's, which everybody may see; nobody's; Bob's alone. Held by whom?
    MINE: GATEWAY,
    OPEN: BARE_GATEWAY,
    FREE: PLAIN_GATEWAY,
    FOREIGN: GATEWAY,
}
ACCESS: Final[list[dict[str, Any]]] = [
    {
        "uid": f"uid {MINE}", "owner": "ann", "name": f"name {MINE}",
        "shares": {"vic": "view", "cleo": "control", "vera": "script"},
    },
    {"uid": f"uid {OPEN}", "owner": "bob", "name": f"name {OPEN}", "public": "view"},
    {"uid": f"uid {FREE}", "name": f"name {FREE}"},
    {"uid": f"uid {FOREIGN}", "owner": "bob", "name": f"name {FOREIGN}"},
    {"uid": "fence", "public": "view"},
]  # fmt: skip
ROLES: Final = {
    "ann": Role.OPERATOR,  # the owner
    "vic": Role.OPERATOR,  # may see hers
    "cleo": Role.OPERATOR,  # may control hers
    "vera": Role.VIEWER,  # could do everything with hers, were she no viewer
    "fay": Role.OPERATOR,  # has to do with nothing
    "root": Role.ADMIN,
}
SERVICE, STRANGER, OLD_STRANGER, OLD_ANN = "service", "stranger", "old stranger", "old ann"
SEES: Final[Mapping[str, tuple[str, ...]]] = {
    "ann": (MINE, OPEN, FREE),
    OLD_ANN: (MINE, OPEN, FREE),
    "vic": (MINE, OPEN, FREE),
    "cleo": (MINE, OPEN, FREE),
    "vera": (MINE, OPEN, FREE),
    "fay": (OPEN, FREE),
    "root": tuple(NODES),
    SERVICE: tuple(NODES),
    STRANGER: (OPEN, FREE),
    OLD_STRANGER: (OPEN, FREE),
}
CONTROLS: Final[Mapping[str, tuple[str, ...]]] = {
    "ann": (MINE, FREE),
    "vic": (FREE,),
    "cleo": (MINE, FREE),
    "vera": (),
    "fay": (FREE,),
    "root": tuple(NODES),
    SERVICE: tuple(NODES),
}
"""Besides strangers, who may do what `--anonymous` says."""


@dataclass(frozen=True)
class House:
    """How a broker is set up, and what follows from that for strangers and for what is nobody's."""

    anonymous: str
    unclaimed: str = "public"

    def sees(self, who: str) -> tuple[str, ...]:
        if self.unclaimed == "public" or who in {"root", SERVICE}:
            return SEES[who]
        return tuple(each for each in SEES[who] if each != FREE)

    def controls(self, who: str) -> tuple[str, ...]:
        if who in {STRANGER, OLD_STRANGER}:
            may = {"none": (), "view": (), "control": (FREE,), "script": (FREE,)}[self.anonymous]
        else:
            may = CONTROLS["ann" if who == OLD_ANN else who]
        return tuple(each for each in may if each in self.sees(who))


HOUSES: Final = [
    House("none"),
    House("view"),
    House("control"),
    House("script"),
    House("script", "admins"),
    House("view", "admins"),
]


# --- everybody, and everything that happens


@dataclass
class Ear:
    """A peer, and every message that it was sent."""

    peer: Peer
    kind: str
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def listen(self) -> None:
        session = self.peer.session
        with contextlib.suppress(ConnectionClosed):
            async for frame in self.peer.connection:
                data = frame.encode() if isinstance(frame, str) else frame
                decoded = json.loads(session.open(data) if session else data)
                self.heard += decoded if isinstance(decoded, list) else [decoded]

    def hears(self, **members: Any) -> bool:
        return any(members.items() <= each.items() for each in self.heard)

    @property
    def kinds(self) -> set[type[Message]]:
        return {self._kind(each["type"]) for each in self.heard}

    def _kind(self, tag: str) -> type[Message]:
        if tag == "update":
            return Update if self.kind in {CLIENT, PLAIN_CLIENT} else Relayed
        return next(
            each
            for each in MESSAGES
            if each.__struct_config__.tag == tag and each not in {Hello, ClientJoined}
        )

    def words(self) -> set[str]:
        """Of which nodes it was sent anything at all."""
        text = json.dumps(self.heard)
        return {node for node in NODES if node in text}

    def uids(self, tag: str) -> set[str]:
        told = [each for each in self.heard if each["type"] == tag]
        nodes = [node for each in told for node in each.get("nodes", [each])]
        return {each["uid"].removeprefix("uid ") for each in nodes} - {"fence"}


MESSAGES: Final = tuple(
    cls
    for _, cls in inspect.getmembers(types, inspect.isclass)
    if issubclass(cls, Message) and cls is not Message
)
FEATURES: Final = tuple(map(str, CLIENT_FEATURES))


@asynccontextmanager
async def everybody(house: House) -> AsyncIterator[tuple[RunningBroker, dict[str, Ear]]]:
    """A broker that knows who may do what, and a peer of each kind."""
    async with (
        running_broker(
            anonymous=house.anonymous,
            unclaimed=house.unclaimed,
            accept_unsigned=True,
            store_readings=True,
        ) as broker,
        AsyncExitStack() as stack,
        asyncio.TaskGroup() as tasks,
    ):
        enter = stack.enter_async_context
        ears = {
            DIRECTORY: Ear(await enter(a_service(broker, "directory")), DIRECTORY),
            RECORDER: Ear(await enter(a_service(broker, "recorder")), RECORDER),
            GATEWAY: Ear(
                await enter(our_gateway(broker, features=", ".join(GATEWAY_FEATURES))), GATEWAY
            ),
            BARE_GATEWAY: Ear(
                await enter(our_gateway(broker, features="signed, result")), BARE_GATEWAY
            ),
            PLAIN_GATEWAY: Ear(await enter(original_gateway(broker)), PLAIN_GATEWAY),
        }
        directory = ears[DIRECTORY].peer
        people = [{"id": name, "role": str(role)} for name, role in ROLES.items()]
        await directory.send(type="people", people=people, whole=True)
        await directory.send(type="access", nodes=ACCESS, whole=True)
        await directory.send(type="devices", devices=[{"uid": "some device"}], whole=True)
        known = broker.core.directory
        await eventually(lambda: known.people.told and known.access.told and known.devices.told)
        for name, role in ROLES.items():
            text = token(broker, account=name, role=role)
            ears[name] = Ear(await enter(somebody(broker, text, *FEATURES)), CLIENT)
        ears[OLD_ANN] = Ear(await enter(somebody(broker, token(broker), "")), PLAIN_CLIENT)
        ears[SERVICE] = Ear(await enter(somebody(broker, broker.token(), *FEATURES)), CLIENT)
        if house.anonymous == "none":
            with pytest.raises(InvalidStatus) as caught:
                await enter(a_client(broker, *FEATURES))
            assert caught.value.response.status_code == 401
        else:
            ears[STRANGER] = Ear(await enter(a_client(broker, *FEATURES)), CLIENT)
            ears[OLD_STRANGER] = Ear(await enter(a_client(broker)), PLAIN_CLIENT)
        listeners = [tasks.create_task(each.listen()) for each in ears.values()]
        await eventually(lambda: all(each.greeted for each in broker.core.clients.values()))
        yield broker, ears
        for each in listeners:
            each.cancel()


async def everything(ears: dict[str, Ear]) -> None:
    """All that a broker ever tells of happens, to each node."""
    directory, recorder, gateway = (ears[each].peer for each in (DIRECTORY, RECORDER, GATEWAY))
    await gateway.node("fence")
    for node, holder in NODES.items():
        await ears[holder].peer.node(f"uid {node}", led=f"value {node}")
    await fence(ears, "there")
    for ear in ears.values():
        # A second time, now that there is something to be told of.
        if ear.kind == CLIENT:
            await ear.peer.hello(*FEATURES)
        elif ear.kind == PLAIN_CLIENT:
            await ear.peer.hello()
    for number, node in enumerate(NODES):
        uid = f"uid {node}"
        await ears[NODES[node]].peer.send(
            type="availability", uid=uid, availability="late", seen=1.0
        )
        alert = {
            "type": "alert", "rule": "r", "uid": uid, "endpoint": f"endpoint {node}",
            "severity": "info", "state": "raised", "time": 1.0, "text": f"text {node}",
        }  # fmt: skip
        await recorder.send(id=f"a{number}", **alert)
        named = {**ACCESS[number], "name": f"other name {node}"}
        await directory.send(type="access", nodes=[named])
    letter = {"rule": "r", "endpoint": "", "severity": "info", "state": "raised", "time": 1.0}
    # Whom a letter names gets it, if they see the node, and nobody else.
    for id_, node, to in (("b", MINE, ["ann"]), ("c", MINE, ["fay"])):
        await recorder.send(type="alert", id=id_, uid=f"uid {node}", text="Hot.", to=to, **letter)
    await commands(ears)
    await gateway.send(
        type="pending", uid="uid that waits", protocol="CoAP", address="here", seen=1.0
    )
    await directory.send(type="devices", devices=[{"uid": "another device"}])
    await eventually(lambda: ears[RECORDER].hears(type="recordable"))
    through = ears[RECORDER].heard[-1]
    await recorder.send(type="stored", through=through["first"] + len(through["messages"]) - 1)
    for node, holder in NODES.items():
        await ears[holder].peer.send(type="reset", uid=f"uid {node}")
        await ears[holder].peer.value(f"uid {node}", "led", f"last value {node}")
        await ears[holder].peer.send(type="out", uid=f"uid {node}")
    await fence(ears, "done")
    await eventually(lambda: '"done"' in json.dumps(ears[RECORDER].heard))
    await eventually(lambda: ears[DIRECTORY].hears(type="pending"))
    await eventually(lambda: ears[GATEWAY].hears(type="stored"))
    await eventually(
        lambda: ears[GATEWAY].hears(
            type="devices",
            devices=[{"uid": "another device", "tokens": [], "bound": False, "approved": False,
                      "gone": False}],
        )
    )  # fmt: skip


async def commands(ears: dict[str, Ear]) -> None:
    """Each client sets a resource of each node, and sends what cannot be used."""
    asked: dict[str, Ear] = {}
    clients = {name: ear for name, ear in ears.items() if ear.kind in {CLIENT, PLAIN_CLIENT}}
    for name, ear in clients.items():
        for node in NODES:
            # Clients of the original put no id on what they ask for.
            own = str(len(asked))
            asked[own] = ear
            more = {"id": own} if ear.kind == CLIENT else {}
            await ear.peer.set(f"uid {node}", "led", name, **more)
        await ear.peer.send(type="out", uid="uid")
    ours = [ear for ear in clients.values() if ear.kind == CLIENT]
    answered: set[str] = set()
    async with asyncio.timeout(10):
        while any(sum(m["type"] == "result" for m in ear.heard) < len(NODES) for ear in ours):
            await answer(ears, answered)
            await asyncio.sleep(0.005)
    for own, ear in asked.items():
        for other in ours:
            assert other.hears(type="result", id=own) == (other is ear)


async def answer(ears: dict[str, Ear], answered: set[str]) -> None:
    """Gateways answer what they were asked."""
    for holder in (GATEWAY, BARE_GATEWAY):
        for each in ears[holder].heard:
            if each["type"] == "update" and each.get("id", "") not in answered | {""}:
                answered.add(each["id"])
                await ears[holder].peer.send(type="result", id=each["id"], status="applied")
    for each in ears[PLAIN_GATEWAY].heard:
        if (name := each["data"]["payload"]) not in answered:
            # It knows no results: the value that it reports is the answer.
            answered.add(name)
            await ears[PLAIN_GATEWAY].peer.value(f"uid {FREE}", "led", name)


async def fence(ears: dict[str, Ear], word: str) -> None:
    """Wait until everybody who sees anything has been told all that happened until now."""
    for name in HEARS.keys() & ears.keys():
        # It is answered after all that was sent before.
        await (await ears[name].peer.connection.ping())
    await ears[GATEWAY].peer.value("fence", "led", word)
    for ear in ears.values():
        if ear.kind in {CLIENT, PLAIN_CLIENT}:
            await eventually(lambda ear=ear: ear.hears(uid="fence", data=word))  # type: ignore[misc]


# --- what is to be seen


def test_the_table_is_whole() -> None:
    """Whoever adds a message, a feature, a role or a level says here who is told what."""
    assert set(MESSAGES) == frozenset().union(*HEARS.values()) | NEVER
    assert not frozenset().union(*HEARS.values()) & NEVER
    assert set(Feature) == CLIENT_FEATURES | GATEWAY_FEATURES | SERVICE_FEATURES
    assert set(Role) == set(ROLES.values())
    assert set(PERMISSIONS) == {each.anonymous for each in HOUSES}
    assert set(CONTROLS) | {STRANGER, OLD_STRANGER, OLD_ANN} == set(SEES)


@pytest.mark.parametrize("house", HOUSES, ids=lambda each: f"{each.anonymous}-{each.unclaimed}")
async def test_what_each_peer_is_told(house: House) -> None:
    async with everybody(house) as (_, ears):
        await everything(ears)
    for name, ear in ears.items():
        assert ear.kinds == HEARS[ear.kind], name
        if ear.kind in {CLIENT, PLAIN_CLIENT}:
            seen = set(house.sees(name))
            # Ann's alone, but for who sees everything; and Fay does not see what hers is about.
            assert ear.hears(type="alert", id="b") == (name in {"ann", "root", SERVICE}), name
            assert ear.hears(type="alert", id="c") == (name in {"root", SERVICE}), name
            assert ear.words() == seen, name
            for kind in HEARS[ear.kind] - {Welcome, Result, Failure}:
                tag = str(kind.__struct_config__.tag)
                assert ear.uids(tag) == seen, (name, tag)
    heard = [each for each in ears[RECORDER].heard if each["type"] == "recordable"]
    stored = [each for part in heard for each in part["messages"]]
    assert {each["uid"].removeprefix("uid ") for each in stored} == {*NODES, "fence"}
    assert {each["type"] for each in stored} == {"new", "update", "reset", "out", "availability"}
    for node, holder in NODES.items():
        may = {name for name in ears if name in SEES and node in house.controls(name)}
        asked = [each["data"] for each in ears[holder].heard if each["type"] == "update"]
        uid = f"uid {node}"
        assert {each["payload"] for each in asked if each["uid"] == uid} == may, node
        assert {each["uid"].removeprefix("uid ") for each in asked} <= {
            other for other, by in NODES.items() if by == holder
        }
