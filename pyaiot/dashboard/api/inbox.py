# SPDX-License-Identifier: BSD-3-Clause
"""Nodes that wait for somebody's approval."""

from typing import Final

from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.cursor import cursor_of, place_of
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.problem import not_found


async def waiting(call: Call[forms.Paging, None]) -> forms.Page[forms.Waiting]:
    """Who waits, the newest first."""
    limit = call.query.limit
    after = place_of(call.query.cursor, tuple[int, str])
    found = await call.services.store.inbox.newcomers(limit + 1, after)
    shown, last = found[:limit], None
    if len(found) > limit:
        last = cursor_of((shown[-1].first_seen, shown[-1].uid))
    return forms.Page(
        tuple(
            forms.Waiting(
                each.uid, each.name, each.protocol, each.gateway, each.address,
                each.first_seen / 1e6, each.last_seen / 1e6, each.refused,
            )
            for each in shown
        ),
        last,
    )  # fmt: skip


async def decide(call: Call[NoQuery, forms.Decision]) -> None:
    """Let a node in, or say that it may not come."""
    store, uid = call.services.store, call.params["uid"]
    if not call.body.approve:
        await store.inbox.refuse(uid, call.actor)
        return
    owner = None
    if call.body.owner is not None:
        account = await store.accounts.named(call.body.owner)
        if account is None:
            raise not_found("account")
        owner = account.id
    await store.inbox.approve(uid, call.actor, owner)
    await call.services.directory.changed()


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/inbox", Who.ADMIN, waiting,
        "Nodes that wait for approval, the newest first.",
        query=forms.Paging, answer=forms.Page[forms.Waiting],
    ),
    Endpoint(
        "POST", "/inbox/{uid}", Who.ADMIN, decide,
        "Let a node in, as that of an account or of nobody, or refuse it.",
        body=forms.Decision, problems=(404, 409),
    ),
)  # fmt: skip
