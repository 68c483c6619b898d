# SPDX-License-Identifier: BSD-3-Clause
"""A stage with everything on it: all services, and nodes of all protocols.

Together the nodes have every widget of the page, and every state that a node can be in. It all runs
in a thread of its own, with an event loop of its own, and so outlives the tests that look at it.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol, TypeVar

from pyaiot.gateway.coap.adapter import CoapAdapter
from pyaiot.gateway.mqtt.adapter import MqttAdapter
from pyaiot.gateway.mqtt.session import Server
from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from pyaiot.simulate.coap import CoapNode
from pyaiot.simulate.mqtt import MqttNode
from pyaiot.simulate.things import Thing
from pyaiot.simulate.websocket import WebsocketNode
from tests.broker.running import RunningBroker, running_broker
from tests.browser.gateway import HandGateway, hand_gateway
from tests.dashboard.running import running_dashboard
from tests.gateway.running import running_gateway
from tests.waiting import eventually

T = TypeVar("T")
S = TypeVar("S", bound="Elsewhere")

STARTING: Final = 20.0
"""Seconds until the stage must stand; a bound, not a wait."""

WEATHER = "stage-weather"
ROVER = "stage-rover"
LAMP = "stage-lamp"
GREENHOUSE = "Greenhouse"
"""By its name: what is known by MQTT alone gets its uid from the gateway."""

LABORATORY = "stage-laboratory"
"""A node of the gateway that is written by hand: it says what no simulated one says."""
LATE = "stage-late"
OFFLINE = "stage-offline"
GONE = "stage-gone"
DISCOVERED = "stage-discovered"
"""It has not said yet what it can do."""

THINGS: Final = {
    WEATHER: ("Weather station", ("temperature", "pressure", "humidity", "led", "position")),
    ROVER: ("Rover", ("led", "imu", "robot", "ribot", "js", "version")),
    GREENHOUSE: (GREENHOUSE, ("temperature", "humidity", "led", "position")),
    LAMP: ("Desk lamp", ("led", "text", "js", "temperature")),
}

PROTOCOLS: Final = {WEATHER: "CoAP", ROVER: "CoAP", GREENHOUSE: "MQTT", LAMP: "WebSocket"}

SEEN: Final[dict[str, Any]] = {
    "name": "Laboratory",
    "protocol": "CoAPs",
    "os": "android",
    "board": "nrf52840dk",
    "mcu": "nrf52",
    "vendor": "Nordic",
    "ip": "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
    "version": "2.4.1",
    "eco2": "612ppm",
    "tvoc": "14ppb",
    "tsp": " 31ug/m3",
    "tlp": " 12ug/m3",
    "illuminance": "420lx",
    "uvindex": "3",
    "pressure": "101325.25 Pa",
    "temperature": "0°C",
    "suit_state": "6",
    "dwnld": "42",
    "twitter": "The kettle is on.",
    "webcam": "http://camera.test/now.jpg",
    "button": "0",
    "heater": "off",
    "soil_moisture": "7%",
    "count": 0,
    "nothing": None,
    "broken": "unavailable",
    "switches": {"door": True, "window": [False, {"angle": 12.5}], "note": "ajar"},
    "position": {"lat": 52.52, "lng": 13.405},
    "led": "1",
}
"""What the laboratory says, beside a course of its temperature."""


class Node(Protocol):
    """Any simulated node."""

    async def run(self) -> None: ...


@dataclass(frozen=True)
class Gateways:
    """Where nodes of each protocol find their gateway."""

    coap: CoapAdapter
    mqtt: MqttAdapter
    websocket: WebsocketAdapter

    def node(self, protocol: str, thing: Thing, uid: str, random: Random) -> Node:
        """A simulated node that is to live; by MQTT it cannot say its uid, and has it as its id."""
        if protocol == "CoAP":
            return CoapNode(
                thing,
                random,
                uid=uid,
                gateway_host="127.0.0.1",
                gateway_port=self.coap.port,
                host="127.0.0.1",
                ports=(0,),
            )
        if protocol == "MQTT":
            # Not as the gateway, which may have a name and a password of its own there.
            server = Server(self.mqtt.server.host, self.mqtt.server.port)
            return MqttNode(thing, uid, server, random)
        url = f"ws://127.0.0.1:{self.websocket.port}/node"
        return WebsocketNode(thing, url, random, uid=uid)


@asynccontextmanager
async def gateways_of_all(broker: RunningBroker) -> AsyncIterator[Gateways]:
    """A gateway of each protocol at a broker."""
    gateways = Gateways(
        CoapAdapter("127.0.0.1", 0),
        MqttAdapter(Server("embedded:127.0.0.1", 0), Random(1)),
        WebsocketAdapter("127.0.0.1", 0, max_nodes=10),
    )
    async with AsyncExitStack() as stack:
        for adapter in (gateways.coap, gateways.mqtt, gateways.websocket):
            gateway = running_gateway(adapter, broker.url, broker.ring, name=adapter.protocol)
            await stack.enter_async_context(gateway)
        yield gateways


class Elsewhere:
    """What runs in an event loop of its own, for tests that run in another."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.ended = asyncio.Event()
        self.url: str
        """Of the page."""

    def end(self) -> None:
        """Take it down."""
        self._loop.call_soon_threadsafe(self.ended.set)

    async def do(self, act: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What comes of something that is done where the stage is."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(act(), self._loop))


class Stage(Elsewhere):
    """All of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.broker: RunningBroker
        self.gateway: HandGateway
        self.things: dict[str, Thing] = {}

    async def report(self, uid: str, endpoint: str, value: Any) -> None:
        """A node of the hand says something."""
        await self.do(lambda: self.gateway.report(uid, endpoint, value))

    async def fail(self, reason: str) -> None:
        """Refuse the next command to a node of the hand."""

        async def act() -> None:
            await self.gateway.answer(await self.gateway.command(), "failed", reason)

        await self.do(act)


async def _furnish(stage: Stage, stack: AsyncExitStack) -> None:
    broker = await stack.enter_async_context(running_broker(accept_unsigned=True))
    stage.broker = broker
    stage.url = await stack.enter_async_context(
        running_dashboard(broker_host="127.0.0.1", broker_port=broker.port)
    )
    stage.gateway = await stack.enter_async_context(hand_gateway(broker))

    gateways = await stack.enter_async_context(gateways_of_all(broker))
    random = Random(7)
    for uid, (name, resources) in THINGS.items():
        names = ("board", "os", *resources)
        stage.things[uid] = Thing(names, random, period=1.0, name=name)
        node = gateways.node(PROTOCOLS[uid], stage.things[uid], uid, random)
        await stack.enter_async_context(living(node))
    await _others(stage.gateway)
    await eventually(lambda: all(_is_complete(broker, thing) for thing in stage.things.values()))


async def _others(gateway: HandGateway) -> None:
    await gateway.node(LABORATORY, **SEEN)
    for number in range(5):
        await gateway.report(LABORATORY, "temperature", f"{number - 2}°C")
    for uid, name, state in ((LATE, "Late bird", "late"), (OFFLINE, "Cellar", "offline")):
        await gateway.node(uid, name=name, protocol="MQTT")
        for endpoint, value in (("temperature", "4°C"), ("led", "0")):
            await gateway.report(uid, endpoint, value, ago=400)
        await gateway.availability(uid, state, 400)
    await gateway.node(DISCOVERED)


def _is_complete(broker: RunningBroker, thing: Thing) -> bool:
    """Whether the broker has heard of all resources of a thing."""
    for node in broker.core.nodes:
        name = node.resources.get("name")
        if name is not None and name.value == thing.values["name"]:
            return thing.values.keys() <= node.resources.keys()
    return False


@asynccontextmanager
async def living(node: Node) -> AsyncIterator[None]:
    """The node is there until the end of the block."""
    task = asyncio.create_task(node.run())
    try:
        yield
        assert not task.done(), "a node ended of its own accord"
    finally:
        task.cancel()
        await asyncio.wait({task})


@contextmanager
def standing() -> Iterator[Stage]:
    """A stage that stands until the end of the block."""
    with elsewhere(Stage, _furnish) as stage:
        yield stage


@contextmanager
def elsewhere(
    kind: Callable[[asyncio.AbstractEventLoop], S],
    furnish: Callable[[S, AsyncExitStack], Coroutine[Any, Any, None]],
) -> Iterator[S]:
    """Something in a thread of its own, until the end of the block; `furnish` brings it about."""
    ready: Future[S] = Future()

    async def run() -> None:
        stage = kind(asyncio.get_running_loop())
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(STARTING):
                await furnish(stage, stack)
            ready.set_result(stage)
            await stage.ended.wait()

    def live() -> None:
        try:
            asyncio.run(run())
        except BaseException as exc:
            if ready.done():
                raise
            ready.set_exception(exc)

    thread = threading.Thread(target=live, name="stage")
    thread.start()
    try:
        yield ready.result()
    finally:
        if not ready.exception():
            ready.result().end()
        thread.join()
