# SPDX-License-Identifier: BSD-3-Clause
"""The first account, by the link that the dashboard prints when it starts without one."""

import hashlib
from typing import Final

from pyaiot.accounts.passwords import check_new
from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.credentials import let_in
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.problem import conflict
from pyaiot.errors import InvalidToken


def hash_of(token: str) -> str:
    """What is kept of a setup token, which is long and random, so that this is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


async def set_up(call: Call[NoQuery, forms.Setup]) -> forms.Session:
    """Make the first account, an administrator's, and log in."""
    services, body = call.services, call.body
    hashed = hash_of(body.token)
    if await services.store.accounts.any():
        raise conflict("already_set_up", "There is an account already; ask an administrator.")
    # Hashing is dear: not for whoever has no link.
    if not await services.store.accounts.setup_offered(hashed):
        raise InvalidToken("This link does not hold any more: the newest one does.")
    check_new(body.password, body.name)
    password = await services.hasher.hash(body.password)
    account = await services.store.accounts.add_first(body.name, password, hashed)
    account, session = await services.store.sessions.open(
        account.id, services.house.refresh_life, call.asker.agent, call.asker.address
    )
    await services.directory.changed()
    return let_in(call, account, session)


ENDPOINTS: Final = (
    Endpoint(
        "POST", "/setup", Who.ANYONE, set_up,
        "Make the first account, an administrator's, by the link that the dashboard printed.",
        body=forms.Setup, answer=forms.Session, problems=(401, 409),
        refuses=f"{forms.BAD_NAME}; {forms.EASY_TO_GUESS}",
    ),
)  # fmt: skip
