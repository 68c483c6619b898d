# SPDX-License-Identifier: BSD-3-Clause
"""The results as a page and as pictures."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.plot import Bar, chart
from benchmarks.rows import Goal, Metric, Results, Row

_INTRODUCTION: Final = """\
# Performance

How fast the broker is at what it does, against others that do the same. Everything that a user
has on is on: decoding and checking each message, the state of all nodes, permissions, bounded
queues, signatures on the gateway link. All brokers are used through their websocket listeners with
default settings, and carry the same readings, each in the words of its own protocol.

Written by `make bench`: {rounds}, the contestants in turn within each, each started anew every
time and bound to one core, the load generator (one thread in C) on {place}. Figures are medians,
with the least and the most in parentheses. Ratios are taken within a round. A generator that is
less busy than the server is not what limits it. The two programs in C do nothing but pass frames
on; they show what a core can do at all, and that the generator can do more.
{reduced}"""

_REDUCED: Final = """
**Sizes and times of this run were reduced (`--quick`): it proves little.**
"""


@dataclass(frozen=True)
class Run:
    """All that was measured."""

    date: str
    machine: Mapping[str, str]
    rounds: int
    apart: bool
    """Whether the generator had a core of its own."""
    reduced: bool
    """Whether sizes were not those that the rows speak of."""
    rows: Sequence[Row]
    results: Mapping[str, Results]


def write(run: Run, page: Path) -> None:
    """Write the page, and its pictures and figures to the folder of the same name beside it."""
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for row in run.rows:
        picture = drawn(row, run.results[row.key])
        if picture:
            (folder / f"{row.key}.svg").write_text(picture)
    (folder / "results.json").write_text(_raw(run))
    page.write_text(markdown(run, folder.name))


def markdown(run: Run, folder: str) -> str:
    """The page."""
    number = f"{run.rounds} rounds" if run.rounds != 1 else "one round"
    place = "another" if run.apart else "the same one, for there is no other"
    reduced = _REDUCED if run.reduced else ""
    introduction = _INTRODUCTION.format(rounds=number, place=place, reduced=reduced)
    lines = [introduction, *_machine(run), *_goals(run)]
    for row in run.rows:
        lines += _section(row, run.results[row.key], folder)
    return "\n".join(lines)


def drawn(row: Row, results: Results) -> str:
    """The picture of a row's first figure; empty if nothing was measured."""
    metric = row.metrics[0]
    bars = []
    for name in row.contestants:
        values = results.values(name, metric.key)
        if values:
            scaled = [value * metric.scale for value in values]
            ours = name in {goal.of for goal in row.goals}
            bars.append(Bar(name, scaled, metric.shown(median(values)), ours))
    unit = f"{metric.title}, {metric.unit}" if metric.unit else metric.title
    return chart(row.title, unit, bars) if bars else ""


def line(row: Row, name: str, results: Results) -> str:
    """One contestant's medians, for people who wait."""
    cells = [
        f"{metric.title} {metric.shown(median(values))} {metric.unit}".strip()
        for metric in row.metrics
        if (values := results.values(name, metric.key))
    ]
    return ", ".join(cells) or results.failures.get(name, "not measured")


def _machine(run: Run) -> Iterator[str]:
    yield f"Measured on {run.date}.\n"
    yield "| | |\n| --- | --- |"
    for name, value in run.machine.items():
        yield f"| {name} | {value} |"
    yield ""


def _goals(run: Run) -> Iterator[str]:
    yield "## Goals\n"
    yield "| | goal | measured | |\n| --- | --- | --- | --- |"
    for row in run.rows:
        title = row.title
        for goal in row.goals:
            yield f"| {title} | {goal.text} | {_measured(goal, run.results[row.key], row)} |"
            title = ""
    yield ""


def _measured(goal: Goal, results: Results, row: Row) -> str:
    values = goal.values(results)
    if not values:
        return "not measured | "
    metric = next(each for each in row.metrics if each.key == goal.metric)
    shown = Metric("", "", "").shown if goal.against is not None else metric.shown
    unit = " x" if goal.against is not None else f" {metric.unit}".rstrip()
    cell = f"{_spread(values, shown)}{unit}"
    return f"{cell} | {'reached' if goal.reached(results) else '**missed**'}"


def _spread(values: Sequence[float], shown: Callable[[float], str]) -> str:
    middle = shown(median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({shown(min(values))} to {shown(max(values))})"


def _section(row: Row, results: Results, folder: str) -> Iterator[str]:
    yield f"## {row.title[0].upper()}{row.title[1:]}\n\n{row.note}\n"
    yield f"![{row.title}]({folder}/{row.key}.svg)\n"
    heads = [f"{each.title}, {each.unit}" if each.unit else each.title for each in row.metrics]
    yield f"| | {' | '.join(heads)} |"
    yield f"| --- |{' ---: |' * len(heads)}"
    for name in row.contestants:
        cells = []
        for metric in row.metrics:
            values = results.values(name, metric.key)
            cells.append(_spread(values, metric.shown) if values else "")
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    for name, reason in results.failures.items():
        yield f"{name} failed at least once: {reason}\n"


def _raw(run: Run) -> str:
    figures = {row.key: run.results[row.key].figures for row in run.rows}
    whole = {"date": run.date, "machine": dict(run.machine), "figures": figures}
    return json.dumps(whole, indent=1) + "\n"
