# SPDX-License-Identifier: BSD-3-Clause
"""What broke the original's CoAP gateway, and much else, sent to ours.

After each of it nodes are still seen, heard, discovered and set, and no log record has a traceback.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from random import Random

import pytest
from aiocoap.numbers.optionnumbers import OptionNumber

from pyaiot.messages.types import AvailabilityChanged, New, Reset, Update
from tests.gateway.coap import wire
from tests.gateway.coap.bench import garbage
from tests.gateway.coap.firmware import Address, Firmware, Socket, firmware, udp
from tests.gateway.coap.whole import Whole, whole
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    assert not [record for record in records if record.exc_info or record.stack_info]
    assert not [record for record in records if "\n" in record.getMessage()]


@pytest.fixture
async def suite() -> AsyncIterator[Whole]:
    async with whole() as suite:
        yield suite


@pytest.fixture
async def stranger() -> AsyncIterator[Socket]:
    async with udp("127.0.0.66") as stranger:
        yield stranger


@pytest.fixture
async def good(suite: Whole) -> AsyncIterator[Firmware]:
    """A node that was there before; `goes_on` shows that it still is."""
    async with firmware(suite.adapter.port) as node:
        node.resources = {"led": b"0", "name": b"good"}
        node.echoes = True
        node.post("alive", "alive:good")
        await eventually(lambda: suite.broker.values("good").get("name") == "good")
        yield node


async def goes_on(suite: Whole, good: Firmware) -> None:
    """The node is heard and set, and a new one is seen and discovered."""
    for value in ("1", "0"):
        assert (await suite.set("good", "led", value)).status == "applied"
        assert good.written[-1] == ("led", value.encode())
    good.post("server", "temperature:21°C")
    await eventually(lambda: suite.broker.values("good").get("temperature") == "21°C")
    async with firmware(suite.adapter.port) as newcomer:
        newcomer.resources = {"led": b"9"}
        newcomer.post("alive", "alive:newcomer")
        await eventually(lambda: suite.broker.values("newcomer").get("led") == "9")


def gateway_of(suite: Whole) -> Address:
    return ("127.0.0.1", suite.adapter.port)


async def test_a_node_called_alive(suite: Whole, good: Firmware, stranger: Socket) -> None:
    """Fault 4: an announcement without a uid must not become the node ``alive``."""
    for mid, body in enumerate((b"alive", b"Alive", b"reset", b"alive:")):
        asked = wire.request(wire.POST, "alive", body, mid=mid, token=b"%d" % mid)
        assert (await stranger.exchange(asked, gateway_of(suite))).code == wire.CHANGED
    assert "alive" not in {each.uid for each in suite.broker.sent if isinstance(each, New)}
    await goes_on(suite, good)


async def test_each_alive_is_no_newcomer(
    suite: Whole, good: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 12: nor is it a reason to discover, and a reset is one."""
    for _ in range(5):
        good.post("alive", "alive:good")
    await goes_on(suite, good)
    news = [each.uid for each in suite.broker.sent if isinstance(each, New)]
    assert news.count("good") == 1
    assert len(good.requests("name")) == 1
    monkeypatch.setattr("pyaiot.gateway.core.BOOT_PAIR", 0.0)  # no longer the boot's own
    good.post("alive", "reset:good")
    await eventually(lambda: len(good.requests("name")) == 2)
    assert suite.broker.count(Reset) == 1


async def test_two_names_from_one_address() -> None:
    """Fault 13: both fall silent, once each, and the gateway goes on."""
    async with whole(max_time=0.4) as suite, udp("127.0.0.66") as stranger:
        for mid, uid in enumerate(("one", "two")):
            body = f"alive:{uid}".encode()
            asked = wire.request(wire.POST, "alive", body, mid=mid, token=b"%d" % mid)
            await stranger.exchange(asked, gateway_of(suite))

        def offline() -> list[str]:
            changes = [e for e in suite.broker.sent if isinstance(e, AvailabilityChanged)]
            return sorted(each.uid for each in changes if each.availability == "offline")

        await eventually(lambda: offline() == ["one", "two"])
    async with whole() as suite, firmware(suite.adapter.port) as good:
        good.resources = {"led": b"0"}
        good.post("alive", "alive:good")
        await eventually(lambda: suite.broker.values("good").get("led") == "0")
        await goes_on(suite, good)


async def test_a_hundred_names_from_one_address(
    suite: Whole, good: Firmware, stranger: Socket
) -> None:
    for mid in range(100):
        body = b"alive:name-%d" % mid
        stranger.send(wire.request(wire.POST, "alive", body, mid=mid), gateway_of(suite))
    await goes_on(suite, good)


async def test_a_node_that_answers_with_nonsense(suite: Whole, good: Firmware) -> None:
    """Fault 17: errors, padding, binary bodies, quoted commas, endless values."""
    async with firmware(suite.adapter.port) as odd:
        odd.links = (
            b'</a>;title="x, </no>, ;y",</padded>,</binary>,</missing>,</broken>,</endless>;obs,'
            b"<coap://[::1]/other>,<<<>>>,</led>;ct=0,,;;"
        )
        odd.resources = {
            "a": b"1",
            "padded": b"23" + bytes(62),
            "binary": b"\xff\x00\xfe",
            "endless": bytes(300_000),
            "led": b"led:1",
        }
        odd.errors = {"missing": (wire.NOT_FOUND, b"nope"), "broken": (wire.SERVER_ERROR, b"")}
        odd.post("alive", "alive:odd")
        await eventually(lambda: suite.broker.values("odd").get("led") == "1")
        assert suite.broker.values("odd") == {
            "ip": "127.0.0.1", "protocol": "CoAP", "a": "1", "padded": "23", "binary": "/wD+",
            "led": "1",
        }  # fmt: skip
        await goes_on(suite, good)


async def test_a_node_whose_list_is_garbage(suite: Whole, good: Firmware) -> None:
    async with firmware(suite.adapter.port) as odd:
        for number, links in enumerate((b"\xff" * 900, b"<" * 900, b'</a>;"' * 100, b"\0" * 64)):
            odd.links = links
            odd.post("alive", f"reset:odd-{number}")
            odd.post("server", f"led:{number}")
            await eventually(
                lambda: suite.broker.values(f"odd-{number}").get("led") == str(number)  # noqa: B023 - waited for at once
            )
        await goes_on(suite, good)


async def test_commands_that_no_node_can_take(suite: Whole, good: Firmware) -> None:
    """Fault 18, and fault 2: any endpoint, any text; each gets its one result."""
    good.refused = {"js": (wire.CONTENT, b"Updated")}
    for endpoint, payload, status in (
        ("/led", "1", "applied"),
        ("led", "é", "applied"),
        ("js", "x", "applied"),
        ("missing", "1", "failed"),
        ("../led", "1", "failed"),
        ("x" * 128, "1", "failed"),
        ("a/" * 60, "1", "failed"),
        ("é" * 128, "1", "failed"),
        ("led", "x" * 60_000, "applied"),
    ):
        good.echoes = len(payload) < 100
        assert (await suite.set("good", endpoint, payload)).status == status
    assert good.written[0] == ("led", b"1")
    await goes_on(suite, good)


async def test_a_frozen_node_keeps_nobody_waiting(suite: Whole, good: Firmware) -> None:
    """Fault 15: neither its discovery nor its commands."""
    async with firmware(suite.adapter.port) as frozen:
        frozen.frozen = True
        frozen.post("alive", "alive:frozen")
        await eventually(lambda: suite.broker.values("frozen"))
        waiting = asyncio.create_task(suite.set("frozen", "led", "1"))
        async with asyncio.timeout(5):
            await goes_on(suite, good)
        waiting.cancel()
        await asyncio.wait({waiting})


async def test_a_node_that_only_posts_values(good: Firmware) -> None:
    """Fault 19: it is there as long as it is heard."""
    assert good.written == []
    async with whole(max_time=0.6) as suite, firmware(suite.adapter.port) as node:
        node.post("alive", "alive:quiet")
        for number in range(20):
            await asyncio.sleep(0.05)
            node.post("server", f"temperature:{number}")
        await eventually(lambda: suite.broker.values("quiet").get("temperature") == "19")
        changes = [each for each in suite.broker.sent if isinstance(each, AvailabilityChanged)]
        assert not [each for each in changes if each.availability == "offline"]


async def test_bodies_that_are_no_reports(suite: Whole, good: Firmware, stranger: Socket) -> None:
    """Fault 20: 4.00, never 5.00."""
    bodies = (b"", b"\xff", b"nocolon", b":", b"\0:\0", b"a\nb:c", b"\xed\xa0\x80:1", b"x" * 1500)
    for mid, body in enumerate(bodies):
        asked = wire.request(wire.POST, "server", body, mid=mid, token=b"%d" % mid)
        assert (await stranger.exchange(asked, gateway_of(suite))).code == wire.BAD_REQUEST
    await goes_on(suite, good)


async def test_garbage(suite: Whole, good: Firmware, stranger: Socket) -> None:
    for datagram in garbage(Random(11)):
        stranger.send(datagram, gateway_of(suite))
        await asyncio.sleep(0)
    await goes_on(suite, good)


async def test_messages_with_a_few_bits_turned(
    suite: Whole, good: Firmware, stranger: Socket
) -> None:
    random = Random(12)
    kinds = [
        wire.request(wire.POST, "alive", b"alive:1234", query="port=5690"),
        wire.request(wire.POST, "server", b"temperature:23.4", options=((12, b""),)),
        wire.request(wire.POST, "server", b"x" * 64, options=((wire.BLOCK1, b"\x0a"),)),
        wire.request(wire.GET, "alive", options=((wire.OBSERVE, b""), (wire.BLOCK2, b"\x16"))),
        wire.Datagram(wire.NON, wire.CONTENT, 5, b"tokn", [(wire.OBSERVE, b"\x05")], b"value"),
        wire.Datagram(wire.RST, wire.EMPTY, 6),
    ]
    for _ in range(600):
        datagram = bytearray(random.choice(kinds).encode())
        datagram[2:4] = random.randbytes(2)
        for _ in range(random.randrange(1, 6)):
            datagram[random.randrange(len(datagram))] ^= 1 << random.randrange(8)
        stranger.send(bytes(datagram), gateway_of(suite))
        await asyncio.sleep(0)
    await goes_on(suite, good)


async def test_responses_with_a_few_bits_turned(suite: Whole, good: Firmware) -> None:
    """A node whose every answer is damaged, at every byte in turn."""
    random = Random(13)
    async with firmware(suite.adapter.port) as odd:
        odd.resources = {f"r{number}": b"x" * 40 for number in range(6)}
        odd.observable = {"r1", "r2"}
        odd.block = 1
        send = odd.serving.send

        def damaged(datagram: wire.Datagram | bytes, to: Address) -> None:
            raw = bytearray(datagram if isinstance(datagram, bytes) else datagram.encode())
            raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)
            send(bytes(raw), to)

        for number in range(20):
            odd.post("alive", f"reset:odd-{number}")
            odd.serving.send = damaged  # type: ignore[method-assign]
            await asyncio.sleep(0.02)
            odd.serving.send = send  # type: ignore[method-assign]
        await goes_on(suite, good)


async def test_one_that_promises_blocks_without_end(
    suite: Whole, good: Firmware, stranger: Socket
) -> None:
    """Many bodies are begun and none is ended."""
    for mid in range(500):
        asked = wire.request(
            wire.POST,
            "server",
            bytes(1024),
            mid=mid,
            options=((wire.BLOCK1, wire.block(0, True, 6)),),
            query=f"n={mid}",
        )
        stranger.send(asked, gateway_of(suite))
        await asyncio.sleep(0)
    await goes_on(suite, good)


async def test_memory_does_not_grow_with_what_is_sent(
    suite: Whole, good: Firmware, stranger: Socket
) -> None:
    """aiocoap would keep each request for four minutes, and each number of an option for ever."""
    before = len(OptionNumber._value2member_map_)
    random = Random(14)
    for mid in range(900):
        numbers = [(2 * random.randrange(1500, 30_000), b"") for _ in range(20)]
        asked = wire.request(wire.POST, "server", b"a:b", mid=mid, options=tuple(numbers))
        stranger.send(asked, gateway_of(suite))
        await asyncio.sleep(0)
    await goes_on(suite, good)
    assert len(OptionNumber._value2member_map_) - before <= 256


async def test_nobody_reports_for_another(suite: Whole, good: Firmware, stranger: Socket) -> None:
    """From another host no value is taken for a node; the sender hears 2.04 all the same."""
    asked = wire.request(wire.POST, "server", b"led:666")
    assert (await stranger.exchange(asked, gateway_of(suite))).code == wire.CHANGED
    await goes_on(suite, good)
    values = [each.data for each in suite.broker.sent if isinstance(each, Update)]
    assert "666" not in values
