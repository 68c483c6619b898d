# SPDX-License-Identifier: BSD-3-Clause
"""Nodes as the API tells of them: what the store knows, and what the broker says right now."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.problem import not_found
from pyaiot.errors import PermissionDenied
from pyaiot.model.access import Permission
from pyaiot.model.node import Twin
from pyaiot.store.nodes import NodeRecord


async def seen(call: Call[Any, Any], uid: str) -> str:
    """`uid`, if there is such a node and the asker may know of it; raises Refused otherwise.

    One that they may not know of is no different from one that there is not, nor does it take
    another time to say so.
    """
    visible = call.sees(uid)
    if visible and uid in call.services.live.mirror.nodes:
        return uid
    record = await call.services.store.nodes.get(uid)
    if record is None or not visible:
        raise not_found("node")
    return uid


async def owned(call: Call[Any, Any], uid: str) -> str:
    """`uid`, if the node is the asker's, or the asker an administrator.

    Raises Refused as if there were no such node where the asker may not know of it, and
    PermissionDenied otherwise.
    """
    if not call.owns(uid):
        await seen(call, uid)
        raise PermissionDenied("Only its owner and administrators may do this with a node.")
    return uid


async def described(call: Call[Any, Any], uid: str) -> forms.Node:
    """One node; its shares as well, for whoever owns it.

    Raises Refused where neither the store nor the broker knows it. Whether the asker may see it
    is looked at before.
    """
    record = await call.services.store.nodes.get(uid)
    if record is None:
        if uid not in call.services.live.mirror.nodes:
            raise not_found("node")
        record = unrecorded(uid)
    shares: tuple[forms.Share, ...] | None = None
    levels: Mapping[str, Permission] = {}
    if call.owns(uid):
        levels = await call.services.store.nodes.shares(uid)
    names = await call.services.store.accounts.called({*levels, record.owner or ""})
    if call.owns(uid):
        shares = tuple(
            sorted(
                (forms.Share(names[user], level) for user, level in levels.items()),
                key=lambda each: each.user,
            )
        )
    return _node(call, record, names, shares)


async def all_described(
    call: Call[Any, Any], records: Sequence[NodeRecord]
) -> tuple[forms.Node, ...]:
    """Several nodes, without their shares."""
    names = await call.services.store.accounts.called({each.owner or "" for each in records})
    return tuple(_node(call, each, names, None) for each in records)


def unrecorded(uid: str) -> NodeRecord:
    """What the store knows of a node that only the broker knows."""
    return NodeRecord(
        uid, name="", title="", protocol="", owner=None, public=None, location=None, kind="",
        first_seen=None, last_seen=None, availability=None, bound=False, approved=False,
    )  # fmt: skip


def _node(
    call: Call[Any, Any],
    record: NodeRecord,
    names: Mapping[str, str],
    shares: tuple[forms.Share, ...] | None,
) -> forms.Node:
    mirror = call.services.live.mirror
    twin = mirror.nodes.get(record.uid)
    allowed = call.permissions(record.uid)
    last_seen = None if record.last_seen is None else record.last_seen / 1e6
    where = record.location
    return forms.Node(
        uid=record.uid,
        name=record.name,
        title=record.title or mirror.title(record.uid),
        owner=names.get(record.owner or ""),
        mine=bool(call.who.id) and record.owner == call.who.id,
        permissions=tuple(each for each in Permission if each in allowed),
        availability=record.availability if twin is None else twin.availability,
        first_seen=None if record.first_seen is None else record.first_seen / 1e6,
        last_seen=last_seen if twin is None else max(twin.seen, last_seen or 0.0),
        protocol=record.protocol or _protocol(twin),
        public=record.public,
        location=None if where is None else msgspec.convert(where, forms.Location),
        kind=record.kind,
        config=dict(record.config),
        bound=record.bound,
        shares=shares,
    )


def _protocol(twin: Twin | None) -> str:
    """What a node is reached by, as its gateway says."""
    reading = None if twin is None else twin.readings.get("protocol")
    return reading.value if reading is not None and isinstance(reading.value, str) else ""
