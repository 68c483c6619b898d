# SPDX-License-Identifier: BSD-3-Clause
"""RIOT's CoAP firmware, by hand on two bare sockets, before a whole gateway (WIRE.md section 9).

It waits, posts ``reset:<uid>`` and 0.06 ms later ``alive:<uid>``, both non-confirmable with a
2-byte token and an empty Content-Format, always from the same port, at which it answers nothing; it
serves at another port from a 128-byte buffer, and pads values with NUL.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from pyaiot.messages.types import New, Reset
from tests.gateway.coap import wire
from tests.gateway.coap.firmware import Firmware, firmware
from tests.gateway.coap.whole import Broker, Whole, whole
from tests.waiting import eventually

UID = "EE5F23232323232"
"""15 digits: the firmware's buffer is one too short."""

VALUES = {
    "board": b"iotlab-m3",
    "mcu": b"stm32f1",
    "name": b"M3 Node",
    "os": b"riot",
    "led": b"0",
    "temperature": "23.4°C".encode().ljust(64, b"\0"),
    "imu": b'imu:[{"type":"acc","values":[1,2,1000]}]'.ljust(64, b"\0"),
    "position": b'{"lat":48.714784,"lng":2.205502}',
}


@dataclass
class Riot:
    whole: Whole
    node: Firmware

    @property
    def broker(self) -> Broker:
        return self.whole.broker

    @property
    def values(self) -> dict[str, object]:
        return self.broker.values(UID)

    def boot(self) -> None:
        self.node.post("alive", f"reset:{UID}")
        self.node.post("alive", f"alive:{UID}")

    async def discovered(self) -> None:
        await eventually(lambda: self.node.resources.keys() <= self.values.keys())


@pytest.fixture
async def riot() -> AsyncIterator[Riot]:
    async with (
        whole() as suite,
        firmware(suite.adapter.port, apart=True, port=suite.node_port) as node,
    ):
        node.resources = dict(VALUES)
        node.links = b",".join(b"</%s>" % name.encode() for name in VALUES)
        node.echoes = True
        node.block = 2
        yield Riot(suite, node)


async def test_boot(riot: Riot) -> None:
    riot.boot()
    await riot.discovered()
    assert riot.values == {
        "ip": "127.0.0.1",
        "protocol": "CoAP",
        "board": "iotlab-m3",
        "mcu": "stm32f1",
        "name": "M3 Node",
        "os": "riot",
        "led": "0",
        "temperature": "23.4°C",
        "imu": '[{"type":"acc","values":[1,2,1000]}]',
        "position": '{"lat":48.714784,"lng":2.205502}',
    }
    # One newcomer, one discovery, however many signs of life.
    for _ in range(3):
        riot.node.post("alive", f"alive:{UID}")
    riot.node.post("server", "led:1")
    await eventually(lambda: riot.values["led"] == "1")
    assert riot.broker.count(New) == 1
    assert riot.broker.count(Reset) == 0
    for name in VALUES:
        assert len(riot.node.requests(name)) == 1
    assert max(riot.node.sizes) < 128


async def test_answers_are_as_the_firmware_expects_them(riot: Riot) -> None:
    """It reads none; but whoever looks at the wire finds them."""
    riot.boot()
    await eventually(
        lambda: len([e for e in riot.node.posting.heard if e.code == wire.CHANGED]) == 2
    )
    for answer, body in zip(
        [each for each in riot.node.posting.heard if each.code == wire.CHANGED],
        (f"reset:{UID}", f"alive:{UID}"),
        strict=True,
    ):
        assert answer.type == wire.NON
        assert len(answer.token) == 2
        assert answer.payload == f"Received '{body}'".encode()
        assert answer.all(wire.CONTENT_FORMAT) == []


async def test_values_come_of_their_own_accord(riot: Riot) -> None:
    riot.boot()
    await riot.discovered()
    for kind in ("acc", "gyro"):
        riot.node.post("server", f'imu:[{{"type":"{kind}","values":[4,5,6]}}]')
        text = f'[{{"type":"{kind}","values":[4,5,6]}}]'
        await eventually(lambda: riot.values["imu"] == text)  # noqa: B023 - waited for at once
    riot.node.post("server", "suit_state: 1")
    riot.node.post("server", "temperature: 22.5 °C")
    await eventually(lambda: riot.values["temperature"] == "22.5 °C")
    assert riot.values["suit_state"] == "1"


async def test_the_led(riot: Riot) -> None:
    riot.boot()
    await riot.discovered()
    assert (await riot.whole.set(UID, "led", "1")).status == "applied"
    assert riot.values["led"] == "1"
    assert riot.node.written == [("led", b"1")]


async def test_a_reboot(riot: Riot, monkeypatch: pytest.MonkeyPatch) -> None:
    riot.boot()
    await riot.discovered()
    # What comes soon after a boot is the boot's own, for longer than this.
    monkeypatch.setattr("pyaiot.gateway.core.BOOT_PAIR", 0.2)
    await asyncio.sleep(0.25)
    riot.node.resources = {"name": b"M3 Node", "led": b"1"}
    riot.node.links = None
    riot.broker.sent.clear()
    riot.boot()
    await riot.discovered()
    assert riot.broker.count(New) == 0
    assert riot.broker.count(Reset) == 1
    assert riot.values == {
        "ip": "127.0.0.1",
        "protocol": "CoAP",
        "name": "M3 Node",
        "led": "1",
    }


async def test_the_first_posts_come_from_another_address(riot: Riot) -> None:
    """While its global address is tentative it posts from the link-local one."""
    async with firmware(riot.whole.adapter.port, host="127.0.0.2") as early:
        early.resources = {"name": b"M3 Node"}
        early.post("alive", f"reset:{UID}")
        await eventually(lambda: riot.values.get("name") == "M3 Node")
    riot.node.post("alive", f"alive:{UID}")
    await eventually(lambda: riot.values["ip"] == "127.0.0.1")
    riot.node.post("server", "led:1")
    await eventually(lambda: riot.values.get("led") == "1")
    assert riot.broker.count(New) == 1
    assert (await riot.whole.set(UID, "led", "0")).status == "applied"
    assert riot.node.written == [("led", b"0")]


async def test_a_firmware_without_a_uid(riot: Riot) -> None:
    riot.node.post("alive", "alive")
    await eventually(lambda: riot.broker.count(New))
    (new,) = [each for each in riot.broker.sent if isinstance(each, New)]
    assert new.uid != "alive"
    assert len(new.uid) == 36
    await eventually(lambda: riot.broker.values(new.uid).get("name") == "M3 Node")
