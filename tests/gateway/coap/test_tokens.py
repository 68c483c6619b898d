# SPDX-License-Identifier: BSD-3-Clause
"""Who may come in at the CoAP gateway, asked in bare datagrams."""

import logging
from collections.abc import AsyncIterator

import pytest

from pyaiot.accounts.tokens import Claims, Signer, Use
from pyaiot.gateway.coap.adapter import CoapAdapter
from pyaiot.gateway.coap.payload import proof
from pyaiot.gateway.registrar import Policy
from pyaiot.messages.types import Device
from pyaiot.model.access import Role
from tests.gateway.coap import wire
from tests.gateway.coap.firmware import Socket, firmware, udp
from tests.gateway.guarded import DESK, LAMP, SIGNER, guarded, token
from tests.link.scripted import new_ring
from tests.waiting import eventually

UNAUTHORIZED = 0x81
UNAVAILABLE = 0xA3


@pytest.fixture
def adapter() -> CoapAdapter:
    return CoapAdapter("127.0.0.1", 0)


@pytest.fixture
async def node() -> AsyncIterator[Socket]:
    async with udp() as node:
        yield node


async def post(
    adapter: CoapAdapter, node: Socket, path: str, body: bytes | str, shown: str = ""
) -> tuple[int, str]:
    """The code of the answer, and its text."""
    payload = body.encode() if isinstance(body, str) else body
    asked = wire.request(wire.POST, path, payload, mid=node.next_mid())
    # What is longer than an option comes in several.
    for start in range(0, len(shown), 200):
        asked.options.append((15, f"token={shown[start : start + 200]}".encode()))
    answer = await node.exchange(asked, ("127.0.0.1", adapter.port))
    return answer.code, answer.payload.decode()


class TestFirstLine:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (b"token=a.b-c_d.e\nalive:1", ("a.b-c_d.e", b"alive:1")),
            (b"token=a\r\nled:1\n2", ("a", b"led:1\n2")),
            (b"token=\nalive:1", ("", b"token=\nalive:1")),
            (b"token=a", ("", b"token=a")),
            (b"token=a b\nc:1", ("", b"token=a b\nc:1")),
            (b"token=a:5", ("", b"token=a:5")),
            (b"alive:1", ("", b"alive:1")),
            (b"text:token=a\nb", ("", b"text:token=a\nb")),
            ("token=é\nled:1".encode(), ("", "token=é\nled:1".encode())),
        ],
    )
    def test_proof(self, body: bytes, expected: tuple[str, bytes]) -> None:
        assert proof(body) == expected


@pytest.mark.parametrize("in_body", [False, True])
async def test_a_token_says_which_node_it_is(
    adapter: CoapAdapter, node: Socket, in_body: bool
) -> None:
    async def say(path: str, body: str) -> tuple[int, str]:
        if in_body:
            return await post(adapter, node, path, f"token={token()}\n{body}")
        return await post(adapter, node, path, body, token())

    async with guarded(adapter, Policy.TOKEN, LAMP) as gateway:
        assert await say("alive", "alive:4711") == (wire.CHANGED, "Received 'alive:4711'")
        assert gateway.nodes == {"lamp": "online"}
        assert await say("server", "led:1") == (wire.CHANGED, "Received 'led:1'")
        await gateway.told("lamp", "led", "1")


async def test_a_report_alone_says_who_it_is(adapter: CoapAdapter, node: Socket) -> None:
    async with guarded(adapter, Policy.TOKEN, LAMP, DESK) as gateway, udp() as other:
        assert (await post(adapter, node, "server", "led:1", token()))[0] == wire.CHANGED
        assert (await post(adapter, other, "server", "led:2", token("desk", "t2")))[
            0
        ] == wire.CHANGED
        await gateway.told("lamp", "led", "1")
        await gateway.told("desk", "led", "2")
        # From anywhere.
        assert (await post(adapter, other, "server", "led:3", token()))[0] == wire.CHANGED
        await gateway.told("lamp", "led", "3")


async def test_every_post_of_a_bound_node_carries_it(adapter: CoapAdapter, node: Socket) -> None:
    async with guarded(adapter, Policy.OPEN, LAMP) as gateway:
        await post(adapter, node, "alive", "alive:lamp", token())
        code, reason = await post(adapter, node, "server", "led:666")
        assert (code, reason.partition(":")[0]) == (UNAUTHORIZED, "needs_token")
        code, reason = await post(adapter, node, "alive", "alive:lamp")
        assert (code, reason.partition(":")[0]) == (UNAUTHORIZED, "needs_token")
        assert (await post(adapter, node, "server", "led:1", token()))[0] == wire.CHANGED
        await gateway.told("lamp", "led", "1")
        assert not gateway.said("666")


@pytest.mark.parametrize("policy", Policy)
async def test_spoofed_uid(adapter: CoapAdapter, policy: Policy) -> None:
    async with (
        guarded(adapter, policy, LAMP) as gateway,
        firmware(adapter.port) as genuine,
        udp() as spoof,
    ):
        genuine.resources = {"led": b"0"}
        genuine.post("alive", "alive:lamp", query=f"token={token()}")
        await gateway.told("lamp", "led", "0")
        for shown in ("", token("desk", "t2")):
            assert (await post(adapter, spoof, "alive", "alive:lamp", shown))[0] == UNAUTHORIZED
            assert (await post(adapter, spoof, "reset", "reset:lamp", shown))[0] == UNAUTHORIZED
        assert (await post(adapter, spoof, "server", "led:666"))[0] == UNAUTHORIZED
        # What it is asked for goes where it is.
        await adapter.write(gateway.address("lamp"), "led", "1")
        assert genuine.written == [("led", b"1")]
        assert not gateway.said("666")


async def test_an_open_node_takes_no_proven_nodes_place(adapter: CoapAdapter, node: Socket) -> None:
    async with guarded(adapter, Policy.OPEN, LAMP) as gateway:
        await post(adapter, node, "alive", "alive:lamp", token())
        assert (await post(adapter, node, "alive", "alive:free"))[0] == wire.CHANGED
        await post(adapter, node, "server", "led:1", token())
        await gateway.told("lamp", "led", "1")
        assert gateway.nodes == {"lamp": "online", "free": "online"}
        # The other way about it does.
        assert (await post(adapter, node, "server", "led:666"))[0] == UNAUTHORIZED
        assert not gateway.said("666")


async def test_revoked(adapter: CoapAdapter) -> None:
    async with (
        guarded(adapter, Policy.OPEN, LAMP) as gateway,
        firmware(adapter.port) as device,
        udp() as other,
    ):
        device.resources, device.observable = {"led": b"0"}, {"led"}
        device.post("alive", "alive:lamp", query=f"token={token()}")
        await gateway.told("lamp", "led", "0")
        gateway.change(Device("lamp", (), bound=True))
        assert gateway.nodes == {"lamp": "offline"}
        device.notify("led", b"666")
        for path, body in (("server", "led:666"), ("alive", "alive:lamp")):
            code, reason = await post(adapter, other, path, body, token())
            assert (code, reason.partition(":")[0]) == (UNAUTHORIZED, "revoked")
        assert not gateway.said("666")
        assert gateway.nodes == {"lamp": "offline"}


async def test_refusals(
    adapter: CoapAdapter, node: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    access = Claims(Use.ACCESS, "lamp", "t1", 1e9, 9e9, Role.ADMIN, "n", "s")
    bad = {
        token("stranger"): "unknown_token",
        token(signer=Signer(new_ring())): "invalid_token",
        SIGNER.make(access): "invalid_token",
        token()[:-2] + "xx": "invalid_token",
        "x" * 3000: "invalid_token",
    }
    async with guarded(adapter, Policy.OPEN, LAMP) as gateway:
        for shown, expected in bad.items():
            for path, body in (("alive", "alive:lamp"), ("server", "led:1")):
                code, reason = await post(adapter, node, path, body, shown)
                assert (code, reason.partition(":")[0]) == (UNAUTHORIZED, expected)
                assert shown not in reason
        assert gateway.nodes == {}
    said = [each.getMessage() for each in caplog.records]
    assert not any(shown[:60] in line for shown in bad for line in said)


async def test_a_thousand_bad_tokens_log_little(
    adapter: CoapAdapter, node: Socket, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded(adapter, Policy.OPEN, LAMP) as gateway, udp() as genuine:
        for number in range(1000):
            asked = wire.request(wire.POST, "alive", b"alive:lamp", mid=node.next_mid())
            asked.options.append((15, f"token={token()[:-9]}{number:09}".encode()))
            node.send(asked, ("127.0.0.1", adapter.port))
        await eventually(lambda: gateway.core.dropped["refused"] > 400)
        await post(adapter, genuine, "alive", "alive:lamp", token())
        assert gateway.nodes == {"lamp": "online"}
    assert len([each for each in caplog.records if each.levelno >= logging.INFO]) < 40


async def test_not_ready(adapter: CoapAdapter, node: Socket) -> None:
    async with guarded(adapter, Policy.OPEN, ready=False) as gateway:
        code, reason = await post(adapter, node, "alive", "alive:lamp", token())
        assert (code, reason.partition(":")[0]) == (UNAVAILABLE, "not_ready")
        assert (await post(adapter, node, "alive", "alive:free"))[0] == wire.CHANGED
        assert gateway.nodes == {"free": "online"}


async def test_approval(adapter: CoapAdapter, node: Socket) -> None:
    async with guarded(adapter, Policy.APPROVE) as gateway:
        code, reason = await post(adapter, node, "alive", "alive:free")
        assert (code, reason.partition(":")[0]) == (UNAUTHORIZED, "not_approved")
        assert [each.uid for each in gateway.pending] == ["free"]
        assert gateway.pending[0].address == f"127.0.0.1:{node.port}"
        gateway.change(Device("free", approved=True))
        await post(adapter, node, "alive", "alive:free")
        await post(adapter, node, "server", "led:1")
        await gateway.told("free", "led", "1")
