# SPDX-License-Identifier: BSD-3-Clause
"""Logging in and out."""

from http import HTTPStatus
from typing import Final

from pyaiot.accounts.names import name_key
from pyaiot.accounts.tokens import Claims, Use
from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.credentials import let_in, new_id, send_away, session_of
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.guard import REFRESH
from pyaiot.dashboard.api.problem import Refused
from pyaiot.errors import AuthenticationFailed, InvalidToken, WrongPassword
from pyaiot.messages.signing import SUBPROTOCOL
from pyaiot.store.accounts import Account
from pyaiot.store.audit import NOBODY
from pyaiot.store.sessions import Session


async def look(call: Call[NoQuery, None]) -> forms.Session:
    """Who asks; a stranger where what they show does not hold."""
    account = await call.services.store.accounts.get(call.who.id) if call.who.id else None
    return session_of(call, account, call.claims.exp if call.claims and account else None)


async def log_in(call: Call[NoQuery, forms.Login]) -> forms.Session:
    """Open a session for whoever knows the password."""
    call.services.throttle.admit(name_key(call.body.name), call.asker.address, call.now.steady)
    try:
        account, session = await _opened(call)
    except WrongPassword:
        # It became another while it was checked, or was hashed anew: what is it now?
        account, session = await _opened(call)
    # It may have been made by another program a moment ago.
    await call.services.directory.changed()
    return let_in(call, account, session)


async def _opened(call: Call[NoQuery, forms.Login]) -> tuple[Account, Session]:
    """A session, if the password is right, and still is once it has been checked."""
    services, name = call.services, call.body.name
    account = await services.store.accounts.named(name)
    stored = None if account is None else account.password
    verdict = await services.hasher.check(stored, call.body.password)
    if account is None or not verdict.right:
        # Not which name was tried: people type passwords there. Written down for names that
        # nobody has, too, so that the time does not tell which these are.
        known = "" if account is None else account.name
        await services.store.audit.write(
            NOBODY, "session.refuse", known, address=call.asker.address
        )
        raise Refused(
            HTTPStatus.UNAUTHORIZED, "wrong_password", "The name or the password is wrong."
        )
    services.throttle.succeeded(name_key(name), call.asker.address)
    found = await services.store.sessions.open(
        account.id, services.house.refresh_life, call.asker.agent, call.asker.address,
        proof=account.password,
    )  # fmt: skip
    if verdict.renewed is not None:
        await services.store.accounts.renew_hash(account.id, account.password, verdict.renewed)
    return found


async def refresh(call: Call[NoQuery, None]) -> forms.Session:
    """Go on with a session by its refresh token, which is good for once."""
    services = call.services
    claims = _refresh_claims(call)
    try:
        account, session = await services.store.sessions.rotate(
            claims.sid, claims.jti, services.house.refresh_life, call.asker.agent,
            call.asker.address,
        )  # fmt: skip
    except InvalidToken:
        # A token that was used before ends more than this.
        await services.directory.changed()
        raise
    await services.directory.changed()
    return let_in(call, account, session)


async def log_out(call: Call[NoQuery, None]) -> None:
    """End the session of whoever asks; nothing else where there is none."""
    send_away(call)
    try:
        claims = call.claims or _refresh_claims(call)
    except AuthenticationFailed:
        return
    account = await call.services.store.accounts.get(claims.sub)
    if account is not None:
        await call.services.store.sessions.end(account.id, account.actor, claims.sid)
        await call.services.directory.changed()


async def ticket(call: Call[NoQuery, None]) -> forms.Ticket:
    """A token for the broker's websocket, which the page may see; it ends when access ends."""
    claims = call.claims
    if claims is None or claims.exp is None:
        raise InvalidToken("Log in first.")
    made = Claims(
        Use.TICKET, claims.sub, new_id(call), claims.iat, claims.exp, call.who.role, claims.name,
        claims.sid,
    )  # fmt: skip
    return forms.Ticket(call.services.signer.make(made), claims.exp)


def _refresh_claims(call: Call[NoQuery, None]) -> Claims:
    token = call.asker.cookies.get(REFRESH, "")
    return call.services.signer.check(token, Use.REFRESH, call.now.wall)


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/session", Who.ANYONE, look,
        "Who asks, and what may be done here.",
        answer=forms.Session,
    ),
    Endpoint(
        "POST", "/session", Who.ANYONE, log_in,
        "Log in. The answer sets cookies.",
        body=forms.Login, answer=forms.Session, problems=(401, 429),
    ),
    Endpoint(
        "PUT", "/session", Who.ANYONE, refresh,
        "Go on with a session by the cookie that holds longer. The answer sets both anew.",
        answer=forms.Session, problems=(401,),
    ),
    Endpoint(
        "DELETE", "/session", Who.ANYONE, log_out,
        "Log out.",
    ),
    Endpoint(
        "POST", "/session/ticket", Who.USER, ticket,
        f"A token to offer to the broker's websocket: `Sec-WebSocket-Protocol: {SUBPROTOCOL}, …`.",
        answer=forms.Ticket,
    ),
)  # fmt: skip
