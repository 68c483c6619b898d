# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from pyaiot.gateway.adapter import Adapter
from pyaiot.gateway.mqtt.adapter import MqttAdapter
from pyaiot.gateway.mqtt.session import Server
from tests.contracts.adapter import AdapterContract, Bench
from tests.gateway.mqtt.bench import BrokerBench
from tests.mosquitto import free_port, mosquitto


class TestWithMosquitto(AdapterContract):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[Bench]:
        async with mosquitto(tmp_path) as port:
            yield BrokerBench("127.0.0.1", port)


class EmbeddedBench(BrokerBench):
    carries_tokens = True

    def unstartable(self) -> Adapter | None:
        return MqttAdapter(Server("embedded:203.0.113.1", 0, user="a", password="b"), Random(1))


class TestWithEmbeddedBroker(AdapterContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return EmbeddedBench("embedded", free_port())
