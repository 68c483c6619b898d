# SPDX-License-Identifier: BSD-3-Clause
"""The contract of `pyaiot.gateway.adapter`, as tests that run on every adapter.

To run it on a protocol, say how to make its adapter and how one of its nodes behaves, at the far
end of real sockets::

    class CoapNode(Node): ...                     # announce, post, freeze, ...
    class CoapBench(Bench):
        protocol = "CoAP"
        naming = Naming.UNIQUE
        confirms = True
        ...

    class TestCoapAdapter(AdapterContract):       # the name must begin with Test
        @pytest.fixture
        async def bench(self) -> AsyncIterator[Bench]:
            yield CoapBench(free_port())          # end whatever it started after the yield

What a protocol does not have (a reboot, a refusal, a connection that ends) its bench says by the
flags below, and the tests of it are skipped. `running` runs an adapter for further tests of one's
own, with `Heard` as its gateway. ``memory.py`` beside this file is the smallest example.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import ClassVar

import pytest

from pyaiot.errors import CommandFailed, StartFailed
from pyaiot.gateway.adapter import Adapter, Address, Naming, Refusal, Sighting, Written
from pyaiot.model.node import checked_endpoint, checked_uid
from pyaiot.model.value import Value
from tests.waiting import eventually

REFUSED = "fuse"
"""The resource that a node of a bench with `refuses` has, but does not let anybody set."""

RESOURCES = {"name": "Bench Node", "led": "0", "temperature": "21.5°C", REFUSED: "intact"}
"""What the nodes of these tests hold; every value is text, which all protocols can carry."""

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2UiOiJkZXZpY2UifQ.c2lnbmF0dXJl"
"""What a device token looks like; whether it holds is not for adapters to say."""

REVOKED = Refusal("revoked", "This token has been revoked.")

PATIENCE = 0.3
"""Seconds after which a node that does not answer is given up here."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One call of `report`."""

    address: Address
    endpoint: str
    value: Value
    time: float | None


class Heard:
    """A gateway that only writes down what its adapter says; fits `Events`."""

    def __init__(self) -> None:
        self.sightings: list[tuple[Address, Sighting]] = []
        self.reports: list[Reported] = []
        self.losses: list[Address] = []
        self.refuse: Callable[[Sighting], Refusal | None] = lambda _: None
        """Who may not come; those are not among the sightings."""
        self.refused: list[Sighting] = []

    def seen(self, address: Address, sighting: Sighting) -> Refusal | None:
        refusal = self.refuse(sighting)
        if refusal is None:
            self.sightings.append((address, sighting))
        else:
            self.refused.append(sighting)
        return refusal

    def objection(self, sighting: Sighting) -> Refusal | None:
        return self.refuse(sighting)

    def report(
        self, address: Address, endpoint: str, value: Value, time: float | None = None
    ) -> None:
        self.reports.append(Reported(address, endpoint, value, time))

    def lost(self, address: Address) -> None:
        self.losses.append(address)

    def values(self, address: Address) -> dict[str, Value]:
        """The last value of each resource that was reported from `address`."""
        return {said.endpoint: said.value for said in self.reports if said.address == address}

    async def address_of(self, node: "Node") -> Address:
        """Where `node` was last seen; waits for it."""

        def found() -> list[Address]:
            return [at for at, sighting in self.sightings if node.is_named(sighting.name)]

        return (await eventually(found))[-1]


class Node(ABC):
    """A real node: it talks to the adapter over the protocol's own sockets, as firmware would."""

    name: str
    """The name it announces; unused where the protocol makes names up."""
    written: list[tuple[str, str]]
    """The resource and payload of each write that reached it."""

    def is_named(self, name: str) -> bool:
        """Whether a sighting under `name` is of this node."""
        return name == self.name

    @abstractmethod
    async def announce(self) -> None:
        """Say once that it is there."""

    @abstractmethod
    async def post(self, endpoint: str, value: str) -> None:
        """Report a value of its own accord."""

    @abstractmethod
    async def freeze(self) -> None:
        """Keep its sockets, but never answer anything from now on."""

    @abstractmethod
    async def babble(self) -> None:
        """Send what no parser of this protocol can like, of every kind that one can think of.

        It may lose its connection by that; its peers and the adapter must not notice.
        """

    async def reboot(self) -> None:
        """Say that it has rebooted (benches with `reboots`)."""
        raise NotImplementedError

    async def vanish(self) -> None:
        """End its connection, without any goodbye (benches with `connected`)."""
        raise NotImplementedError


class Bench(ABC):
    """Makes one adapter and nodes that can reach it."""

    protocol: ClassVar[str]
    naming: ClassVar[Naming]
    confirms: ClassVar[bool]
    """A write returns `confirmed`; otherwise the node's report after it does that."""
    reboots: ClassVar[bool] = False
    refuses: ClassVar[bool] = False
    connected: ClassVar[bool] = False
    """The end of a node's connection is `lost`."""
    carries_tokens: ClassVar[bool] = False
    """Nodes can show a device token."""
    forgets: ClassVar[bool] = True
    """A node that was expelled cannot be reached any more."""

    @abstractmethod
    def adapter(self) -> Adapter:
        """The adapter, not running yet; the tests call this once, before any `node`."""

    @abstractmethod
    def node(
        self, name: str, resources: dict[str, str], token: str = ""
    ) -> AbstractAsyncContextManager[Node]:
        """A node that can reach the adapter and holds `resources`; silent until it announces.

        It shows `token` where there is one (benches with `carries_tokens`).

        A write changes its value, except for `REFUSED` where the bench `refuses`. Where the bench
        does not `confirms`, the node reports the new value after it.
        """

    def unstartable(self) -> Adapter | None:
        """An adapter that cannot start (its port is taken), or None where there is no such."""
        return None


@asynccontextmanager
async def running(adapter: Adapter, heard: Heard | None = None) -> AsyncIterator[Heard]:
    """Run `adapter` until the end of the block; it must then end within a second."""
    heard = Heard() if heard is None else heard
    ready = asyncio.Event()
    task = asyncio.create_task(adapter.run(heard, ready.set))
    try:
        waiter = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiter}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        if task.done():
            await task
        assert ready.is_set(), "the adapter did not get ready"
        yield heard
        assert not task.done(), "run ended of its own accord"
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        assert task.done(), "run did not end within a second"
        if not task.cancelled():
            await task


class AdapterContract:
    """What every adapter does. Subclasses give the fixture `bench`: a new `Bench` per test."""

    @pytest.fixture
    def adapter(self, bench: Bench) -> Adapter:
        return bench.adapter()

    @pytest.fixture
    async def heard(self, adapter: Adapter) -> AsyncIterator[Heard]:
        async with running(adapter) as heard:
            yield heard

    @pytest.fixture
    async def node(self, bench: Bench, heard: Heard) -> AsyncIterator[Node]:
        """A node that has been seen."""
        async with bench.node("bench-1", dict(RESOURCES)) as node:
            await node.announce()
            await heard.address_of(node)
            yield node

    @pytest.fixture
    async def other(self, bench: Bench, heard: Heard) -> AsyncIterator[Node]:
        """A second node, by which the others are seen to go on."""
        async with bench.node("bench-2", dict(RESOURCES)) as other:
            await other.announce()
            await heard.address_of(other)
            yield other

    async def test_says_which_protocol_it_speaks(self, bench: Bench, adapter: Adapter) -> None:
        assert adapter.protocol == bench.protocol

    async def test_constructor_starts_nothing(self, bench: Bench) -> None:
        before = asyncio.all_tasks()
        bench.adapter()
        assert asyncio.all_tasks() == before

    async def test_leaves_no_task_behind(self, bench: Bench, adapter: Adapter) -> None:
        before = asyncio.all_tasks()
        async with running(adapter) as heard, bench.node("bench-1", dict(RESOURCES)) as node:
            await node.announce()
            await adapter.discover(await heard.address_of(node))
        await eventually(lambda: asyncio.all_tasks() <= before, 2)

    async def test_ends_while_a_node_keeps_it_waiting(self, bench: Bench, adapter: Adapter) -> None:
        async with running(adapter) as heard, bench.node("bench-1", dict(RESOURCES)) as node:
            await node.announce()
            address = await heard.address_of(node)
            await node.freeze()
            waiting = asyncio.create_task(adapter.discover(address))
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting}, timeout=1)
        assert waiting.done()
        if not waiting.cancelled() and (error := waiting.exception()) is not None:
            assert isinstance(error, CommandFailed)

    async def test_cannot_start(self, bench: Bench) -> None:
        adapter = bench.unstartable()
        if adapter is None:
            pytest.skip("nothing keeps this adapter from starting")
        with pytest.raises(StartFailed):
            async with asyncio.timeout(10):
                await adapter.run(Heard(), lambda: None)

    async def test_sees_a_node(self, bench: Bench, heard: Heard, node: Node) -> None:
        address, sighting = heard.sightings[0]
        assert address
        assert str(address).isprintable()
        assert sighting.naming is bench.naming
        assert node.is_named(sighting.name)
        assert checked_uid(sighting.name)
        assert not sighting.rebooted
        for endpoint in sighting.facts:
            assert checked_endpoint(endpoint) == endpoint

    async def test_sees_a_node_again_at_the_same_address(self, heard: Heard, node: Node) -> None:
        await node.announce()
        if len(heard.sightings) > 1 or await self._again(heard):
            (first, named), (second, renamed) = heard.sightings[0], heard.sightings[-1]
            assert first == second
            assert named.name == renamed.name

    async def _again(self, heard: Heard) -> bool:
        return await eventually(lambda: len(heard.sightings) > 1)

    async def test_tells_nodes_apart(self, heard: Heard, node: Node, other: Node) -> None:
        await node.post("temperature", "1°C")
        await other.post("temperature", "2°C")
        mine, others = await heard.address_of(node), await heard.address_of(other)
        assert mine != others
        await eventually(lambda: heard.values(mine).get("temperature") == "1°C")
        await eventually(lambda: heard.values(others).get("temperature") == "2°C")

    async def test_many_nodes_at_once(self, bench: Bench, heard: Heard) -> None:
        async def live(number: int) -> None:
            async with bench.node(f"many-{number}", dict(RESOURCES)) as node:
                await node.announce()
                address = await heard.address_of(node)
                await node.post("temperature", f"{number}°C")
                await eventually(
                    lambda: heard.values(address).get("temperature") == f"{number}°C",
                )

        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(live(number))

    async def test_tells_of_a_reboot(self, bench: Bench, heard: Heard, node: Node) -> None:
        if not bench.reboots:
            pytest.skip("nodes of this protocol do not tell when they reboot")
        before = heard.sightings[0][1]
        await node.reboot()
        await eventually(lambda: any(sighting.rebooted for _, sighting in heard.sightings))
        again = next(sighting for _, sighting in heard.sightings if sighting.rebooted)
        assert again.name == before.name

    async def test_tells_of_a_lost_node(self, bench: Bench, heard: Heard, node: Node) -> None:
        if not bench.connected:
            pytest.skip("this protocol has no connections")
        address = await heard.address_of(node)
        await node.vanish()
        await eventually(lambda: address in heard.losses)
        assert heard.losses == [address]

    async def test_reports_what_the_node_posts(self, heard: Heard, node: Node) -> None:
        address = await heard.address_of(node)
        await node.post("temperature", "23.4°C")
        await eventually(lambda: heard.values(address).get("temperature") == "23.4°C")
        assert heard.reports[-1].time is None or heard.reports[-1].time > 1e9

    async def test_reports_equal_values_each_time(self, heard: Heard, node: Node) -> None:
        for _ in range(2):
            await node.post("temperature", "23.4°C")
        await eventually(lambda: [said.value for said in heard.reports].count("23.4°C") == 2)

    async def test_reports_a_long_value(self, heard: Heard, node: Node) -> None:
        address = await heard.address_of(node)
        text = "long text °" * 100
        await node.post("text", text)
        await eventually(lambda: heard.values(address).get("text") == text)

    async def test_discovers_all_resources(
        self, adapter: Adapter, heard: Heard, node: Node
    ) -> None:
        address = await heard.address_of(node)
        await adapter.discover(address)
        await eventually(lambda: RESOURCES.items() <= heard.values(address).items())
        assert all(said.address == address for said in heard.reports)

    async def test_discovers_again(self, adapter: Adapter, heard: Heard, node: Node) -> None:
        address = await heard.address_of(node)
        await adapter.discover(address)
        await eventually(lambda: RESOURCES.items() <= heard.values(address).items())
        heard.reports.clear()
        await adapter.discover(address)
        await eventually(lambda: RESOURCES.items() <= heard.values(address).items())

    async def test_discovers_several_at_once(
        self, adapter: Adapter, heard: Heard, node: Node, other: Node
    ) -> None:
        mine, others = await heard.address_of(node), await heard.address_of(other)
        await asyncio.gather(adapter.discover(mine), adapter.discover(others))
        await eventually(lambda: RESOURCES.items() <= heard.values(mine).items())
        await eventually(lambda: RESOURCES.items() <= heard.values(others).items())

    async def test_cannot_discover_a_stranger(self, adapter: Adapter, heard: Heard) -> None:
        with pytest.raises(CommandFailed):
            await adapter.discover(Address("nowhere"))
        assert heard.reports == []

    async def test_frozen_node_delays_no_other_discovery(
        self, adapter: Adapter, heard: Heard, node: Node, other: Node
    ) -> None:
        frozen, others = await heard.address_of(node), await heard.address_of(other)
        await node.freeze()
        waiting = asyncio.create_task(self._give_up(adapter.discover(frozen)))
        await adapter.discover(others)
        await eventually(lambda: RESOURCES.items() <= heard.values(others).items())
        await waiting
        assert "temperature" not in heard.values(frozen)

    async def _give_up(self, attempt: object) -> None:
        """An attempt at a node that does not answer: it fails, or is cancelled at once.

        Where discovery is only asked for and the answers come later, it may as well return.
        """
        assert asyncio.iscoroutine(attempt)
        try:
            async with asyncio.timeout(PATIENCE):
                await attempt
        except (CommandFailed, TimeoutError):
            pass

    async def test_writes(self, bench: Bench, adapter: Adapter, heard: Heard, node: Node) -> None:
        address = await heard.address_of(node)
        written = await self._discovered_write(adapter, heard, address)
        await eventually(lambda: node.written == [("led", "1")])
        assert written.confirmed is bench.confirms
        if bench.confirms:
            assert written.value in {None, "1"}
        else:
            assert written.value is None
            await eventually(lambda: heard.values(address)["led"] == "1")

    async def _discovered_write(
        self, adapter: Adapter, heard: Heard, address: Address, payload: str = "1"
    ) -> Written:
        await adapter.discover(address)
        await eventually(lambda: RESOURCES.items() <= heard.values(address).items())
        return await adapter.write(address, "led", payload)

    @pytest.mark.parametrize("payload", ["", 'a: {b}, "c"', "ü°漢", "x" * 80])
    async def test_writes_any_text(
        self, adapter: Adapter, heard: Heard, node: Node, payload: str
    ) -> None:
        address = await heard.address_of(node)
        await self._discovered_write(adapter, heard, address, payload)
        await eventually(lambda: node.written == [("led", payload)])

    async def test_cannot_write_to_a_stranger(self, adapter: Adapter, heard: Heard) -> None:
        with pytest.raises(CommandFailed):
            await adapter.write(Address("nowhere"), "led", "1")
        assert heard.reports == []

    async def test_cannot_write_to_a_lost_node(
        self, bench: Bench, adapter: Adapter, heard: Heard, node: Node
    ) -> None:
        if not bench.connected:
            pytest.skip("this protocol has no connections")
        address = await heard.address_of(node)
        await node.vanish()
        await eventually(lambda: address in heard.losses)
        with pytest.raises(CommandFailed):
            await adapter.write(address, "led", "1")

    async def test_refused_write(
        self, bench: Bench, adapter: Adapter, heard: Heard, node: Node
    ) -> None:
        if not bench.refuses:
            pytest.skip("nodes of this protocol cannot refuse")
        address = await heard.address_of(node)
        with pytest.raises(CommandFailed) as caught:
            await adapter.write(address, REFUSED, "blown")
        assert caught.value.reason
        assert "\n" not in caught.value.reason

    async def test_frozen_node_delays_no_other_write(
        self, bench: Bench, adapter: Adapter, heard: Heard, node: Node, other: Node
    ) -> None:
        frozen, others = await heard.address_of(node), await heard.address_of(other)
        await node.freeze()
        waiting = asyncio.create_task(self._unconfirmed(adapter.write(frozen, "led", "1")))
        await adapter.write(others, "led", "1")
        await eventually(lambda: other.written == [("led", "1")])
        await waiting
        # What was given up must leave nothing behind that harms the next.
        await adapter.write(others, "led", "0")
        await eventually(lambda: other.written[-1] == ("led", "0"))
        assert bench.confirms or "led" not in heard.values(frozen)

    async def _unconfirmed(self, attempt: object) -> None:
        assert asyncio.iscoroutine(attempt)
        try:
            async with asyncio.timeout(PATIENCE):
                written = await attempt
        except (CommandFailed, TimeoutError):
            return
        assert not written.confirmed

    async def test_cancelled_write_ends_at_once(
        self, adapter: Adapter, heard: Heard, node: Node
    ) -> None:
        address = await heard.address_of(node)
        await node.freeze()
        attempt = asyncio.create_task(adapter.write(address, "led", "1"))
        await asyncio.sleep(0.05)
        attempt.cancel()
        done, _ = await asyncio.wait({attempt}, timeout=1)
        assert attempt in done

    async def test_garbage_harms_nobody(
        self,
        adapter: Adapter,
        heard: Heard,
        node: Node,
        other: Node,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        await node.babble()
        await other.post("temperature", "5°C")
        others = await heard.address_of(other)
        await eventually(lambda: heard.values(others).get("temperature") == "5°C")
        await adapter.discover(others)
        assert others not in heard.losses
        assert "Traceback" not in caplog.text

    async def test_shows_the_token_of_a_node(self, bench: Bench, heard: Heard) -> None:
        if not bench.carries_tokens:
            pytest.skip("nodes of this protocol cannot show a token")
        async with bench.node("bench-1", dict(RESOURCES), TOKEN) as node:
            await node.announce()
            await eventually(lambda: heard.sightings)
            await node.post("temperature", "1°C")
            await eventually(lambda: heard.reports)
            address, sighting = heard.sightings[-1]
            assert sighting.token == TOKEN
            assert TOKEN not in repr(sighting)
            assert TOKEN not in address
            await eventually(lambda: heard.values(address).get("temperature") == "1°C")

    async def test_discovers_and_writes_to_a_node_with_a_token(
        self, bench: Bench, adapter: Adapter, heard: Heard
    ) -> None:
        if not bench.carries_tokens:
            pytest.skip("nodes of this protocol cannot show a token")
        async with bench.node("bench-1", dict(RESOURCES), TOKEN) as node:
            await node.announce()
            (address, _), *_ = await eventually(lambda: heard.sightings)
            await self._discovered_write(adapter, heard, address)
            await eventually(lambda: node.written == [("led", "1")])

    async def test_tells_tokens_apart_whatever_nodes_call_themselves(
        self, bench: Bench, heard: Heard
    ) -> None:
        if not bench.carries_tokens:
            pytest.skip("nodes of this protocol cannot show a token")
        async with (
            bench.node("bench-1", dict(RESOURCES), TOKEN) as mine,
            bench.node("bench-1", dict(RESOURCES), f"{TOKEN}x") as other,
            bench.node("bench-1", dict(RESOURCES)) as stranger,
        ):
            said = {TOKEN: "1°C", f"{TOKEN}x": "2°C", "": "3°C"}
            for node in (mine, other, stranger):
                await node.announce()
            await eventually(lambda: {each.token for _, each in heard.sightings} == set(said))
            for node, value in zip((mine, other, stranger), said.values(), strict=True):
                await node.post("temperature", value)

            def told() -> bool:
                at = {sighting.token: address for address, sighting in heard.sightings}
                return all(heard.values(at[t]).get("temperature") == v for t, v in said.items())

            await eventually(told)

    async def test_refused_node_reports_nothing(
        self, bench: Bench, heard: Heard, other: Node
    ) -> None:
        known = len(heard.sightings)
        seen_before = {sighting.name for _, sighting in heard.sightings}
        heard.refuse = lambda each: REVOKED if each.name not in seen_before else None
        with suppress(Exception):  # it may be let into nothing at all
            async with bench.node("bench-1", dict(RESOURCES)) as node:
                await node.announce()
                await node.post("temperature", "1°C")
                await eventually(lambda: heard.refused, 2)
        await other.post("temperature", "2°C")
        await eventually(lambda: "2°C" in {said.value for said in heard.reports})
        assert "1°C" not in {said.value for said in heard.reports}
        assert {sighting.name for _, sighting in heard.sightings[known:]} <= seen_before

    async def test_expels_a_node(
        self, bench: Bench, adapter: Adapter, heard: Heard, node: Node, other: Node
    ) -> None:
        mine, others = await heard.address_of(node), await heard.address_of(other)
        name = next(each.name for at, each in heard.sightings if at == mine)
        heard.refuse = lambda each: REVOKED if each.name == name else None
        adapter.expel(mine, REVOKED)
        with suppress(Exception):  # its connection may have ended
            await node.post("temperature", "1°C")
        await other.post("temperature", "2°C")
        await eventually(lambda: heard.values(others).get("temperature") == "2°C")
        assert heard.values(mine).get("temperature") != "1°C"
        if bench.forgets:
            with pytest.raises(CommandFailed):
                await adapter.write(mine, "led", "1")
        await adapter.write(others, "led", "1")
        await eventually(lambda: other.written == [("led", "1")])

    async def test_expels_nobody(self, adapter: Adapter, heard: Heard, node: Node) -> None:
        adapter.expel(Address("nowhere"), REVOKED)
        await node.post("temperature", "1°C")
        mine = await heard.address_of(node)
        await eventually(lambda: heard.values(mine).get("temperature") == "1°C")
