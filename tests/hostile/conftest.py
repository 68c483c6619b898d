# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Mapping

import pytest

from pyaiot.run import LoopFactory
from tests.loops import BOTH, PLAIN


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Attack the broker on each loop that it may run on."""
    return BOTH if item.path.name == "test_broker_sockets.py" else PLAIN
