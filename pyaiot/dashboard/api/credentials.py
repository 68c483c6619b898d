# SPDX-License-Identifier: BSD-3-Clause
"""What somebody proves who they are with, once they have shown a password: cookies and tickets."""

import base64
from typing import Any, Final

from pyaiot.accounts.tokens import Claims, Use
from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call, Cookie
from pyaiot.dashboard.api.guard import ACCESS, REFRESH
from pyaiot.dashboard.api.problem import not_found
from pyaiot.model.access import Permission
from pyaiot.store.accounts import Account
from pyaiot.store.sessions import Session

_ID: Final = 12


def new_id(call: Call[Any, Any]) -> str:
    """An id that nobody else has."""
    return base64.urlsafe_b64encode(call.services.token_bytes(_ID)).decode()


def let_in(call: Call[Any, Any], account: Account, session: Session) -> forms.Session:
    """Answer with the tokens of a session, as cookies that no script sees."""
    signer = call.services.signer
    refresh = Claims(
        Use.REFRESH, account.id, session.token, call.now.wall, session.expires / 1e6,
        sid=session.id,
    )  # fmt: skip
    call.cookies.append(
        Cookie(REFRESH, signer.make(refresh), session.expires / 1e6 - call.now.wall)
    )
    return give_access(call, account, session.id)


def give_access(call: Call[Any, Any], account: Account, session: str) -> forms.Session:
    """Answer with an access token, as a cookie that no script sees."""
    life = call.services.house.access_life
    # Not before the time since when the account's tokens hold, which may be a moment ahead.
    made = max(call.now.wall, account.since / 1e6)
    access = Claims(
        Use.ACCESS, account.id, new_id(call), made, made + life, account.role, account.name,
        session,
    )  # fmt: skip
    call.cookies.append(Cookie(ACCESS, call.services.signer.make(access), life))
    return session_of(call, account, made + life)


def send_away(call: Call[Any, Any]) -> None:
    """Take both cookies away."""
    call.cookies += (Cookie(ACCESS, "", 0.0), Cookie(REFRESH, "", 0.0))


def session_of(
    call: Call[Any, Any], account: Account | None, expires: float | None = None
) -> forms.Session:
    """Who asks, and what may be done here."""
    return forms.Session(
        None if account is None else user_of(account),
        tuple(each for each in Permission if each in call.rules.anonymous),
        account is not None or bool(call.services.roll.people),
        expires,
    )


def user_of(account: Account) -> forms.User:
    """An account, as it is told."""
    seen = None if account.seen is None else account.seen / 1e6
    return forms.User(account.id, account.name, account.role, account.created / 1e6, seen)


async def asker(call: Call[Any, Any]) -> Account:
    """The account of whoever asks. Raises Refused where it has just been removed."""
    account = await call.services.store.accounts.get(call.who.id)
    if account is None:
        raise not_found("account")
    return account
