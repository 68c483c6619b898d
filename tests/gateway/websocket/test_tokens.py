# SPDX-License-Identifier: BSD-3-Clause
"""Who may come in at the websocket gateway."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from pyaiot.accounts.tokens import Claims, Signer, Use
from pyaiot.gateway.adapter import Refusal
from pyaiot.gateway.registrar import Policy
from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from pyaiot.gateway.websocket.handshake import close_code_of, status_of, token_of
from pyaiot.messages.types import Device
from pyaiot.model.access import Role
from pyaiot.model.node import derived_uid
from tests.gateway.guarded import DESK, LAMP, NAME, SIGNER, guarded, token
from tests.gateway.websocket.bench import close_of, url_of
from tests.link.scripted import new_ring
from tests.waiting import eventually

FREE = derived_uid(NAME, "WebSocket", "desk-lamp")
"""The uid of a node that calls itself desk-lamp, and shows no token."""


@pytest.fixture
def adapter() -> WebsocketAdapter:
    return WebsocketAdapter("127.0.0.1", 0, grace=0.2)


@asynccontextmanager
async def node(
    adapter: WebsocketAdapter, shown: str = "", **more: Any
) -> AsyncIterator[ClientConnection]:
    headers = {"Authorization": f"Bearer {shown}"} if shown else {}
    options = {"compression": None, "close_timeout": 0.1, "additional_headers": headers} | more
    async with connect(url_of(adapter), **options) as socket:
        yield socket


async def say(socket: ClientConnection, name: str | None = None, **values: Any) -> None:
    if name is not None:
        await socket.send(json.dumps({"type": "new", "id": name}))
    await socket.send(json.dumps({"type": "update", "data": values}))


async def refused(adapter: WebsocketAdapter, shown: str = "", **more: Any) -> tuple[int, str]:
    """The HTTP status, and what it says."""
    with pytest.raises(InvalidStatus) as caught:
        async with node(adapter, shown, **more):
            pass
    response = caught.value.response
    return response.status_code, response.body.decode()


class TestHandshake:
    @pytest.mark.parametrize(
        ("authorization", "offered", "expected"),
        [
            ([], [], ""),
            (["Bearer abc"], [], "abc"),
            (["bearer  abc "], [], "abc"),
            (["Basic abc"], [], ""),
            (["Basic abc", "Bearer abc"], [], "abc"),
            (["Bearer"], [], ""),
            ([], ["token, abc"], "abc"),
            ([], ["token", "abc"], "abc"),
            ([], ["token"], ""),
            ([], ["abc, token"], ""),
            ([], ["token, abc, more"], ""),
            ([], ["mqtt"], ""),
            (["Bearer abc"], ["token, xyz"], "abc"),
        ],
    )
    def test_token(self, authorization: list[str], offered: list[str], expected: str) -> None:
        assert token_of(authorization, offered) == expected

    def test_codes(self) -> None:
        assert status_of(Refusal("revoked", "")) == 403
        assert status_of(Refusal("needs_token", "")) == 401
        assert close_code_of(Refusal("revoked", "")) == 1008
        assert close_code_of(Refusal("not_ready", "")) == 1013


async def test_a_token_says_which_node_it_is(adapter: WebsocketAdapter) -> None:
    async with guarded(adapter, Policy.TOKEN, LAMP) as gateway:
        async with node(adapter, token()) as socket:
            await say(socket, "desk-lamp", led="1")
            await gateway.told("lamp", "led", "1")
            await gateway.told("lamp", "id", "desk-lamp")
            assert gateway.nodes == {"lamp": "online"}
        await eventually(lambda: gateway.nodes == {"lamp": "offline"})
        async with node(adapter, subprotocols=["token", token()]) as socket:
            assert socket.subprotocol == "token"
            await eventually(lambda: gateway.nodes == {"lamp": "online"})
            await say(socket, led="2")
            await gateway.told("lamp", "led", "2")
            # A name that comes late changes nothing.
            await say(socket, "late", led="3")
            await gateway.told("lamp", "id", "late")
            assert list(gateway.nodes) == ["lamp"]


async def test_pages_of_other_sites_need_a_token(adapter: WebsocketAdapter) -> None:
    evil = {"Origin": "https://evil.example"}
    async with guarded(adapter, Policy.OPEN, LAMP):
        assert (await refused(adapter, additional_headers=evil))[0] == 403
        shown = evil | {"Authorization": f"Bearer {token()}"}
        async with node(adapter, additional_headers=shown) as socket:
            await say(socket, led="1")
        shown = evil | {"Authorization": "Bearer nonsense"}
        assert (await refused(adapter, additional_headers=shown))[0] == 401


async def test_refusals(adapter: WebsocketAdapter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    access = Claims(Use.ACCESS, "lamp", "t1", 1e9, 9e9, Role.ADMIN, "n", "s")
    bad = {
        token(ident="t9"): (403, "revoked"),
        token("stranger"): (401, "unknown_token"),
        token(signer=Signer(new_ring())): (401, "invalid_token"),
        SIGNER.make(access): (401, "invalid_token"),
        token()[:-2] + "xx": (401, "invalid_token"),
        "x" * 3000: (401, "invalid_token"),
        "": (401, "needs_token"),
    }
    async with guarded(adapter, Policy.TOKEN, LAMP) as gateway:
        for shown, (status, code) in bad.items():
            answer, body = await refused(adapter, shown)
            assert (answer, body.partition(":")[0]) == (status, code)
            assert not shown or shown not in body
        assert gateway.nodes == {}
    ours = [each.getMessage() for each in caplog.records if each.name.startswith("pyaiot")]
    assert len(ours) >= len(bad)
    assert not any(shown and shown[:60] in line for shown in bad for line in ours)


async def test_many_bad_tokens_log_little(
    adapter: WebsocketAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded(adapter, Policy.OPEN, LAMP) as gateway:
        for number in range(200):
            assert (await refused(adapter, f"{token()[:-9]}{number:09}"))[0] == 401
        assert gateway.nodes == {}
    assert len([each for each in caplog.records if each.levelno >= logging.INFO]) < 40


async def test_not_ready(adapter: WebsocketAdapter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.gateway.core.LISTS", 0.1)
    async with guarded(adapter, Policy.OPEN, ready=False) as gateway:
        status, body = await refused(adapter, token())
        assert (status, body.partition(":")[0]) == (503, "not_ready")
        async with node(adapter) as socket:
            await say(socket, "desk-lamp", led="1")
            await gateway.told(FREE, "led", "1")


@pytest.mark.parametrize("policy", [Policy.OPEN, Policy.APPROVE])
async def test_spoofed_uid(adapter: WebsocketAdapter, policy: Policy) -> None:
    async with guarded(adapter, policy, Device(FREE, ("t1",), bound=True)) as gateway:
        async with node(adapter, token(FREE)) as genuine, node(adapter) as spoof:
            await say(genuine, "desk-lamp", led="1")
            await gateway.told(FREE, "led", "1")
            await say(spoof, "desk-lamp", led="666")
            code, reason = await close_of(spoof)
            assert code == 1008
            assert reason.startswith("needs_token: ")
            await say(genuine, led="2")
            await gateway.told(FREE, "led", "2")
        assert not gateway.said("666")


async def test_revoked_while_connected(adapter: WebsocketAdapter) -> None:
    async with (
        guarded(adapter, Policy.OPEN, LAMP, DESK) as gateway,
        node(adapter, token()) as lamp,
        node(adapter, token("desk", "t2")) as desk,
    ):
        await say(lamp, led="1")
        await say(desk, led="1")
        await eventually(lambda: gateway.nodes == {"lamp": "online", "desk": "online"})
        gateway.change(Device("lamp", (), bound=True))
        assert gateway.nodes == {"lamp": "offline", "desk": "online"}
        await say(lamp, led="666")
        code, reason = await close_of(lamp)
        assert (code, reason.partition(":")[0]) == (1008, "revoked")
        assert (await refused(adapter, token()))[0] == 403
        await say(desk, led="2")
        await gateway.told("desk", "led", "2")
        assert not gateway.said("666")


async def test_newer_connection_is_the_node(adapter: WebsocketAdapter) -> None:
    async with (
        guarded(adapter, Policy.OPEN, LAMP) as gateway,
        node(adapter, token()) as older,
        node(adapter, token()) as newer,
    ):
        await say(older, led="1")
        await gateway.told("lamp", "led", "1")
        await say(newer, led="2")
        await gateway.told("lamp", "led", "2")
        code, reason = await close_of(older)
        assert (code, reason.partition(":")[0]) == (1008, "replaced")
        await say(newer, led="3")
        await gateway.told("lamp", "led", "3")
        assert gateway.nodes == {"lamp": "online"}


async def test_approval(adapter: WebsocketAdapter) -> None:
    async with guarded(adapter, Policy.APPROVE) as gateway:
        async with node(adapter) as socket:
            await say(socket, "desk-lamp", led="666")
            assert (await close_of(socket))[1].startswith("not_approved: ")
        assert [(each.uid, each.name) for each in gateway.pending] == [(FREE, "desk-lamp")]
        gateway.change(Device(FREE, approved=True))
        async with node(adapter) as socket:
            await say(socket, "desk-lamp", led="1")
            await gateway.told(FREE, "led", "1")
        async with node(adapter) as silent, node(adapter) as nameless:
            await say(nameless, led="666")
            for socket in (silent, nameless):
                code, reason = await close_of(socket)
                assert (code, reason.partition(":")[0]) == (1008, "needs_id")
        assert len(gateway.pending) == 1
        assert not gateway.said("666")
