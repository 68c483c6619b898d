# SPDX-License-Identifier: BSD-3-Clause
"""Nodes: which there are, what people say of them, and whether they were there."""

import asyncio
import heapq
from contextlib import suppress
from typing import Any, Final

import msgspec
from msgspec import UNSET

from pyaiot.accounts.names import name_key
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.cursor import cursor_of, place_of
from pyaiot.dashboard.api.described import all_described, described, owned, seen, unrecorded
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.forms import (
    BAD_NAME,
    AvailabilityChange,
    Node,
    NodeChange,
    NodeChanged,
    NodesWanted,
    Page,
    Paging,
)
from pyaiot.errors import InvalidValue, NotFound, PermissionDenied
from pyaiot.store.nodes import Edit

_SCANNED: Final = 2000
"""Uids that are read at once while those are looked for that somebody may see."""

_LOOKED: Final = 1000
"""Nodes that are looked at before others have their turn."""


async def nodes(call: Call[NodesWanted, None]) -> Page[Node]:
    """Nodes by uid: those in the store, and those that only the broker knows yet."""
    after = place_of(call.query.cursor, str) or ""
    limit = call.query.limit
    uids = sorted({*await _stored(call, after, limit + 1), *await _live(call, after, limit + 1)})
    chosen = uids[:limit]
    records = await call.services.store.nodes.records(limit, uids=chosen)
    known = {each.uid: each for each in records}
    found = [known.get(uid) or unrecorded(uid) for uid in chosen]
    following = cursor_of(chosen[-1]) if len(uids) > limit else None
    return Page(await all_described(call, found), following)


async def _stored(call: Call[NodesWanted, None], after: str, limit: int) -> list[str]:
    """The first uids of nodes that are stored and the asker may see."""
    uids = None
    if not (call.who.unlimited or _sees_unclaimed(call)):
        uids = [uid for uid in call.services.roll.nodes if uid > after and call.sees(uid)]
    owner = call.who.id if call.query.mine else None
    found: list[str] = []
    if call.query.mine and not call.who.id:
        return found
    while len(found) < limit:
        page = await call.services.store.nodes.uids(
            _SCANNED, after, uids=uids, owner=owner, q=call.query.q or ""
        )
        found += filter(call.sees, page)
        if len(page) < _SCANNED:
            break
        after = page[-1]
    return found[:limit]


async def _live(call: Call[NodesWanted, None], after: str, limit: int) -> list[str]:
    """The first uids of nodes that the broker knows and the asker may see."""
    mirror, roll = call.services.live.mirror, call.services.roll
    wanted = name_key(call.query.q or "")

    def fits(uid: str) -> bool:
        node = roll.node(uid)
        if call.query.mine and not (call.who.id and node and node.owner == call.who.id):
            return False
        if not wanted:
            return True
        names = (uid, mirror.title(uid), node.name if node else "")
        return any(wanted in name_key(name) for name in names if name)

    # A page needs few of them, so that putting all into order would be wasted.
    known = roll.nodes if call.query.mine else mirror.nodes
    left = [uid for uid in known if uid > after and uid in mirror.nodes]
    heapq.heapify(left)
    found: list[str] = []
    while left and len(found) < limit:
        uid = heapq.heappop(left)
        if fits(uid) and call.sees(uid):
            found.append(uid)
        if len(left) % _LOOKED == 0:
            await asyncio.sleep(0)
    return found


def _sees_unclaimed(call: Call[Any, Any]) -> bool:
    """Whether the asker sees nodes of which nobody has said whose they are."""
    return call.rules.unclaimed == "public"


async def node(call: Call[NoQuery, None]) -> Node:
    found = await described(call, await seen(call, call.params["uid"]))
    call.settled = _settled(found)
    return found


async def change(call: Call[NoQuery, NodeChange]) -> NodeChanged:
    uid = await owned(call, call.params["uid"])
    before = await described(call, uid)
    call.expect(_settled(before))
    edit = await _edit(call)
    if not await call.services.store.nodes.change(uid, edit, call.actor):
        return NodeChanged(before, unchanged=True)
    await call.services.directory.changed()
    return NodeChanged(await described(call, uid))


async def remove(call: Call[NoQuery, None]) -> None:
    uid = await owned(call, call.params["uid"])
    store = call.services.store
    call.expect(_settled(await described(call, uid)))
    # First of all nobody may be it; then its history goes, for without a record it is nobody's, and
    # what is stored of it perhaps everybody's. What it said and is not stored yet never will be.
    held = [token for device in await store.devices.devices([uid]) for token in device.tokens]
    for each in held:
        await store.devices.revoke(each, call.actor, uid)
    if held:
        await call.services.directory.changed()
    await store.history.forget(uid)
    with suppress(NotFound):  # only the broker knows it; there may be readings all the same
        await store.nodes.remove(uid, call.actor)
    await call.services.directory.changed()
    await store.history.forget(uid)


async def availability(call: Call[Paging, None]) -> Page[AvailabilityChange]:
    uid = await seen(call, call.params["uid"])
    before = place_of(call.query.cursor, int)
    limit = call.query.limit
    found = await call.services.store.nodes.changes(uid, limit + 1, before)
    items = tuple(
        AvailabilityChange(each.time_us / 1e6, each.availability) for each in found[:limit]
    )
    return Page(items, cursor_of(found[limit - 1].time_us) if len(found) > limit else None)


def _settled(found: Node) -> Node:
    """A node without what changes by itself, and without who asks."""
    return msgspec.structs.replace(
        found, availability=None, last_seen=None, first_seen=None, title="", protocol=""
    )


async def _edit(call: Call[NoQuery, NodeChange]) -> Edit:
    wanted = call.body
    owner: Any = wanted.owner
    if owner is not UNSET:
        if not call.who.unlimited:
            raise PermissionDenied("Only administrators say whose a node is.")
        if owner is not None:
            account = await call.services.store.accounts.named(owner)
            if account is None:
                raise InvalidValue("There is no account of that name.")
            owner = account.id
    location: Any = wanted.location
    if location is not UNSET and location is not None:
        if (location.lat is None) != (location.lng is None):
            raise InvalidValue("A place has both a latitude and a longitude, or neither.")
        location = msgspec.to_builtins(location)
    return Edit(wanted.name, owner, wanted.public, location, wanted.kind, wanted.config)


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/nodes", Who.VISITOR, nodes, "Nodes that you may see",
        query=NodesWanted, answer=Page[Node],
    ),
    Endpoint("GET", "/nodes/{uid}", Who.VISITOR, node, "One node", answer=Node, problems=(404,)),
    Endpoint(
        "PATCH", "/nodes/{uid}", Who.OPERATOR, change,
        "Say of a node what it is called, where it is, whose it is, who else may see it",
        body=NodeChange, answer=NodeChanged, match=True, problems=(404, 409),
        refuses=f"{BAD_NAME}; an owner who is nobody; a latitude without a longitude",
    ),
    Endpoint(
        "DELETE", "/nodes/{uid}", Who.OPERATOR, remove,
        "Forget a node, its history and its tokens", match=True, problems=(404,),
    ),
    Endpoint(
        "GET", "/nodes/{uid}/availability", Who.VISITOR, availability,
        "When a node came, fell silent and went, the newest first",
        query=Paging, answer=Page[AvailabilityChange], problems=(404,),
    ),
)  # fmt: skip
