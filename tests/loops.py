# SPDX-License-Identifier: BSD-3-Clause
"""The event loops that services run on."""

import asyncio
from collections.abc import Mapping
from typing import Final

from pyaiot.run import LoopFactory, quick_loop

PLAIN: Final[Mapping[str, LoopFactory]] = {"asyncio": asyncio.new_event_loop}
BOTH: Final[Mapping[str, LoopFactory]] = {
    **PLAIN,
    **({"uvloop": quick} if (quick := quick_loop()) is not None else {}),
}
