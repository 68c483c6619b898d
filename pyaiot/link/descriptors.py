# SPDX-License-Identifier: BSD-3-Clause
"""How many connections the operating system lets this process have."""

import contextlib
import resource
from typing import Final

SPARE: Final = 64
"""Files that the process needs for other things."""


def room_for(connections: int) -> int:
    """How many of `connections` this process may have, having asked for as many as it can.

    Without room the event loop could not accept a connection, not even to refuse it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            soft = limit
    return connections if soft == resource.RLIM_INFINITY else min(connections, soft - SPARE)
