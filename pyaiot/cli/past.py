# SPDX-License-Identifier: BSD-3-Clause
"""What commands on the store share: how times are said, and which node is meant."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pyaiot.errors import InvalidValue, SettingsInvalid, UnknownNode
from pyaiot.model.retention import FOREVER, duration

if TYPE_CHECKING:
    from pyaiot.store.store import Store

_SEVERAL: Final = 5
_LOOKED_AT: Final = 1000


def moment_of(text: str, now: float) -> int:
    """The time that `text` says, in microseconds since the epoch.

    A date (``2026-11-28``, ``2026-11-28T02:20``; UTC where it does not say otherwise), seconds
    since the epoch, or how long ago (``1h``, ``7d``). Raises InvalidValue.
    """
    try:
        return round(float(text) * 1e6)
    except (ValueError, OverflowError):
        pass
    try:
        ago = duration(text)
        return 0 if ago == FOREVER else round((now - ago) * 1e6)
    except SettingsInvalid:
        pass
    try:
        said = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InvalidValue(f"'{text}' is no time such as 2026-11-28T02:20, or 7d for ago.") from exc
    return round((said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp() * 1e6)


async def node_named(store: "Store", text: str) -> str:
    """The uid of the node that `text` means: its uid, the beginning of it, or its name.

    Raises UnknownNode where there is none or more than one.
    """
    if await store.history.series(text):
        return text
    known = {each.key.node for each in await store.history.series()}
    found = {uid for uid in known if text and uid.startswith(text)}
    if not found:
        found = known & await called(store, text)
    if not found:
        raise UnknownNode(f"Nothing is stored of a node '{text}'.")
    return the_one(text, found)


async def called(store: "Store", text: str) -> set[str]:
    """The uids of nodes that people call so, or that call themselves so, in whatever case."""
    wanted = text.casefold()
    if not wanted:
        return set()  # not all those without a name
    return {
        each.uid
        for each in await store.nodes.records(_LOOKED_AT, q=text)
        if wanted in {each.name.casefold(), each.title.casefold()}
    }


def the_one(text: str, found: Collection[str]) -> str:
    """The only one of the uids that were `found` for `text`. Raises UnknownNode if it is not."""
    if len(found) > 1:
        some = ", ".join(sorted(found)[:_SEVERAL])
        raise UnknownNode(f"'{text}' may be any of {len(found)} nodes: {some}.")
    return next(iter(found))
