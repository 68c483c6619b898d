# SPDX-License-Identifier: BSD-3-Clause
"""A bench of the smallest size; its figures mean nothing."""

import os
from pathlib import Path

import pytest

from benchmarks.build import compiled
from benchmarks.machine import Cores
from benchmarks.measures import TINY, Bench
from tests.programs import require


@pytest.fixture(scope="session")
def load() -> Path:
    require("gcc", "gcc")
    return compiled("load")


@pytest.fixture
def bench(load: Path) -> Bench:
    # One core for both, so that the generator sleeps where it has nothing to do.
    core = min(os.sched_getaffinity(0))
    return Bench(load, Cores(core, core), TINY)
