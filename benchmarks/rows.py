# SPDX-License-Identifier: BSD-3-Clause
"""What is measured, on whom, and what is to be reached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from benchmarks.exported import exported
from benchmarks.gateways import CoapNodes, MqttNodes, WebsocketNodes, gateway
from benchmarks.measures import Bench, Figures, Scale
from benchmarks.memory import memory
from benchmarks.peers import (
    Broker,
    EachReference,
    Mosquitto,
    Nats,
    Original,
    OriginalClients,
    Peer,
    SharedReference,
    Unsigned,
)
from benchmarks.recorded import Recorded, Untimed

GATHER: Final = 64
"""Messages that a busy publisher puts into a frame."""


@dataclass(frozen=True)
class Metric:
    """One figure of a row."""

    key: str
    title: str
    unit: str
    scale: float = 1.0
    """What the figure is multiplied with to be shown in `unit`."""

    def shown(self, value: float) -> str:
        """The figure with about three digits that say something."""
        value *= self.scale
        digits = 0 if abs(value) >= 100 or value == 0 else 1 if abs(value) >= 10 else 2
        return f"{value:,.{digits}f}"


@dataclass(frozen=True)
class Goal:
    """What is to be reached: a figure, or its ratio to another contestant's in the same round."""

    text: str
    metric: str
    of: str
    bound: float
    against: str | None = None
    least: bool = False
    """Whether `bound` is the least that is wanted, not the most."""

    def values(self, results: "Results") -> list[float]:
        """One for each round in which all that is needed was measured."""
        mine = results.of(self.of)
        if self.against is None:
            return [each[self.metric] for each in mine if each]
        pairs = zip(mine, results.of(self.against), strict=False)
        return [a[self.metric] / b[self.metric] for a, b in pairs if a and b and b[self.metric]]

    def reached(self, results: "Results") -> bool | None:
        """Whether the median reaches it; None where nothing was measured."""
        values = self.values(results)
        if not values:
            return None
        middle = median(values)
        return middle >= self.bound if self.least else middle <= self.bound


@dataclass(frozen=True)
class Row:
    """One thing that is measured."""

    key: str
    title: str
    note: str
    metrics: Sequence[Metric]
    contestants: Mapping[str, Callable[[Bench], Figures]]
    goals: Sequence[Goal] = ()
    brief: bool = True
    """Whether it is measured, too, when there is only a minute."""
    once: bool = False
    """Whether it takes so long that it is measured once, after all rounds."""


@dataclass
class Results:
    """What came of a row: figures by contestant, one for each round, None where one failed."""

    figures: dict[str, list[Figures | None]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def of(self, contestant: str) -> list[Figures | None]:
        """The figures of one contestant."""
        return self.figures.get(contestant, [])

    def values(self, contestant: str, metric: str) -> list[float]:
        """One figure of one contestant, in all rounds that have it."""
        return [each[metric] for each in self.of(contestant) if each and metric in each]


OURS: Final = Broker.name
OURS_IN_ONE: Final = "aiot up"
PLAIN: Final = OriginalClients.name
_DELIVERIES: Final = Metric("deliveries", "deliveries", "1000/s", 1e-3)
_FAST: Final = (
    _DELIVERIES,
    Metric("delivered", "delivered", "%", 100),
    Metric("server", "server busy", "%", 100),
    Metric("generator", "generator busy", "%", 100),
)
_DELAYS: Final = (Metric("p50", "delay p50", "µs"), Metric("p99", "delay p99", "µs"))
_COST: Final = Metric("cost", "processor per delivery", "µs")


def _each(
    kinds: Sequence[type[Peer]], measure: Callable[[Bench, type[Peer]], Figures]
) -> dict[str, Callable[[Bench], Figures]]:
    def bound(kind: type[Peer]) -> Callable[[Bench], Figures]:
        return lambda bench: measure(bench, kind)

    return {kind.name: bound(kind) for kind in kinds}


def _saturated(
    key: str,
    title: str,
    size: Callable[[Bench], tuple[int, int]],
    kinds: Sequence[tuple[type[Peer], int]],
    goals: Sequence[Goal],
    *,
    brief: bool = True,
) -> Row:
    def measure(kind: type[Peer], gather: int) -> Callable[[Bench], Figures]:
        return lambda bench: bench.saturated(kind, *size(bench), gather)

    note = "As many messages as go through, publishers never far ahead of the slowest client."
    if any(gather > 1 for _kind, gather in kinds):
        note += f" Where a protocol can, {GATHER} messages to a frame from the publisher."
    else:
        note += " Each message in a frame of its own."
    contestants = {kind.name: measure(kind, gather) for kind, gather in kinds}
    return Row(key, title, note, _FAST, contestants, goals, brief)


def _over(against: str, bound: float, text: str, of: str = OURS) -> Goal:
    return Goal(text, "deliveries", of, bound, against, least=True)


_ONE_GOALS: Final = (_over(Mosquitto.name, 1.5, "at least 1.5 x Mosquitto"),)
_SOME_GOALS: Final = (
    _over(Mosquitto.name, 20, "at least 20 x Mosquitto"),
    _over(Nats.name, 1.3, "at least 1.3 x NATS"),
)

_THROUGHPUT: Final = (
    _saturated(
        "one",
        "1 gateway, 1 client, saturated",
        lambda _bench: (1, 1),
        [(Broker, GATHER), (Mosquitto, GATHER), (Nats, GATHER), (SharedReference, GATHER)],
        _ONE_GOALS,
    ),
    _saturated(
        "one-alone",
        "1 gateway, 1 client, saturated, nothing gathered",
        lambda _bench: (1, 1),
        [(Broker, 1), (Mosquitto, 1), (Nats, 1), (EachReference, 1), (Original, 1)],
        _ONE_GOALS,
        brief=False,
    ),
    _saturated(
        "some",
        "10 gateways, 100 clients, saturated",
        lambda bench: (bench.scale.gateways, bench.scale.some),
        [
            (Broker, GATHER),
            (OriginalClients, GATHER),
            (Mosquitto, GATHER),
            (Nats, GATHER),
            (EachReference, 1),
            (SharedReference, GATHER),
            (Original, 1),
        ],
        _SOME_GOALS,
    ),
    _saturated(
        "some-alone",
        "10 gateways, 100 clients, saturated, nothing gathered",
        lambda bench: (bench.scale.gateways, bench.scale.some),
        [(Broker, 1), (Mosquitto, 1), (Nats, 1), (SharedReference, 1)],
        _SOME_GOALS,
        brief=False,
    ),
    _saturated(
        "many",
        "10 gateways, 1000 clients, saturated",
        lambda bench: (bench.scale.gateways, bench.scale.many),
        [
            (Broker, GATHER),
            (OriginalClients, GATHER),
            (Mosquitto, GATHER),
            (Nats, GATHER),
            (EachReference, 1),
            (SharedReference, GATHER),
        ],
        (
            _over(Mosquitto.name, 20, "at least 20 x Mosquitto"),
            _over(Nats.name, 2, "at least 2 x NATS"),
        ),
    ),
)

_TURNS: Final = Row(
    "turns",
    "one message at a time, 100 clients",
    "The next message goes when all clients have the last one, so no two can share a write.",
    (_DELIVERIES, _COST, *_DELAYS),
    _each(
        (Broker, EachReference, Mosquitto, Nats),
        lambda bench, kind: bench.turns(kind, bench.scale.some),
    ),
    (_over(EachReference.name, 0.7, "at least 0.7 x the program in C with one send each"),),
)

_PACED_METRICS: Final = (_COST, *_DELAYS, Metric("server", "server busy", "%", 100))
_PACED_GOALS: Final = (
    Goal("processor per delivery at most 0.9 x Mosquitto's", "cost", OURS, 0.9, Mosquitto.name),
    Goal("delay p99 no longer than Mosquitto's", "p99", OURS, 1.0, Mosquitto.name),
)


def _paced(
    key: str,
    title: str,
    size: Callable[[Scale], tuple[int, float]],
    kinds: Sequence[type[Peer]],
    *,
    brief: bool = True,
) -> Row:
    return Row(
        key,
        title,
        "Messages at random moments. A server that is busy all the time cannot do as much: its"
        " delays say only for how long it could not.",
        _PACED_METRICS,
        _each(kinds, lambda bench, kind: bench.paced(kind, *size(bench.scale))),
        _PACED_GOALS,
        brief,
    )


_PACED: Final = (
    _paced(
        "some-paced",
        "10 gateways, 100 clients, 2500 messages/s",
        lambda scale: (scale.some, scale.some_rate),
        (Broker, OriginalClients, Mosquitto, Nats, EachReference),
    ),
    _paced(
        "some-gently",
        "10 gateways, 100 clients, 500 messages/s",
        lambda scale: (scale.some, scale.some_rate / 5),
        (Broker, Mosquitto, Nats),
        brief=False,
    ),
    _paced(
        "many-paced",
        "10 gateways, 1000 clients, 200 messages/s",
        lambda scale: (scale.many, scale.many_rate),
        (Broker, OriginalClients, Mosquitto, Nats, EachReference),
    ),
    _paced(
        "many-gently",
        "10 gateways, 1000 clients, 40 messages/s",
        lambda scale: (scale.many, scale.many_rate / 5),
        (Broker, Mosquitto, Nats),
        brief=False,
    ),
)


def _ping_pong(key: str, title: str, note: str, gap: float) -> Row:
    return Row(
        key,
        title,
        note,
        (*_DELAYS, _COST),
        _each(
            (Broker, Mosquitto, Nats, EachReference),
            lambda bench, kind: bench.turns(kind, 1, gap),
        ),
        (Goal("delay p50 at most 1.5 x Mosquitto's", "p50", OURS, 1.5, Mosquitto.name),),
    )


_PING: Final = (
    _ping_pong(
        "ping",
        "one message through an idle broker",
        "One gateway, one client; 5 ms of silence after each message.",
        0.005,
    ),
    _ping_pong(
        "ping-busy",
        "ping-pong",
        "One gateway, one client; the next message as soon as the last one has arrived.",
        0.0,
    ),
)

_SIGNING: Final = Row(
    "signing",
    "signatures on the gateway link",
    "One gateway, one client, each message in a frame of its own.",
    _FAST,
    {
        "signed": lambda bench: bench.saturated(Broker, 1, 1),
        "unsigned": lambda bench: bench.saturated(Unsigned, 1, 1),
    },
    (_over("unsigned", 0.7, "cost at most 30 % of what unsigned gateways reach", "signed"),),
)

_SNAPSHOT: Final = Row(
    "snapshot",
    "a client that comes to 10,000 nodes with 5 resources each",
    "From the attempt to connect to the last value; the first client after the last change.",
    (
        Metric("time", "time", "ms"),
        Metric("cost", "processor", "ms"),
        Metric("bytes", "size", "MB"),
    ),
    {
        "our client": lambda bench: bench.snapshot(Broker),
        "original client": lambda bench: bench.snapshot(OriginalClients),
    },
    (
        Goal("our client: at most 50 ms", "time", "our client", 50),
        Goal("original client: at most 100 ms", "time", "original client", 100),
        Goal(
            "our client: at most a third of the bytes",
            "bytes", "our client", 1 / 3, "original client",
        ),
    ),
)  # fmt: skip

_IDLE: Final = Row(
    "idle",
    "an idle client's connection",
    "Memory of the server's process for each of 1000 more connections; the kernel's is not in it.",
    (Metric("memory", "memory", "KB"),),
    _each((Broker, Mosquitto, Nats, Original), lambda bench, kind: bench.idle(kind)),
    (Goal("at most 5 KB", "memory", OURS, 5),),
)

_UNREAD: Final = Row(
    "unread",
    "a client that never reads, among 100, for 1,000,000 updates",
    "Growth is the highest that memory ever was, over what it was before. In the end the client"
    " reads what there is for it; stale are the resources whose newest value it does not learn.",
    (
        _DELIVERIES,
        Metric("lost", "lost by the others", ""),
        Metric("growth", "growth", "MB"),
        Metric("stale", "stale", ""),
    ),
    {
        "one never reads": lambda bench: bench.unread(Broker, silent=True),
        "all read": lambda bench: bench.unread(Broker, silent=False),
    },
    (
        Goal("grows by at most 2 MB", "growth", "one never reads", 2),
        Goal("the others lose nothing", "lost", "one never reads", 0),
        Goal("it ends with the current state", "stale", "one never reads", 0),
        _over("all read", 0.95, "the others are not slower (at least 0.95 x)", "one never reads"),
    ),
)

_STORM: Final = Row(
    "storm",
    "5,000 clients, of whom 1,000 come back at once, with 10,000 nodes",
    "Time from the attempt to connect to the last value, of the slowest; meanwhile 5 messages/s"
    " go to the clients that stay, with their delay.",
    (
        Metric("time", "slowest complete", "s"),
        Metric("upgrade", "slowest upgrade", "s"),
        Metric("missing", "never complete", ""),
        Metric("refused", "refused at first", ""),
        Metric("closed", "others lost", ""),
        Metric("p99", "others' delay p99", "ms"),
        Metric("before", "memory before", "MB"),
        Metric("peak", "memory at most", "MB"),
    ),
    {OURS: lambda bench: bench.storm(Broker)},
    (
        Goal("all are complete", "missing", OURS, 0),
        Goal("nobody waits more than 10 s for the upgrade", "upgrade", OURS, 10),
        Goal("nobody is thrown out", "closed", OURS, 0),
    ),
)

_GATEWAYS: Final = Row(
    "gateways",
    "one gateway with 1,000 nodes",
    "All nodes come at once: the time until the broker knows each with its value, and what the"
    " gateway's memory grew by. Then as many of their readings as go through.",
    (
        Metric("came", "all known after", "s"),
        Metric("memory", "memory per node", "KB"),
        Metric("readings", "readings", "1000/s", 1e-3),
        Metric("cost", "processor per reading", "µs"),
        Metric("server", "gateway busy", "%", 100),
    ),
    {
        "CoAP": lambda bench: gateway(bench, CoapNodes),
        "MQTT": lambda bench: gateway(bench, MqttNodes),
        "websocket": lambda bench: gateway(bench, WebsocketNodes),
    },
)

_RECORD: Final = Row(
    "record",
    "readings stored in SQLite for 20 s, 1,000 series",
    "From messages as the broker sends them to what is in the file for good: decoding, splitting"
    " number and unit, batches, one transaction each, flushed to the disk. One process on both"
    " cores makes up the messages too; the broker is not in it, and each text comes again often.",
    (
        Metric("stored", "stored", "1000/s", 1e-3),
        Metric("size", "size of a reading", "bytes"),
        Metric("batch", "readings in a transaction", ""),
    ),
    {OURS: lambda bench: memory(bench, "record")},
    (Goal("at least 100,000 a second", "stored", OURS, 100_000, least=True),),
)

_LIVE: Final = Row(
    "live",
    "10 gateways, 10 clients, 500 messages/s, while all of it is stored",
    "What live readings notice of a recorder, which has a process of its own and shares the two"
    " cores with broker and generator. Two brokers run side by side, one with a recorder and one"
    " without, and carry the same load in turn, 24 short turns each. Ratios are of pairs that"
    " follow each other: the median, and between which two half of them lie.",
    (
        Metric("ratio", "delay p50 beside one without", "x"),
        Metric("quarter", "a quarter is below", "x"),
        Metric("quarters", "a quarter is above", "x"),
        Metric("ratio99", "delay p99 beside one without", "x"),
        Metric("alone", "p50 without", "µs"),
        Metric("beside", "p50", "µs"),
    ),
    {Recorded.name: lambda bench: bench.beside((Untimed, Recorded), 10, 500.0)},
    (
        Goal("delay p50 at most 1.1 x that without", "ratio", Recorded.name, 1.1),
        Goal("delay p99 at most 1.2 x that without", "ratio99", Recorded.name, 1.2),
    ),
)

_LOOP: Final = Row(
    "loop",
    "everything in one process: what the event loop notices of storing",
    "By how much a task that wants to run each 2 ms comes late, as a broker's next delivery would,"
    " while the recorder that lives on the same loop stores nothing, 1,000 or 10,000 readings a"
    " second in SQLite. Seconds of each in turn in one process, 10 of each.",
    (
        Metric("quiet50", "nothing, p50", "µs", 1e6),
        Metric("some50", "1,000/s, p50", "µs", 1e6),
        Metric("much50", "10,000/s, p50", "µs", 1e6),
        Metric("quiet99", "nothing, p99", "µs", 1e6),
        Metric("some99", "1,000/s, p99", "µs", 1e6),
        Metric("much99", "10,000/s, p99", "µs", 1e6),
        Metric("later", "p99 of 1,000/s less that of nothing", "µs", 1e6),
    ),
    {OURS_IN_ONE: lambda bench: memory(bench, "loop")},
    (Goal("1,000/s: p99 at most 2 ms later", "later", OURS_IN_ONE, 0.002),),
)

_EXPORT: Final = Row(
    "export",
    "10,000,000 readings as one CSV file",
    "From a store of SQLite through the REST API of `aiot-dashboard`, to a reader that takes a rest"
    " now and then. Growth is the most memory that the server ever had, over what it had before;"
    " the first reading of a smaller file has made it load what it needs. Measured once.",
    (
        Metric("growth", "growth", "MB", 1e-6),
        Metric("peak", "memory at most", "MB", 1e-6),
        Metric("rows", "readings", "1000/s", 1e-3),
        Metric("size", "file", "MB", 1e-6),
    ),
    {
        "1,000,000 readings": lambda bench: exported(bench, bench.scale.exported // 10),
        "10,000,000 readings": lambda bench: exported(bench, bench.scale.exported),
    },
    (
        Goal(
            "memory at most 1.1 x that of a tenth of them",
            "peak", "10,000,000 readings", 1.1, "1,000,000 readings",
        ),
    ),
    brief=False,
    once=True,
)  # fmt: skip

_COURSE: Final = Row(
    "course",
    "500 points of a series at 1 Hz, from SQLite",
    "Lowest, mean and highest of each point, so that no extreme is left out; from the pool's"
    " connection to the last point, the file in the system's cache. A day is read from its 86,400"
    " readings, as before the first summary, and from the minutes made of them; a year from its"
    " hours, which are put there as they would have been made.",
    (
        Metric("day", "day, from minutes", "ms", 1e3),
        Metric("raw", "day, from readings", "ms", 1e3),
        Metric("year", "year, from hours", "ms", 1e3),
    ),
    {OURS: lambda bench: memory(bench, "course")},
    (
        Goal("a day within 30 ms", "day", OURS, 0.03),
        Goal("a day of readings within 30 ms", "raw", OURS, 0.03),
        Goal("a year within 50 ms", "year", OURS, 0.05),
    ),
)

ROWS: Final = (
    *_THROUGHPUT,
    _TURNS,
    *_PACED,
    *_PING,
    _SIGNING,
    _SNAPSHOT,
    _IDLE,
    _UNREAD,
    _STORM,
    _GATEWAYS,
    _RECORD,
    _LIVE,
    _LOOP,
    _COURSE,
    _EXPORT,
)
