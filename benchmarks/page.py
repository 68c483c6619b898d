# SPDX-License-Identifier: BSD-3-Clause
"""Measures the page before a crowd of nodes: ``python -m benchmarks.page``, or ``make bench-page``.

A real broker and a real dashboard, a gateway that signs and reports for all nodes, and Chromium,
all on this machine. Each figure is the best of the rounds: whatever else the machine does can
only make it worse.

* main thread: what the page's own thread used of a core (its processor time), and of that how much
  scripts, styles and layout did;
* page, browser: what the page's process, and all processes of the browser with those that draw,
  used of a core. Without a graphics card, as here, drawing is work for the processor as well;
* longest: the longest time between two frames; dropped: frames that took more than 100 ms;
* heap: how much more JavaScript was in use at the end than in the beginning, rubbish apart.
"""

import argparse
import json
import math
import os
import re
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from benchmarks.devtools import Browser, BrowserFailed
from benchmarks.machine import Cores
from benchmarks.peers import Broker, PeerFailed, Server, announcement
from benchmarks.sockets import HandshakeFailed, Socket

DROPPED: Final = 100.0
"""Milliseconds after which a frame counts as dropped."""
GOAL: Final = 0.5
"""Of a core."""
TICK: Final = 0.01
"""Seconds between two frames of the gateway."""

OSES: Final = ("riot", "micropython", "android")
BOARDS: Final = ("samr21-xpro", "iotlab-m3", "pycom", "native")
PROTOCOLS: Final = ("CoAP", "MQTT", "WebSocket")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is to do."""

    nodes: int = 2500
    rate: float = 2500.0
    """Updates per second, by all nodes together."""
    seconds: float = 5.0
    """For which each view is watched."""
    warmup: float = 2.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one view. Shares are of a core; times are in milliseconds where nothing else is said."""

    shown: float
    """Seconds until the first node is in sight."""
    main: float
    script: float
    style: float
    layout: float
    page: float
    browser: float
    frames: float
    """Per second."""
    longest: float
    dropped: int
    heap: float
    """Bytes more."""
    elements: float
    """Of the document, with those of its texts."""
    updates: float
    """Per second, that the broker sent to the page."""

    def best(self, other: "Figures | None") -> "Figures":
        """The better of both, figure by figure."""
        if other is None:
            return self
        better = {
            each.name: (max if each.name in {"frames", "updates"} else min)(
                getattr(self, each.name), getattr(other, each.name)
            )
            for each in fields(self)
        }
        return Figures(**better)


class Dashboard(Server):
    """`aiot-dashboard` with its defaults, at a broker."""

    name = "aiot-dashboard"

    def __init__(self, core: int, broker: Broker) -> None:
        super().__init__(core)
        self._broker = broker

    def command(self) -> Sequence[str | Path]:
        """The command that users run."""
        return [
            Path(sys.executable).with_name("aiot-dashboard"),
            f"--web-port={self.port}",
            "--web-host=127.0.0.1",
            f"--broker-port={self._broker.port}",
            "--broker-host=127.0.0.1",
        ]


class Crowd:
    """A gateway with many nodes, each of which measures something all the time."""

    def __init__(self, broker: Broker, scale: Scale) -> None:
        self._scale = scale
        self._socket = Socket(broker.port)
        _key, self._session = broker.keys.join(self._socket)
        self._send([announcement(_uid(number)) for number in range(scale.nodes)])
        self._send(list(self._still()))
        self._socket.settle()
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._report)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Nodes report until the end of the block."""
        self._running.set()
        self._thread.start()
        try:
            yield
        finally:
            self._running.clear()
            self._thread.join()
            self._socket.close()

    def _still(self) -> Iterator[bytes]:
        now = time.time()
        for number in range(self._scale.nodes):
            # Nodes in places all over the world, each some way from all others.
            turn = number * math.pi * (3 - math.sqrt(5))
            lat = math.degrees(math.asin(1 - 2 * (number + 0.5) / self._scale.nodes)) * 0.8
            lng = math.degrees(turn) % 360 - 180
            for endpoint, value in (
                ("protocol", PROTOCOLS[number % len(PROTOCOLS)]),
                ("name", f"Node {number}"),
                ("os", OSES[number % len(OSES)]),
                ("board", BOARDS[number % len(BOARDS)]),
                ("led", str(number % 2)),
                ("position", f'{{"lat":{lat:.5f},"lng":{lng:.5f}}}'),
                ("temperature", "20.0°C"),
                ("humidity", "40.0%"),
            ):
                yield _update(number, endpoint, value, now)

    def _report(self) -> None:
        began = time.monotonic()
        sent = 0
        while self._running.is_set():
            time.sleep(TICK)
            due = int((time.monotonic() - began) * self._scale.rate)
            now = time.time()
            self._send([self._reading(each, now) for each in range(sent, due)])
            sent = due

    def _reading(self, count: int, now: float) -> bytes:
        turn, number = divmod(count, self._scale.nodes)
        course = math.sin(turn / 5 + number)
        if turn % 2:
            return _update(number, "humidity", f"{45 + 10 * course:.1f}%", now)
        return _update(number, "temperature", f"{23 + 3 * course:.1f}°C", now)

    def _send(self, messages: Sequence[bytes]) -> None:
        for start in range(0, len(messages), 256):
            together = b",".join(messages[start : start + 256])
            sealed = self._session.seal(b'{"type":"batch","messages":[%b]}' % together)
            self._socket.send(sealed)


def _uid(number: int) -> str:
    return f"crowd-{number:05}"


def _update(number: int, endpoint: str, value: str, now: float) -> bytes:
    data = json.dumps(value, ensure_ascii=False)
    return (
        f'{{"type":"update","uid":"{_uid(number)}","endpoint":"{endpoint}",'
        f'"data":{data},"dst":"all","time":{now:.3f}}}'
    ).encode()


WATCH: Final = """(() => {
  const seen = { frames: 0, longest: 0, dropped: 0, last: performance.now() };
  window.seen = seen;
  const frame = (now) => {
    const passed = now - seen.last;
    seen.last = now;
    seen.frames += 1;
    seen.longest = Math.max(seen.longest, passed);
    if (passed > DROPPED) seen.dropped += 1;
    if (window.seen === seen) requestAnimationFrame(frame);
  };
  requestAnimationFrame((now) => { seen.last = now; requestAnimationFrame(frame); });
})()""".replace("DROPPED", str(DROPPED))

SCROLL: Final = """(() => {
  const area = [...document.querySelectorAll("body *")].find(
    (each) => each.scrollHeight > each.clientHeight + 200
      && /auto|scroll/.test(getComputedStyle(each).overflowY)) ?? document.scrollingElement;
  let way = 1;
  const step = () => {
    if (!window.scrolls) return;
    const before = area.scrollTop;
    area.scrollTop += 25 * way;
    if (area.scrollTop === before) way = -way;
    requestAnimationFrame(step);
  };
  window.scrolls = true;
  requestAnimationFrame(step);
})()"""


@dataclass(frozen=True, slots=True)
class View:
    """A sight of the page, and what shows that it is there."""

    title: str
    address: str
    there: str
    scrolled: bool = False


VIEWS: Final[Mapping[str, View]] = {
    "cards": View("cards", "#/cards", "document.querySelector('[data-uid]')"),
    "cards-scrolled": View(
        "cards, scrolled", "#/cards", "document.querySelector('[data-uid]')", scrolled=True
    ),
    "table": View("table", "#/table", "document.querySelector('[data-uid]')"),
    "table-scrolled": View(
        "table, scrolled", "#/table", "document.querySelector('[data-uid]')", scrolled=True
    ),
    "map": View("map", "#/map", "document.querySelector('main canvas, main svg, main button')"),
    "detail": View(
        "detail of a node",
        f"#/cards?node={_uid(0)}&resource=temperature",
        "document.querySelector('main canvas')",
    ),
}


def watch(
    browser: Browser, stage: "Stage", view: View, scale: Scale, profile: Path | None = None
) -> Figures:
    """Open a view, and look at the browser for a while."""
    browser.open("about:blank")
    began = time.monotonic()
    browser.open(stage.url + view.address)
    browser.until(f"!!({view.there})")
    shown = time.monotonic() - began
    time.sleep(scale.warmup)
    heap = browser.heap()
    if view.scrolled:
        browser.ask(SCROLL)
    browser.ask(WATCH)
    if profile is not None:
        browser.call("Profiler.enable")
        browser.call("Profiler.setSamplingInterval", interval=500)
        browser.call("Profiler.start")
    first, spent, start = browser.metrics(), browser.processes(), time.monotonic()
    delivered = stage.deliveries()
    time.sleep(scale.seconds)
    last, used, end = browser.metrics(), browser.processes(), time.monotonic()
    delivered = stage.deliveries() - delivered
    seen = browser.ask("JSON.parse(JSON.stringify(window.seen))")
    if profile is not None:
        taken = browser.call("Profiler.stop")["profile"]
        profile.write_text(json.dumps(taken))
        print(hottest(taken))
    browser.ask("window.scrolls = window.seen = null")
    passed = end - start

    def share(name: str) -> float:
        return (last[name] - first[name]) / passed

    return Figures(
        shown=shown,
        main=share("TaskDuration"),
        script=share("ScriptDuration"),
        style=share("RecalcStyleDuration"),
        layout=share("LayoutDuration"),
        page=(used.get("renderer", 0.0) - spent.get("renderer", 0.0)) / passed,
        browser=(sum(used.values()) - sum(spent.values())) / passed,
        frames=seen["frames"] / passed,
        longest=seen["longest"],
        dropped=seen["dropped"],
        heap=browser.heap() - heap,
        elements=last["Nodes"],
        updates=delivered / passed,
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """What the page needs around it."""

    url: str
    broker: Broker

    def deliveries(self) -> float:
        """Messages that the broker has sent to the page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.broker.port}/metrics") as answer:
            text = answer.read().decode()
        match = re.search(r"^pyaiot_broker_deliveries_total (\S+)$", text, re.MULTILINE)
        return float(match[1]) if match else 0.0


@contextmanager
def staged(scale: Scale, core: int) -> Iterator[Stage]:
    """A broker with a crowd of nodes that report, and a dashboard."""
    with Broker(core) as broker, Dashboard(core, broker) as dashboard:
        crowd = Crowd(broker, scale)
        with crowd.reporting():
            yield Stage(f"http://127.0.0.1:{dashboard.port}/", broker)


def hottest(profile: Mapping[str, Any], most: int = 25) -> str:
    """Where the time of a processor profile went: functions by what they did themselves."""
    places = {}
    for node in profile["nodes"]:
        frame = node["callFrame"]
        script = frame["url"].rpartition("/")[2]
        where = f"{script}:{frame['lineNumber'] + 1}:{frame['columnNumber'] + 1}" if script else ""
        places[node["id"]] = f"{frame['functionName'] or '(anonymous)'} {where}"
    spent: dict[str, float] = {}
    for sample, delta in zip(profile["samples"], profile["timeDeltas"], strict=True):
        spent[places[sample]] = spent.get(places[sample], 0.0) + delta
    whole = sum(spent.values()) or 1.0
    rows = sorted(spent.items(), key=lambda each: -each[1])[:most]
    return "\n".join(f"  {100 * time / whole:5.1f} %  {place}" for place, time in rows)


COLUMNS: Final[Sequence[tuple[str, Callable[[Figures], str]]]] = (
    ("shown after", lambda each: f"{each.shown:.1f} s"),
    ("main thread", lambda each: f"{100 * each.main:.0f} %"),
    (
        "scripts/styles/layout",
        lambda each: f"{100 * each.script:.0f}/{100 * each.style:.0f}/{100 * each.layout:.0f} %",
    ),
    ("page", lambda each: f"{100 * each.page:.0f} %"),
    ("browser", lambda each: f"{100 * each.browser:.0f} %"),
    ("frames/s", lambda each: f"{each.frames:.0f}"),
    ("longest", lambda each: f"{each.longest:.0f} ms"),
    ("dropped", lambda each: f"{each.dropped}"),
    ("heap", lambda each: f"{each.heap / 1e6:+.1f} MB"),
    ("elements", lambda each: f"{each.elements:.0f}"),
    ("updates/s", lambda each: f"{each.updates:.0f}"),
)


def table(found: Mapping[str, Figures]) -> str:
    """The figures of all views, for a terminal."""
    rows = [["", *(title for title, _ in COLUMNS)]]
    rows += [[title, *(show(each) for _, show in COLUMNS)] for title, each in found.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    usual = Scale()
    parser = argparse.ArgumentParser(
        prog="benchmarks.page",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--nodes", type=int, default=usual.nodes)
    parser.add_argument("--rate", type=float, default=usual.rate, help="updates per second")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="for each view")
    parser.add_argument("--warmup", type=float, default=usual.warmup, help="seconds before that")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--views",
        nargs="+",
        choices=VIEWS,
        default=list(VIEWS),
        metavar="VIEW",
        help=", ".join(VIEWS),
    )
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="FOLDER",
        help="write profiles for DevTools there, and tell what took longest",
    )
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status."""
    options = _arguments(words)
    scale = Scale(options.nodes, options.rate, options.seconds, options.warmup)
    views = [VIEWS[name] for name in dict.fromkeys(options.views)]
    found: dict[str, Figures] = {}
    try:
        with staged(scale, Cores.chosen().server) as stage:
            for number in range(options.rounds):
                for view in views:
                    profile = None
                    if options.profile is not None:
                        options.profile.mkdir(parents=True, exist_ok=True)
                        profile = options.profile / f"{view.title}.cpuprofile"
                    print(f"[{number + 1}/{options.rounds}] {view.title}", file=sys.stderr)
                    # A browser of its own: what one view left behind is not the next one's.
                    with Browser() as browser:
                        figures = watch(browser, stage, view, scale, profile)
                    found[view.title] = figures.best(found.get(view.title))
    except (BrowserFailed, HandshakeFailed, PeerFailed, OSError) as exc:
        print(f"benchmarks.page: {exc}", file=sys.stderr)
        return 1
    print(
        f"{scale.nodes} nodes, {scale.rate:.0f} updates/s, {os.cpu_count()} cores,"
        f" best of {options.rounds} x {scale.seconds:.0f} s"
    )
    print(table(found))
    print(f"Goal in cards and table: browser below {100 * GOAL:.0f} %, nothing dropped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
