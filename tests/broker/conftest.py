# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Mapping

from pyaiot.run import LoopFactory
from tests.loops import BOTH


def pytest_asyncio_loop_factories() -> Mapping[str, LoopFactory]:
    """Run what is asynchronous on each loop that a broker may run on."""
    return BOTH
