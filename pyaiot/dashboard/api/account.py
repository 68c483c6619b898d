# SPDX-License-Identifier: BSD-3-Clause
"""One's own account."""

from http import HTTPStatus
from typing import Final

from pyaiot.accounts.names import name_key
from pyaiot.accounts.passwords import check_new
from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.credentials import asker, give_access, user_of
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.problem import Refused, not_found
from pyaiot.errors import WrongPassword


async def show(call: Call[NoQuery, None]) -> forms.User:
    """One's own account."""
    return user_of(await asker(call))


async def change(call: Call[NoQuery, forms.AccountChange]) -> forms.User:
    """Go by another name."""
    call.expect(user_of(await asker(call)))
    account = await call.services.store.accounts.change(
        call.who.id, call.actor, name=call.body.name
    )
    await call.services.directory.changed()
    return user_of(account)


async def change_password(call: Call[NoQuery, forms.PasswordChange]) -> forms.Session:
    """Another password; all other sessions end."""
    services, account = call.services, await asker(call)
    services.throttle.admit(name_key(account.name), call.asker.address, call.now.steady)
    verdict = await services.hasher.check(account.password, call.body.old)
    if not verdict.right:
        raise Refused(HTTPStatus.FORBIDDEN, "wrong_password", "The password so far is wrong.")
    services.throttle.succeeded(name_key(account.name), call.asker.address)
    check_new(call.body.new, account.name)
    password = await services.hasher.hash(call.body.new)
    session = "" if call.claims is None else call.claims.sid
    try:
        account = await services.store.accounts.change(
            account.id, call.actor, password=password, keep=session, proof=account.password
        )
    except WrongPassword as exc:
        raise Refused(HTTPStatus.FORBIDDEN, exc.code, exc.reason) from exc
    await services.directory.changed()
    return give_access(call, account, session)


async def sessions(call: Call[NoQuery, None]) -> forms.Page[forms.OpenSession]:
    """Where one is logged in."""
    current = "" if call.claims is None else call.claims.sid
    return forms.Page(
        tuple(
            forms.OpenSession(
                each.id, each.created / 1e6, each.used / 1e6, each.agent, each.address,
                each.id == current,
            )
            for each in await call.services.store.sessions.sessions(call.who.id)
        )
    )  # fmt: skip


async def end_session(call: Call[NoQuery, None]) -> None:
    """Log out somewhere else."""
    services = call.services
    if not await services.store.sessions.end(call.who.id, call.actor, call.params["id"]):
        raise not_found("session")
    await services.directory.changed()


async def end_sessions(call: Call[NoQuery, None]) -> None:
    """Log out everywhere, here too."""
    await call.services.store.sessions.end(call.who.id, call.actor)
    await call.services.directory.changed()


ENDPOINTS: Final = (
    Endpoint("GET", "/account", Who.USER, show, "One's own account.", answer=forms.User),
    Endpoint(
        "PATCH", "/account", Who.USER, change,
        "Go by another name.",
        body=forms.AccountChange, answer=forms.User, problems=(409,), match=True,
        refuses=forms.BAD_NAME,
    ),
    Endpoint(
        "PUT", "/password", Who.USER, change_password,
        "Choose another password. All other sessions end; the answer sets a cookie.",
        body=forms.PasswordChange, answer=forms.Session, problems=(403, 429),
        refuses=forms.EASY_TO_GUESS,
    ),
    Endpoint(
        "GET", "/account/sessions", Who.USER, sessions,
        "Where one is logged in.",
        answer=forms.Page[forms.OpenSession],
    ),
    Endpoint(
        "DELETE", "/account/sessions", Who.USER, end_sessions,
        "Log out everywhere, here too.",
    ),
    Endpoint(
        "DELETE", "/account/sessions/{id}", Who.USER, end_session,
        "Log out somewhere else.",
        problems=(404,),
    ),
)  # fmt: skip
