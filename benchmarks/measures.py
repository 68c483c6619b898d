# SPDX-License-Identifier: BSD-3-Clause
"""How each thing is measured, on any of the peers: one start of a server, one set of figures."""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final, TypeAlias

from benchmarks.generator import Delays, Mode, Outcome, Plan, Publisher, run
from benchmarks.machine import Cores, forget_peak, memory, peak, resident
from benchmarks.peers import Broker, Peer
from benchmarks.readings import Reading, of_gateway, still
from benchmarks.sockets import CLOSE, HandshakeFailed, Socket

Figures: TypeAlias = dict[str, float]

MICRO: Final = 1e6
MILLI: Final = 1e3
AHEAD: Final = 20_000
"""Messages that may be under way while as many as possible are sent."""
PATIENCE: Final = 20.0


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    seconds: float = 1.5
    """Measured, of each run."""
    warmup: float = 0.5
    gateways: int = 10
    some: int = 100
    """Clients."""
    many: int = 1000
    some_rate: float = 2500.0
    """Messages per second to `some` clients, when not as many as possible are sent."""
    many_rate: float = 200.0
    nodes: int = 10_000
    """With five resources each."""
    idle: int = 1000
    updates: int = 1_000_000
    """That one client does not read."""
    crowd: int = 5000
    returning: int = 1000
    """Clients of the crowd that come back at once."""
    gateway_nodes: int = 1000
    """Nodes of one gateway."""
    pairs: int = 24
    """How often two servers that run side by side are measured in turn."""
    turn: float = 0.6
    """Seconds of each of these measurements."""
    storing: float = 20.0
    """Seconds for which readings are stored."""
    exported: int = 10_000_000
    """Readings that come out in one file; and a tenth of them."""


FULL: Final = Scale()
QUICK: Final = Scale(
    seconds=0.25, warmup=0.1, many=150, some_rate=1500.0, nodes=2000, idle=200,
    updates=60_000, crowd=500, returning=200, gateway_nodes=100,
    pairs=6, turn=0.3, storing=2.0, exported=100_000,
)  # fmt: skip
TINY: Final = Scale(
    seconds=0.15, warmup=0.05, gateways=2, some=3, many=5, some_rate=200.0, many_rate=100.0,
    nodes=20, idle=10, updates=2000, crowd=8, returning=4, gateway_nodes=3,
    pairs=2, turn=0.1, storing=0.5, exported=10_000,
)  # fmt: skip


class MeasureFailed(Exception):
    """What came out is no measurement."""


@dataclass(frozen=True)
class Bench:
    """Where measurements take place."""

    load: Path
    """The load generator."""
    cores: Cores
    scale: Scale

    @contextmanager
    def running(
        self, kind: type[Peer], gateways: int, clients: int, gather: int = 1
    ) -> Iterator[tuple[Peer, list[Publisher], list[Socket]]]:
        """A server with publishers and subscribers."""
        with (
            kind(self.cores.server) as peer,
            _publishers(peer, gateways, gather) as publishers,
            _subscribers(peer, clients) as subscribers,
        ):
            yield peer, publishers, subscribers

    def saturated(self, kind: type[Peer], gateways: int, clients: int, gather: int = 1) -> Figures:
        """As much as goes through."""
        with self.running(kind, gateways, clients, gather) as (peer, publishers, subscribers):
            outcome = self._run("saturated", peer, publishers, subscribers, ahead=AHEAD)
        return {
            "deliveries": outcome.arrived / outcome.seconds,
            "delivered": outcome.delivered,
            "server": outcome.server_cpu / outcome.seconds,
            "generator": outcome.busy / outcome.seconds,
        }

    def paced(self, kind: type[Peer], clients: int, rate: float) -> Figures:
        """What a moderate load costs, and how long messages take."""
        with self.running(kind, self.scale.gateways, clients) as (peer, publishers, subscribers):
            outcome = self._run("paced", peer, publishers, subscribers, rate=rate)
        return {
            "cost": outcome.server_cpu / outcome.arrived * MICRO,
            "p50": outcome.delay.p50 * MICRO,
            "p99": outcome.delay.p99 * MICRO,
            "server": outcome.server_cpu / outcome.seconds,
            "delivered": outcome.delivered,
        }

    def beside(self, kinds: tuple[type[Peer], type[Peer]], clients: int, rate: float) -> Figures:
        """How long messages take through the second of two, compared with the first.

        Both run all the time. They are measured in many short turns, as close to each other as can
        be and each as often before as after the other, so that whatever else goes on in the
        machine is both's; and what is compared is each pair.
        """
        short = replace(self, scale=replace(self.scale, seconds=self.scale.turn, warmup=0.2))
        pairs = []
        with kinds[0](self.cores.server) as one, kinds[1](self.cores.server) as other:
            for number in range(self.scale.pairs):
                order = (one, other) if number % 2 else (other, one)
                delay = {peer: short.delay(peer, clients, rate) for peer in order}
                # On a machine that others keep busy nothing may arrive in so short a time.
                if delay[one].p50 and delay[other].p50:
                    pairs.append((delay[one], delay[other]))
        if len(pairs) <= self.scale.pairs // 2:
            raise MeasureFailed("too little arrived in most turns")
        ratios = sorted(second.p50 / first.p50 for first, second in pairs)
        return {
            "alone": median(first.p50 for first, _ in pairs) * MICRO,
            "beside": median(second.p50 for _, second in pairs) * MICRO,
            "ratio": median(ratios),
            "quarter": ratios[len(ratios) // 4],
            "quarters": ratios[len(ratios) * 3 // 4],
            "ratio99": median(second.p99 / first.p99 for first, second in pairs),
        }

    def delay(self, peer: Peer, clients: int, rate: float) -> Delays:
        """How long messages take at a moderate load through a server that runs."""
        with (
            _publishers(peer, self.scale.gateways, 1) as publishers,
            _subscribers(peer, clients) as subscribers,
        ):
            return self._run("paced", peer, publishers, subscribers, rate=rate).delay

    def turns(self, kind: type[Peer], clients: int, gap: float = 0.0) -> Figures:
        """One message at a time: the next one goes when all clients have the last one."""
        with self.running(kind, 1, clients) as (peer, publishers, subscribers):
            outcome = self._run("turns", peer, publishers, subscribers, gap=gap)
        return {
            "deliveries": outcome.arrived / outcome.seconds,
            "cost": outcome.server_cpu / outcome.arrived * MICRO,
            "p50": outcome.delay.p50 * MICRO,
            "p99": outcome.delay.p99 * MICRO,
        }

    def idle(self, kind: type[Peer]) -> Figures:
        """What a connection costs on which nothing happens."""
        number = self.scale.idle
        with kind(self.cores.server) as peer, ExitStack() as stack:
            # What is needed once, or for many connections at once, is there by then.
            stack.enter_context(_subscribers(peer, max(number // 10, 2)))
            before = _settled_memory(peer.pid)
            stack.enter_context(_subscribers(peer, number))
            after = _settled_memory(peer.pid)
        return {"memory": (after - before) / number / 1024}

    def snapshot(self, kind: type[Broker]) -> Figures:
        """A client that comes to many nodes."""
        readings = still(self.scale.nodes)
        with kind(self.cores.server) as broker, broker.populate(readings):
            newcomers = broker.newcomers(1, len(readings))
            outcome = self._checked(
                Plan("storm", broker.pid, newcomers=newcomers, patience=PATIENCE)
            )
        return {
            "time": outcome.join.max * MILLI,
            "cost": outcome.server_cpu * MILLI,
            "bytes": outcome.newcomer_bytes / 1e6,
        }

    def unread(self, kind: type[Broker], *, silent: bool) -> Figures:
        """Clients that read; with `silent`, one among them that does not until all is over."""
        scale = self.scale
        with (
            kind(self.cores.server) as peer,
            _subscribers(peer, scale.some - 1) as readers,
            ExitStack() as stack,
        ):

            def told(publishers: Sequence[Publisher], count: int) -> Outcome:
                return self._checked(
                    Plan(
                        "saturated", peer.pid, publishers, readers, seconds=120, ahead=AHEAD,
                        count=count, patience=PATIENCE, dump=True, spin=self.cores.apart,
                    )
                )  # fmt: skip

            # The memory that it takes to be busy at all is there before it is measured.
            with _publishers(peer, scale.gateways, 64) as publishers:
                told(publishers, scale.updates // 4)
            publishers = stack.enter_context(_publishers(peer, scale.gateways, 64))
            sleeper = stack.enter_context(peer.subscriber()) if silent else None
            before = resident(peer.pid)
            forget_peak(peer.pid)
            outcome = told(publishers, scale.updates)
            figures: Figures = {
                "deliveries": outcome.total_arrived / outcome.last_arrival,
                "growth": (peak(peer.pid) - before) / 1e6,
                "lost": outcome.total_sent * len(readers) - outcome.total_arrived,
            }
            if sleeper is not None:
                figures["stale"] = _stale(sleeper, _expected(publishers, outcome))
        return figures

    def storm(self, kind: type[Broker]) -> Figures:
        """Many clients that come back at once, among more that stay."""
        scale = self.scale
        readings = still(scale.nodes)
        with kind(self.cores.server) as broker, ExitStack() as stack:
            stack.enter_context(broker.populate(readings))
            publisher = broker.publisher(of_gateway(0))
            stack.enter_context(publisher.socket)
            staying = scale.crowd - scale.returning
            stayers = stack.enter_context(_subscribers(broker, staying))
            leavers = [broker.greeter() for _ in range(scale.returning)]
            before = resident(broker.pid)
            for each in leavers:
                each.close()
            forget_peak(broker.pid)
            outcome = self._checked(
                Plan(
                    "storm", broker.pid, [publisher], stayers,
                    broker.newcomers(scale.returning, len(readings)), rate=5, patience=60,
                    spin=self.cores.apart,
                )
            )  # fmt: skip
            highest = peak(broker.pid)
        return {
            "time": outcome.join.max,
            "upgrade": outcome.upgrade.max,
            "missing": scale.returning - outcome.complete,
            "refused": outcome.refused,
            "closed": outcome.closed,
            "p99": outcome.delay.p99 * MILLI,
            "before": before / 1e6,
            "peak": highest / 1e6,
        }

    def _run(
        self,
        mode: Mode,
        peer: Peer,
        publishers: Sequence[Publisher],
        subscribers: Sequence[Socket],
        *,
        ahead: int = 0,
        rate: float = 0.0,
        gap: float = 0.0,
    ) -> Outcome:
        scale = self.scale
        return self._checked(
            Plan(
                mode, peer.pid, publishers, subscribers, seconds=scale.seconds,
                warmup=scale.warmup, ahead=ahead, rate=rate, gap=gap, spin=self.cores.apart,
                patience=2 + scale.seconds,
            )
        )  # fmt: skip

    def _checked(self, plan: Plan) -> Outcome:
        outcome = run(self.load, plan)
        if outcome.broken:
            raise MeasureFailed(f"{outcome.broken} connections brought what is no frame")
        if plan.mode != "storm":
            if outcome.closed:
                raise MeasureFailed(f"the server ended {outcome.closed} connections")
            if not outcome.total_arrived:
                raise MeasureFailed("nothing arrived")
        return outcome


@contextmanager
def _publishers(peer: Peer, number: int, gather: int) -> Iterator[list[Publisher]]:
    with ExitStack() as stack:
        publishers = []
        for index in range(number):
            publishers.append(peer.publisher(of_gateway(index), gather))
            stack.enter_context(publishers[-1].socket)
        yield publishers


@contextmanager
def _subscribers(peer: Peer, number: int) -> Iterator[list[Socket]]:
    # Side by side: Mosquitto looks for new connections only ten times a second.
    with ExitStack() as stack, ThreadPoolExecutor(32) as together:
        joining = [together.submit(peer.subscriber) for _ in range(number)]
        yield [stack.enter_context(each.result()) for each in joining]


def _settled_memory(pid: int) -> int:
    """Memory once what was under way is over."""
    last = memory(pid)
    for _ in range(20):
        time.sleep(0.1)
        now = memory(pid)
        if abs(now - last) < 16_384:
            return now
        last = now
    return last


def _reading(message: bytes) -> Reading:
    decoded = json.loads(message)
    return Reading(decoded["uid"], decoded["endpoint"])


def _expected(publishers: Sequence[Publisher], outcome: Outcome) -> dict[tuple[str, str], str]:
    """What the last value of each resource must be."""
    keys = [_reading(message) for each in publishers for message in each.messages]
    return {
        (key.uid, key.endpoint): f"@{last}"
        for key, last in zip(keys, outcome.last, strict=True)
        if int(last, 16)
    }


def _stale(sock: Socket, expected: dict[tuple[str, str], str]) -> int:
    """How many resources a client that reads at last does not learn the newest value of."""
    known: dict[tuple[str, str], str] = {}
    missing = len(expected)
    deadline = time.monotonic() + PATIENCE
    sock.socket.settimeout(2.0)
    while missing and time.monotonic() < deadline:
        try:
            opcode, payload = sock.receive()
        except (OSError, HandshakeFailed):
            break
        if opcode == CLOSE:
            break
        said = json.loads(payload)
        for message in said if isinstance(said, list) else [said]:
            if message["type"] == "update":
                known[message["uid"], message["endpoint"]] = message["data"]
        missing = sum(known.get(key) != value for key, value in expected.items())
    return missing
