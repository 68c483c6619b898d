# SPDX-License-Identifier: BSD-3-Clause
"""Measures the broker and its peers: ``python -m benchmarks.run``, or ``make bench``."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.build import BuildFailed, compiled, install
from benchmarks.generator import GeneratorFailed
from benchmarks.measures import FULL, QUICK, Bench, MeasureFailed, Scale
from benchmarks.peers import PeerFailed
from benchmarks.report import Run, line, write
from benchmarks.rows import ROWS, Results, Row
from benchmarks.sockets import HandshakeFailed

PAGE: Final = Path(__file__).parent.parent / "docs" / "performance.md"
FILES: Final = 6000
"""Open files that a whole run needs."""


def measure(
    bench: Bench, rows: Sequence[Row], rounds: int, deadline: float
) -> tuple[dict[str, Results], int]:
    """All rows, `rounds` times or until `deadline` (of the steady clock); how often it was.

    The contestants take turns, so that whatever else goes on in the machine is everybody's. What
    is measured once comes last, whatever the time.
    """
    results = {row.key: Results() for row in rows}
    longest, done = 0.0, 0
    while done < rounds:
        began = time.monotonic()
        if done and began + longest > deadline:
            break
        done += 1
        for row in rows:
            if not row.once:
                _measure_all(bench, row, results[row.key], f"{done}/{rounds}")
        longest = max(longest, time.monotonic() - began)
    for row in rows:
        if row.once:
            _measure_all(bench, row, results[row.key], "once")
    return results, done


def _measure_all(bench: Bench, row: Row, results: Results, which: str) -> None:
    print(f"[{which}] {row.title}", flush=True)
    for name in row.contestants:
        _measure_one(bench, row, name, results)


def _measure_one(bench: Bench, row: Row, name: str, results: Results) -> None:
    figures = None
    try:
        figures = row.contestants[name](bench)
    except (GeneratorFailed, HandshakeFailed, MeasureFailed, PeerFailed, OSError) as exc:
        results.failures[name] = str(exc).strip().replace("\n", " ")
    results.figures.setdefault(name, []).append(figures)
    last = Results({name: [figures]}, dict(results.failures))
    print(f"      {name:32} {line(row, name, last)}", flush=True)


def _chosen(keys: Iterable[str] | None, *, quick: bool) -> list[Row]:
    if keys is None:
        return [row for row in ROWS if row.brief or not quick]
    return [row for row in ROWS if row.key in set(keys)]


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    known = [row.key for row in ROWS]
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute; proves little")
    parser.add_argument("--rounds", type=int, help="how often (default 3, quick: 1)")
    parser.add_argument("--rows", nargs="+", choices=known, metavar="ROW", help=", ".join(known))
    parser.add_argument("--minutes", type=float, default=15, help="no round begins that ends later")
    parser.add_argument(
        "--page", type=Path, help=f"where to write (default {PAGE.name}, if all is measured)"
    )
    return parser.parse_args(words)


def _scale(quick: bool) -> Scale:
    if machine.raise_file_limit() < FILES:
        raise BuildFailed(f"{FILES} open files are needed: raise the hard limit (ulimit -Hn).")
    return QUICK if quick else FULL


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status."""
    arguments = _arguments(words)
    rows = _chosen(arguments.rows, quick=arguments.quick)
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    deadline = time.monotonic() + 60 * arguments.minutes
    try:
        install(["gcc", "mosquitto", "nats-server"])
        scale = _scale(arguments.quick)
        load = compiled("load")
        compiled("reference")
    except (BuildFailed, subprocess.SubprocessError) as exc:
        print(exc, file=sys.stderr)
        return 1
    cores = machine.Cores.chosen()
    os.sched_setaffinity(0, {cores.generator})
    results, done = measure(Bench(load, cores, scale), rows, rounds, deadline)
    run = Run(
        date=datetime.now(UTC).date().isoformat(),
        machine=machine.description(),
        rounds=done,
        apart=cores.apart,
        reduced=scale is not FULL,
        rows=rows,
        results=results,
    )
    page = arguments.page
    if page is None and not arguments.quick and arguments.rows is None:
        page = PAGE
    if page is not None:
        write(run, page)
        print(f"Written: {page}")
    _verdict(run)
    return 0


def _verdict(run: Run) -> None:
    for row in run.rows:
        for goal in row.goals:
            reached = goal.reached(run.results[row.key])
            word = {True: "reached", False: "MISSED", None: "not measured"}[reached]
            print(f"{word:12} {row.title}: {goal.text}")


if __name__ == "__main__":
    sys.exit(main())
