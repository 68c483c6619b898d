# SPDX-License-Identifier: BSD-3-Clause
"""All endpoints there are."""

from itertools import chain
from typing import Final

from pyaiot.dashboard.api.endpoint import Endpoint

_MODULES: Final[tuple[tuple[Endpoint, ...], ...]] = ()

TABLE: Final[tuple[Endpoint, ...]] = tuple(chain.from_iterable(_MODULES))
