# SPDX-License-Identifier: BSD-3-Clause
"""That the benchmark of the page runs. How fast anything is, is no matter for a test."""

import pytest

from benchmarks import page as bench
from benchmarks.devtools import Browser
from benchmarks.machine import Cores
from tests.programs import require

TINY = bench.Scale(nodes=12, rate=60, seconds=0.3, warmup=0.1)


@pytest.mark.parametrize("name", ["cards-scrolled", "table"])
def test_there_are_figures(page: None, name: str) -> None:
    del page
    require("chromium", "chromium")
    view = bench.VIEWS[name]
    with bench.staged(TINY, Cores.chosen().server) as stage, Browser() as browser:
        figures = bench.watch(browser, stage, view, TINY)
    assert figures.main > 0
    assert 0 < figures.page <= figures.browser
    assert figures.frames > 0
    assert figures.elements > 100
    assert figures.updates > 0
    assert view.title in bench.table({view.title: figures})


def test_the_best_of_two_is_the_best_of_each_figure() -> None:
    one = bench.Figures(1, 1, 1, 1, 1, 1, 1, 1, 20, 3, 5, 7, 50)
    two = bench.Figures(2, 2, 2, 2, 2, 2, 2, 2, 10, 4, 1, 9, 60)
    best = one.best(two)
    assert (best.main, best.frames, best.longest, best.dropped) == (1.0, 2.0, 10, 3)
    assert (best.heap, best.updates) == (1, 60)
    assert one.best(None) is one


def test_a_profile_tells_what_took_longest() -> None:
    def node(number: int, name: str) -> dict[str, object]:
        url = "http://127.0.0.1/assets/index.js"
        frame = {"functionName": name, "url": url, "lineNumber": number, "columnNumber": 0}
        return {"id": number, "callFrame": frame}

    nodes = [node(1, "slow"), node(2, "")]
    told = bench.hottest({"nodes": nodes, "samples": [1, 2, 1], "timeDeltas": [50, 20, 30]})
    assert told.splitlines() == [
        "   80.0 %  slow index.js:2:1",
        "   20.0 %  (anonymous) index.js:3:1",
    ]
