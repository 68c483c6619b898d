# SPDX-License-Identifier: BSD-3-Clause
"""All endpoints there are."""

from itertools import chain
from typing import Final

from pyaiot.dashboard.api import (
    account,
    alerts,
    audit,
    channels,
    devices,
    events,
    export,
    health,
    history,
    inbox,
    nodes,
    resources,
    rules,
    session,
    setup,
    shares,
    users,
)
from pyaiot.dashboard.api.endpoint import Endpoint
from pyaiot.dashboard.api.front import front

_MODULES: Final[tuple[tuple[Endpoint, ...], ...]] = (
    session.ENDPOINTS,
    setup.ENDPOINTS,
    account.ENDPOINTS,
    users.ENDPOINTS,
    nodes.ENDPOINTS,
    resources.ENDPOINTS,
    history.ENDPOINTS,
    events.ENDPOINTS,
    export.ENDPOINTS,
    devices.ENDPOINTS,
    shares.ENDPOINTS,
    inbox.ENDPOINTS,
    rules.ENDPOINTS,
    channels.ENDPOINTS,
    alerts.ENDPOINTS,
    audit.ENDPOINTS,
    health.ENDPOINTS,
)

_REST: Final = tuple(chain.from_iterable(_MODULES))

TABLE: Final[tuple[Endpoint, ...]] = (*_REST, *front(_REST))
