# SPDX-License-Identifier: BSD-3-Clause
"""Nodes that were forgotten, and when: what they said until then is not to be stored any more.

It may wait in a gateway, a broker or a recorder for days, and would come when there is no record
of its node any more, as something of nobody's. Times of readings are those of gateways and of the
broker, never of nodes, so they can be compared with the time of the store.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.store.engine import Engine
from pyaiot.store.schema import FORGOTTEN

KEPT: Final = 30 * 86_400 * 1_000_000
"""Microseconds for which it is known of a node that it was forgotten; nothing waits for longer."""
MAX_FORGOTTEN: Final = 10_000
"""Nodes of which it is known, those that were forgotten last."""
GRACE: Final = 2_000_000
"""Microseconds afterwards that count as before.

For what was on its way, until gateways know that a token does not hold any more; and clocks of
gateways may be ahead of the broker's by as much (`pyaiot.broker.limits.AHEAD`).
"""

_LOCK: Final = 0x7079_6169_6F66
"""PostgreSQL's advisory lock between those that forget and those that make what is forgotten."""


async def remember(engine: Engine, connection: AsyncConnection, node: str) -> None:
    """Know, with the transaction of `connection`, that a node is forgotten now.

    To be the first thing that it does. Whoever makes something of the node afterwards knows of it.
    """
    # Waits for those who have begun to make something and did not know of it.
    await engine.lock(connection, _LOCK)
    columns, now = FORGOTTEN.c, engine.now()
    statement = engine.insert(FORGOTTEN).values(node=node, time=now)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=[columns.node], set_={"time": now})
    )
    await connection.execute(delete(FORGOTTEN).where(columns.time < now - KEPT))
    count = await connection.scalar(select(func.count()).select_from(FORGOTTEN)) or 0
    if count > MAX_FORGOTTEN:
        oldest = select(columns.node).where(columns.node != node).order_by(columns.time)
        some = oldest.limit(count - MAX_FORGOTTEN)
        await connection.execute(delete(FORGOTTEN).where(columns.node.in_(some)))


async def beginnings(
    engine: Engine, connection: AsyncConnection, nodes: Collection[str]
) -> dict[str, int]:
    """From which time on something of those of `nodes` counts that were forgotten.

    To be asked before the transaction of `connection` makes anything of these nodes: nobody
    forgets one of them before it ends.
    """
    await engine.lock(connection, _LOCK, shared=True)
    return await known_beginnings(engine, connection, nodes)


async def known_beginnings(
    engine: Engine, connection: AsyncConnection, nodes: Collection[str] | None = None
) -> dict[str, int]:
    """The same for who makes nothing; of `nodes` or of all that were forgotten."""
    query = select(FORGOTTEN.c.node, FORGOTTEN.c.time)
    if nodes is not None:
        query = query.where(engine.one_of(FORGOTTEN.c.node, nodes))
    return {node: time + GRACE for node, time in await connection.execute(query)}
