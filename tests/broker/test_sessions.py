# SPDX-License-Identifier: BSD-3-Clause
"""Clients with tokens of accounts, over real sockets: let in, renewed, changed, and sent away."""

import base64
import json
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from pyaiot.accounts.permissions import HouseRules
from pyaiot.accounts.tokens import Claims, Signer, Use
from pyaiot.broker.core import Core
from pyaiot.broker.fanout import Fanout
from pyaiot.broker.limits import Limits
from pyaiot.broker.nodes import Nodes
from pyaiot.broker.post import Post
from pyaiot.errors import ExpiredToken, InvalidToken, StaleToken
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.model.access import Role
from pyaiot.model.moment import Moment
from tests.broker.outlets import Loop
from tests.broker.peers import ALL, Peer, a_client, a_service, our_gateway
from tests.broker.running import RunningBroker, running_broker
from tests.waiting import eventually

NAMING = (*ALL, "names", "alerts")


def claims(
    use: Use = Use.TICKET,
    account: str = "ann",
    *,
    role: Role | None = Role.OPERATOR,
    age: float = 0,
    left: float = 600,
) -> Claims:
    now = time.time()
    if use is Use.DEVICE:
        return Claims(use, account, "1", now)
    return Claims(
        use, account, "1", now - age, now + left, None if use is Use.REFRESH else role, sid="s"
    )


def token(broker: RunningBroker, *args: Any, **more: Any) -> str:
    return Signer(broker.ring).make(claims(*args, **more))


@asynccontextmanager
async def somebody(
    broker: RunningBroker, text: str, *features: str, **options: Any
) -> AsyncIterator[Peer]:
    offer = [Subprotocol("token"), Subprotocol(text)]
    async with a_client(broker, *(features or NAMING), subprotocols=offer, **options) as peer:
        assert peer.connection.subprotocol == "token"
        yield peer


async def refused(broker: RunningBroker, text: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        async with somebody(broker, text):
            pass
    return caught.value.response.status_code, (caught.value.response.body or b"").decode()


def parts_of(text: str, **changed: Any) -> str:
    """The token with other claims and the signature that it had."""
    head, body, signature = text.split(".")
    told = json.loads(base64.urlsafe_b64decode(body + "=="))
    body = base64.urlsafe_b64encode(json.dumps(told | changed).encode()).decode().rstrip("=")
    return f"{head}.{body}.{signature}"


async def test_who_is_let_in_and_who_is_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_broker(anonymous="none") as broker:
        for use in (Use.TICKET, Use.ACCESS):
            async with somebody(
                broker, token(broker, use), origin=Origin("https://elsewhere.example")
            ) as client:
                assert (await client.receive())["permissions"] == ["view", "control", "script"]
        async with somebody(broker, token(broker, role=Role.VIEWER)) as client:
            assert (await client.receive())["permissions"] == ["view"]
        good = token(broker)
        foreign = Signer(KeyRing((KeyPair.generate(os.urandom),))).make(claims())
        nothing = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        for bad in (
            token(broker, Use.REFRESH),
            token(broker, Use.DEVICE),
            foreign,
            parts_of(good, role="admin"),
            f"{nothing}.{good.split('.')[1]}.",
            f"{nothing}.{good.split('.')[1]}.{good.split('.')[2]}",
            good + "A",
            "a.b.c",
            "." * 1024,
            good + "." * 2000,
        ):
            status, text = await refused(broker, bad)
            assert (status, bad in text) == (401, False)
            ours = [each for each in caplog.records if each.name != "websockets.client"]
            assert ours
            assert not [each for each in ours if bad in each.getMessage()]
        assert await refused(broker, token(broker, left=-1, age=60)) == (
            401, "This token has expired."
        )  # fmt: skip
        status, text = await refused(broker, token(broker, age=-100))
        assert (status, "from the future" in text) == (401, True)


async def test_a_token_of_an_account_is_none_of_a_gateway_or_a_service() -> None:
    async with running_broker(accept_unsigned=True) as broker:
        offer = [Subprotocol("token"), Subprotocol(token(broker, role=Role.ADMIN))]
        for route in ("/gw", "/service"):
            with pytest.raises(InvalidStatus) as caught:
                async with connect(f"{broker.url}{route}", subprotocols=offer):
                    pass
            assert caught.value.response.status_code == 401


async def test_each_sees_their_own_and_services_everything() -> None:
    async with (
        running_broker() as broker,
        our_gateway(broker) as gateway,
        a_service(broker, "directory") as directory,
        somebody(broker, token(broker)) as ann,
        somebody(broker, token(broker, account="bob")) as bob,
        somebody(broker, token(broker, account="eve", role=Role.ADMIN)) as eve,
        somebody(broker, broker.token()) as service,
        a_client(broker, *NAMING) as stranger,
    ):
        await directory.send(
            type="access", nodes=[{"uid": "1", "owner": "ann", "name": "kitchen"}], whole=True
        )
        await eventually(lambda: broker.core.directory.access.told)
        await gateway.node("1", led="0")
        await gateway.node("2", led="0")
        for peer in (ann, eve, service):
            await peer.until(type="new", uid="1")
            await peer.until(type="named", uid="1", name="kitchen")
        for peer in (bob, stranger):
            await peer.receive()
            await peer.receive()
            assert (await peer.receive())["uid"] == "2"
            await peer.set("1", "led", "1", id="7")
            assert (await peer.until(type="result"))["status"] == "unknown_node"
        await ann.set("1", "led", "1", id="7")
        assert (await gateway.receive())["data"]["uid"] == "1"
        alert = {"rule": "r", "uid": "2", "endpoint": "led", "severity": "info", "time": 1}
        for number, to in enumerate((["ann"], ["bob"])):
            await directory.send(
                type="alert", id=str(number), state="raised", text="Too hot.", to=to, **alert
            )
        assert (await ann.until(type="alert"))["id"] == "0"
        assert (await bob.until(type="alert"))["id"] == "1"
        assert (await service.until(type="alert", id="1"))["uid"] == "2"


async def test_a_connection_lasts_as_long_as_its_token() -> None:
    async with running_broker(ping_timeout=0.2) as broker:
        async with somebody(broker, token(broker, left=0.5)) as client:
            assert (await client.until(type="error"))["code"] == "expired_token"
            assert (await client.closed())[0] == 1008
        async with somebody(broker, token(broker, left=0.5), *ALL[:1]) as client:
            await client.send(type="renew", token=token(broker, left=600))
            await eventually(
                lambda: (
                    next(iter(broker.core.clients.values())).session.expires  # type: ignore[union-attr]
                    > time.monotonic() + 60
                )
            )
            await client.set("1", "led", "1")
        await eventually(lambda: not broker.core.sessions)


async def test_what_does_not_renew_a_token() -> None:
    async with running_broker() as broker, somebody(broker, token(broker, left=60)) as client:
        (inside,) = broker.core.clients.values()
        before = inside.session
        for bad, code in (
            (token(broker, account="bob"), "invalid_token"),
            (token(broker, Use.DEVICE), "invalid_token"),
            (token(broker, left=-5, age=60), "expired_token"),
            ("x" * 1024, "invalid_token"),
            ("x" * 1025, "invalid_content"),
            ("", "invalid_content"),
        ):
            await client.send(type="renew", token=bad)
            assert (await client.until(type="error"))["code"] == code
        assert inside.session == before
        async with a_client(broker, *NAMING) as stranger:
            await stranger.send(type="renew", token=token(broker))
            assert (await stranger.until(type="error"))["code"] == "invalid_content"


async def test_a_flood_of_renewals_is_refused() -> None:
    async with running_broker(client_rate=10.0) as broker, somebody(broker, token(broker)) as one:
        text = token(broker)
        for _ in range(200):
            await one.send(type="renew", token=text)
        assert (await one.closed())[0] == 1008


async def test_what_the_directory_says_of_people_holds_at_once() -> None:
    async with (
        running_broker() as broker,
        a_service(broker, "directory") as directory,
        our_gateway(broker) as gateway,
        somebody(broker, token(broker, account="ann", role=Role.VIEWER)) as ann,
        somebody(broker, token(broker, account="bob")) as bob,
        somebody(broker, token(broker, account="cid")) as cid,
    ):
        await gateway.node("1", led="0")
        assert (await ann.receive())["permissions"] == ["view"]
        people = [
            {"id": "ann", "role": "operator"},
            {"id": "bob", "role": "operator", "since": time.time() + 1},
        ]
        await directory.send(type="people", people=people, whole=True)
        for peer in (bob, cid):
            assert (await peer.until(type="error"))["code"] == "invalid_token"
            assert (await peer.closed())[0] == 1008
        assert (await ann.until(type="welcome"))["permissions"] == ["view", "control", "script"]
        await ann.until(type="snapshot")
        assert (await refused(broker, token(broker, account="cid")))[0] == 401
        assert (await refused(broker, token(broker, account="bob", age=50)))[0] == 401
        async with somebody(broker, token(broker, account="ann", role=Role.ADMIN)) as other:
            await directory.send(type="access", nodes=[{"uid": "1", "owner": "bob"}])
            assert await other.until(type="out") == await ann.until(type="out")
        await directory.send(type="people", people=[{"id": "ann", "role": "admin"}])
        await ann.until(type="welcome")
        assert (await ann.until(type="snapshot"))["nodes"][0]["uid"] == "1"
        await directory.send(type="people", people=[{"id": "ann", "role": "admin", "gone": True}])
        assert (await ann.closed())[0] == 1008


async def test_before_a_directory_spoke_a_token_that_may_be_revoked_shows_nothing() -> None:
    """A broker that starts while the directory is away does not know who was sent away."""
    revoked, holds = time.time() - 10, time.time() - 5
    async with (
        running_broker(await_directory=True) as broker,
        our_gateway(broker) as gateway,
        a_service(broker, "recorder") as recorder,
        somebody(broker, token(broker, role=Role.ADMIN, age=20)) as former,
        somebody(broker, token(broker, account="eve", role=Role.ADMIN)) as eve,
    ):
        await gateway.node("1", led="0")
        await eventually(lambda: broker.core.nodes.get("1"))
        alert = {"rule": "r", "endpoint": "led", "severity": "info", "time": 1, "state": "raised"}
        await recorder.send(type="alert", id="a", uid="1", text="Hot.", to=["ann"], **alert)
        await recorder.send(type="alert", id="b", uid="1", text="Hot.", **alert)
        for peer in (former, eve):
            assert (await peer.receive())["permissions"] == ["view"]
            assert (await peer.receive())["nodes"] == []
            await peer.set("1", "led", "1", id="c")
            assert (await peer.receive())["status"] == "denied"
        async with a_service(broker, "directory") as directory:
            people = [
                {"id": "ann", "role": "admin", "since": holds},
                {"id": "eve", "role": "admin", "since": revoked},
            ]
            await directory.send(type="people", people=people, whole=True)
            assert (await former.receive())["type"] == "error"
            assert (await former.closed())[0] == 1008
            assert (await eve.receive())["permissions"] == ["view", "control", "script"]
            assert [each["uid"] for each in (await eve.receive())["nodes"]] == ["1"]


async def test_before_a_directory_spoke_tokens_older_than_the_broker_are_refused() -> None:
    """Who was sent away meanwhile cannot come in again; who is somebody still can soon."""
    async with running_broker() as broker:
        old = [token(broker, account=who, age=50) for who in ("ann", "eve")]
        for each in old:
            status, text = await refused(broker, each)
            assert (status, "older than this broker" in text) == (401, True)
        async with somebody(broker, token(broker)) as client:
            assert (await client.receive())["permissions"] == ["view", "control", "script"]
            await client.send(type="renew", token=old[0])
            assert (await client.until(type="error"))["code"] == "stale_token"
        async with a_service(broker, "directory") as directory:
            people = [{"id": "ann", "role": "operator"}]
            await directory.send(type="people", people=people, whole=True)
            await eventually(lambda: broker.core.directory.people.told)
        async with somebody(broker, old[0]) as client:
            assert (await client.receive())["permissions"] == ["view", "control", "script"]
        assert "no such account" in (await refused(broker, old[1]))[1]


def test_a_core_without_keys_knows_no_accounts() -> None:
    loop = Loop()
    nodes = Nodes(1)
    post = Post(Fanout(nodes, loop, 0.0), lambda: None)
    core = Core(nodes, post, Limits(), "1", rules=HouseRules())
    with pytest.raises(InvalidToken):
        core.sessions.begin("x", Moment(0, 0))


@pytest.mark.parametrize(
    ("at", "error"), [(59, None), (60, ExpiredToken), (71, ExpiredToken), (-60, StaleToken)]
)
def test_a_token_holds_to_its_end(at: float, error: type[Exception] | None) -> None:
    ring = KeyRing((KeyPair.generate(os.urandom),))
    nodes = Nodes(1)
    post = Post(Fanout(nodes, Loop(), 0.0), lambda: None)
    core = Core(nodes, post, Limits(), "1", rules=HouseRules(), signer=Signer(ring))
    text = Signer(ring).make(Claims(Use.ACCESS, "ann", "1", 1000, 1060, Role.ADMIN, sid="s"))
    if error is None:
        viewer, session = core.sessions.begin(text, Moment(1000 + at, 5))
        assert (viewer.id, viewer.unlimited, session.expires) == ("ann", True, 5 + 60 - at)
    else:
        with pytest.raises(error):
            core.sessions.begin(text, Moment(1000 + at, 5))
