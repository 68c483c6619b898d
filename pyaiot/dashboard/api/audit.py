# SPDX-License-Identifier: BSD-3-Clause
"""Who did what."""

from typing import Final

from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.cursor import cursor_of, place_of
from pyaiot.dashboard.api.endpoint import Endpoint, Who


async def entries(call: Call[forms.AuditWanted, None]) -> forms.Page[forms.AuditEntry]:
    """What was done, the newest first."""
    wanted = call.query
    found = await call.services.store.audit.entries(
        wanted.limit + 1, place_of(wanted.cursor, int), wanted.q, wanted.user
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
