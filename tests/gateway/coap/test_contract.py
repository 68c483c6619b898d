# SPDX-License-Identifier: BSD-3-Clause
import pytest

from tests.contracts.adapter import AdapterContract, Bench
from tests.gateway.coap.bench import CoapBench


class TestCoapAdapter(AdapterContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return CoapBench()
