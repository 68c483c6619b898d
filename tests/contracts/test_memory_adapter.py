# SPDX-License-Identifier: BSD-3-Clause
"""The contract holds for the adapter that the gateway itself is tested with."""

import pytest

from tests.contracts.adapter import AdapterContract, Bench
from tests.contracts.memory import MemoryBench, UnconfirmedBench


class TestMemoryAdapter(AdapterContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return MemoryBench()


class TestUnconfirmedMemoryAdapter(AdapterContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return UnconfirmedBench()
