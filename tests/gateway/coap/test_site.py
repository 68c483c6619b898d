# SPDX-License-Identifier: BSD-3-Clause
"""What nodes find at the gateway, asked in bare datagrams."""

import logging
from collections.abc import AsyncIterator

import pytest

from pyaiot.gateway.adapter import Naming
from pyaiot.gateway.coap import exchanges
from tests.gateway.coap import wire
from tests.gateway.coap.firmware import Address, Socket, udp
from tests.gateway.coap.gate import Gate, gate
from tests.gateway.coap.wire import Datagram
from tests.waiting import eventually


@pytest.fixture
async def running_gate() -> AsyncIterator[Gate]:
    async with gate() as running:
        yield running


@pytest.fixture
async def node() -> AsyncIterator[Socket]:
    async with udp() as node:
        yield node


@pytest.fixture
def gateway(running_gate: Gate) -> Address:
    return ("127.0.0.1", running_gate.port)


async def test_alive(running_gate: Gate, node: Socket, gateway: Address) -> None:
    asked = wire.request(wire.POST, "alive", b"Alive:1234", mid=7)
    answer = await node.exchange(asked, gateway)
    assert (answer.type, answer.code, answer.mid) == (wire.ACK, wire.CHANGED, 7)
    assert answer.payload == b"Received 'Alive:1234'"
    assert answer.options == []
    address, sighting = running_gate.heard.sightings[0]
    assert address == f"127.0.0.1:{node.port}"
    assert (sighting.name, sighting.naming) == ("1234", Naming.UNIQUE)
    assert not sighting.rebooted
    assert sighting.facts == {"ip": "127.0.0.1"}


async def test_non_confirmable_posts(node: Socket, gateway: Address) -> None:
    asked = wire.request(wire.POST, "alive", b"alive:1", type=wire.NON)
    asked.options.append((wire.CONTENT_FORMAT, b""))
    answer = await node.exchange(asked, gateway)
    assert (answer.type, answer.code) == (wire.NON, wire.CHANGED)


@pytest.mark.parametrize(
    ("path", "payload"), [("alive", b"reset:1"), ("reset", b"reset:1"), ("reset", b"1")]
)
async def test_reset(
    running_gate: Gate, node: Socket, gateway: Address, path: str, payload: bytes
) -> None:
    answer = await node.exchange(wire.request(wire.POST, path, payload), gateway)
    assert answer.code == wire.CHANGED
    assert running_gate.heard.sightings[0][1].rebooted


async def test_old_firmwares_without_a_uid(
    running_gate: Gate, node: Socket, gateway: Address
) -> None:
    await node.exchange(wire.request(wire.POST, "alive", b"Alive"), gateway)
    sighting = running_gate.heard.sightings[0][1]
    assert (sighting.name, sighting.naming) == ("127.0.0.1", Naming.LOCAL)


async def test_server(running_gate: Gate, node: Socket, gateway: Address) -> None:
    await node.exchange(wire.request(wire.POST, "alive", b"alive:1"), gateway)
    body = "temperature: 22.5 °C\0\0".encode()
    answer = await node.exchange(
        wire.request(wire.POST, "server", body, mid=2, token=b"t"), gateway
    )
    assert (answer.code, answer.payload) == (wire.CHANGED, b"Received '" + body + b"'")
    (said,) = running_gate.heard.reports
    assert (said.address, said.endpoint, said.value, said.time) == (
        f"127.0.0.1:{node.port}",
        "temperature",
        "22.5 °C",
        None,
    )


def bad(path: str, payload: bytes, query: str = "") -> Datagram:
    return wire.request(wire.POST, path, payload, query=query)


async def test_a_strangers_values_are_dropped(
    running_gate: Gate, node: Socket, gateway: Address
) -> None:
    answer = await node.exchange(wire.request(wire.POST, "server", b"led:1"), gateway)
    assert answer.code == wire.CHANGED
    assert running_gate.heard.reports == []


@pytest.mark.parametrize(
    "post",
    [
        (bad("alive", b""), b"empty"),
        (bad("alive", b"\xff"), b"UTF-8"),
        (bad("alive", b"a:\x01"), b"control"),
        (bad("alive", b"alive:1", "port=0"), b"1 to 65535"),
        (bad("alive", b"alive:1", "port=70000"), b"1 to 65535"),
        (bad("alive", b"alive:1", "port=x"), b"1 to 65535"),
        (bad("server", b"led"), b"<resource>:<value>"),
        (bad("server", b"\xfe:1"), b"UTF-8"),
        (bad("server", b":1"), b"empty"),
        (bad("reset", b"\0"), b"empty"),
    ],
)
async def test_bad_posts(
    running_gate: Gate,
    node: Socket,
    gateway: Address,
    caplog: pytest.LogCaptureFixture,
    post: tuple[Datagram, bytes],
) -> None:
    asked, reason = post
    answer = await node.exchange(asked, gateway)
    assert answer.code == wire.BAD_REQUEST
    assert reason in answer.payload
    assert running_gate.heard.sightings == []
    assert running_gate.heard.reports == []
    (line,) = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert f"/{asked.path} from 127.0.0.1" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("asked", "answer_code"),
    [
        (wire.request(wire.GET, "alive"), wire.NOT_ALLOWED),
        (wire.request(wire.PUT, "server"), wire.NOT_ALLOWED),
        (wire.request(wire.DELETE, "reset"), wire.NOT_ALLOWED),
        (wire.request(wire.GET, ".well-known/core"), wire.NOT_FOUND),
        (wire.request(wire.POST, "alive/x", b"alive:1"), wire.NOT_FOUND),
        (wire.request(wire.POST, "Alive", b"alive:1"), wire.NOT_FOUND),
        (wire.request(wire.POST, "alive", b"alive:1", options=((9, b"oscore"),)), wire.BAD_OPTION),
        (wire.request(wire.POST, "alive", b"alive:1", options=((2001, b""),)), wire.BAD_OPTION),
        (wire.request(wire.POST, "alive", b"alive:1", options=((35, b"coap://x/"),)), 0xA5),
        (
            wire.request(wire.POST, "alive", b"alive:1", options=((2000, b"elective"),)),
            wire.CHANGED,
        ),
        (wire.request(wire.POST, "alive", b"alive:1", options=((17, b"\x32"),)), wire.CHANGED),
    ],
)
async def test_other_requests(
    node: Socket, gateway: Address, asked: Datagram, answer_code: int
) -> None:
    assert (await node.exchange(asked, gateway)).code == answer_code


async def test_unwanted_answers_are_not_sent(node: Socket, gateway: Address) -> None:
    asked = wire.request(wire.POST, "alive", b"alive:1", mid=9, options=((258, b"\x02"),))
    node.send(asked, gateway)
    await eventually(lambda: node.heard)
    assert (node.heard[0].type, node.heard[0].code) == (wire.ACK, wire.EMPTY)


async def test_a_ping_is_answered(node: Socket, gateway: Address) -> None:
    node.send(Datagram(wire.CON, wire.EMPTY, 77), gateway)
    await eventually(lambda: node.heard)
    assert (node.heard[0].type, node.heard[0].mid) == (wire.RST, 77)


async def test_repeated_requests_are_one(
    running_gate: Gate, node: Socket, gateway: Address
) -> None:
    await node.exchange(wire.request(wire.POST, "alive", b"alive:1", mid=1), gateway)
    asked = wire.request(wire.POST, "server", b"led:1", mid=2, token=b"r")
    first = await node.exchange(asked, gateway)
    again = await node.exchange(asked, gateway)
    assert again == first
    assert len(running_gate.heard.reports) == 1


async def test_repeated_non_confirmable_requests_are_one(
    running_gate: Gate, node: Socket, gateway: Address
) -> None:
    await node.exchange(wire.request(wire.POST, "alive", b"alive:1", mid=1), gateway)
    asked = wire.request(wire.POST, "server", b"led:1", type=wire.NON, mid=2, token=b"r")
    node.send(asked, gateway)
    node.send(asked, gateway)
    await node.exchange(wire.request(wire.POST, "server", b"led:2", mid=3, token=b"s"), gateway)
    assert [said.value for said in running_gate.heard.reports] == ["1", "2"]
    assert sum(each.token == b"r" for each in node.heard) == 1


async def test_the_same_number_for_another_message(
    running_gate: Gate, node: Socket, gateway: Address
) -> None:
    for payload in (b"reset:1", b"alive:1"):
        await node.exchange(wire.request(wire.POST, "alive", payload, mid=1), gateway)
    assert [sighting.rebooted for _, sighting in running_gate.heard.sightings] == [True, False]


async def post_blocks(
    node: Socket, gateway: Address, body: bytes, exponent: int = 2
) -> list[Datagram]:
    answers = []
    size = 16 << exponent
    count = -(-len(body) // size)
    for number in range(count):
        option = wire.block(number, number < count - 1, exponent)
        asked = wire.request(
            wire.POST,
            "server",
            body[number * size : (number + 1) * size],
            mid=100 + number,
            token=wire.uint(100 + number),
            options=((wire.BLOCK1, option),),
        )
        answers.append(await node.exchange(asked, gateway))
        if answers[-1].code != wire.CONTINUE:
            break
    return answers


async def test_a_post_in_blocks(running_gate: Gate, node: Socket, gateway: Address) -> None:
    await node.exchange(wire.request(wire.POST, "alive", b"alive:1"), gateway)
    body = b"js:" + b"x" * 3000
    *first, last = await post_blocks(node, gateway, body)
    assert all(answer.code == wire.CONTINUE for answer in first)
    assert [answer.block(wire.BLOCK1) for answer in first[:2]] == [(0, True, 2), (1, True, 2)]
    assert last.code == wire.CHANGED
    assert last.block(wire.BLOCK1) == (46, False, 2)
    assert running_gate.heard.reports[0].value == "x" * 3000
    # The answer does not fit one message either.
    got = last.payload
    assert last.block(wire.BLOCK2) == (0, True, 2)
    while True:
        number = len(got) // 64
        asked = wire.request(
            wire.POST,
            "server",
            mid=500 + number,
            token=wire.uint(500 + number),
            options=((wire.BLOCK2, wire.block(number, False, 2)),),
        )
        answer = await node.exchange(asked, gateway)
        got += answer.payload
        block = answer.block(wire.BLOCK2)
        assert block is not None
        if not block[1]:
            break
    assert got == b"Received '" + body + b"'"
    assert len(running_gate.heard.reports) == 1


async def test_blocks_out_of_order(node: Socket, gateway: Address) -> None:
    option = wire.block(3, True, 2)
    asked = wire.request(wire.POST, "server", b"x" * 64, options=((wire.BLOCK1, option),))
    assert (await node.exchange(asked, gateway)).code == wire.INCOMPLETE


async def test_a_part_of_an_answer_that_is_kept_no_more(node: Socket, gateway: Address) -> None:
    asked = wire.request(wire.POST, "server", options=((wire.BLOCK2, wire.block(3, False, 2)),))
    assert (await node.exchange(asked, gateway)).code == wire.INCOMPLETE


async def test_a_block_that_is_not_as_long_as_it_says(node: Socket, gateway: Address) -> None:
    asked = wire.request(
        wire.POST, "server", b"x", options=((wire.BLOCK1, wire.block(0, True, 2)),)
    )
    assert (await node.exchange(asked, gateway)).code == wire.BAD_REQUEST


async def test_posts_are_bounded(running_gate: Gate, node: Socket, gateway: Address) -> None:
    answers = await post_blocks(node, gateway, b"a:" + bytes(70_000), exponent=6)
    assert answers[-1].code == wire.TOO_LARGE
    assert answers[-1].uint(60) == 65_536
    assert running_gate.heard.reports == []


async def test_one_host_cannot_take_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "REQUESTS_AT_ONCE", 20.0)
    monkeypatch.setattr(exchanges, "REQUESTS_PER_SECOND", 0.01)
    async with gate() as running, udp("127.0.0.2") as flood, udp("127.0.0.3") as other:
        gateway = ("127.0.0.1", running.port)
        for mid in range(200):
            flood.send(wire.request(wire.POST, "server", b"a:b", mid=mid), gateway)
        asked = wire.request(wire.POST, "alive", b"alive:other")
        assert (await other.exchange(asked, gateway)).code == wire.CHANGED
        await eventually(lambda: len(flood.heard) == 20)


async def test_the_event_loop_hears_of_no_error(
    node: Socket, gateway: Address, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    node.send(b"\x40\x02\x12\x36\xb5\xff\xfe\xfd\xfc\xfb\xffx", gateway)
    await node.exchange(wire.request(wire.POST, "alive", b"alive:1"), gateway)
    (line,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert "127.0.0.1" in line.getMessage()
    assert not any(record.exc_info for record in caplog.records)
