# SPDX-License-Identifier: BSD-3-Clause
import pytest

from tests.contracts.adapter import AdapterContract, Bench
from tests.gateway.websocket.bench import PassingBench, SocketBench


class TestNamed(AdapterContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return SocketBench()


class TestNameless(AdapterContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return PassingBench()
