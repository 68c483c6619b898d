# SPDX-License-Identifier: BSD-3-Clause
"""Who did what."""

from typing import Final

from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.cursor import cursor_of, place_of
from pyaiot.dashboard.api.endpoint import Endpoint, Who


async def entries(call: Call[forms.AuditWanted, None]) -> forms.Page[forms.AuditEntry]:
    """What was done, the newest first."""
    wanted, store = call.query, call.services.store
    # Whatever its capitals, as everywhere; one that is gone is found by the name that it had.
    account = await store.accounts.named(wanted.user) if wanted.user else None
    user = wanted.user if account is None else account.name
    found = await store.audit.entries(
        wanted.limit + 1, place_of(wanted.cursor, int), wanted.q, user
    )
    shown = found[: wanted.limit]
    return forms.Page(
        tuple(
            forms.AuditEntry(
                each.time / 1e6, each.user, each.action, each.subject, dict(each.detail)
            )
            for each in shown
        ),
        cursor_of(shown[-1].id) if len(found) > wanted.limit else None,
    )


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/audit", Who.ADMIN, entries,
        "Who did what, the newest first.",
        query=forms.AuditWanted, answer=forms.Page[forms.AuditEntry],
    ),
)  # fmt: skip
