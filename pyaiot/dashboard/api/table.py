# SPDX-License-Identifier: BSD-3-Clause
"""All endpoints there are."""

from itertools import chain
from typing import Final

from pyaiot.dashboard.api import account, audit, devices, inbox, session, setup, shares, users
from pyaiot.dashboard.api.endpoint import Endpoint

_MODULES: Final[tuple[tuple[Endpoint, ...], ...]] = (
    session.ENDPOINTS,
    setup.ENDPOINTS,
    account.ENDPOINTS,
    users.ENDPOINTS,
    devices.ENDPOINTS,
    shares.ENDPOINTS,
    inbox.ENDPOINTS,
    audit.ENDPOINTS,
)

TABLE: Final[tuple[Endpoint, ...]] = tuple(chain.from_iterable(_MODULES))
