# SPDX-License-Identifier: BSD-3-Clause
"""The accounts of others."""

from typing import Final

from msgspec import UNSET

from pyaiot.accounts.names import name_key
from pyaiot.accounts.passwords import check_new
from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.credentials import user_of
from pyaiot.dashboard.api.cursor import cursor_of, place_of
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.problem import conflict, not_found
from pyaiot.store.accounts import Account

SUGGESTED: Final = 10
"""Names that are suggested at once."""


async def users(call: Call[forms.Paging, None]) -> forms.Page[forms.User]:
    """All accounts, by name."""
    limit = call.query.limit
    after = place_of(call.query.cursor, str)
    found = await call.services.store.accounts.accounts(limit + 1, after)
    more = len(found) > limit
    return forms.Page(
        tuple(user_of(each) for each in found[:limit]),
        cursor_of(name_key(found[limit - 1].name)) if more else None,
    )


async def names(call: Call[forms.NamesWanted, None]) -> forms.Page[str]:
    """With whom a node could be shared."""
    found = await call.services.store.accounts.names(call.query.q, SUGGESTED)
    return forms.Page(tuple(found))


async def add(call: Call[NoQuery, forms.NewUser]) -> forms.User:
    """A new account."""
    services, body = call.services, call.body
    check_new(body.password, body.name)
    password = await services.hasher.hash(body.password)
    account = await services.store.accounts.add(body.name, password, body.role, call.actor)
    await services.directory.changed()
    return user_of(account)


async def show(call: Call[NoQuery, None]) -> forms.User:
    """One account."""
    return user_of(await _wanted(call))


async def change(call: Call[NoQuery, forms.UserChange]) -> forms.User:
    """Another name, role or password for somebody."""
    services, body = call.services, call.body
    account = await _wanted(call)
    call.expect(user_of(account))
    password = None
    if body.password is not UNSET:
        if account.id == call.who.id:
            # Whoever finds the browser open must not be able to keep the account.
            raise conflict("own_password", "Change your own password by PUT /password.")
        name = account.name if body.name is UNSET else body.name
        check_new(body.password, name)
        password = await services.hasher.hash(body.password)
    changed = await services.store.accounts.change(
        account.id,
        call.actor,
        name=None if body.name is UNSET else body.name,
        role=None if body.role is UNSET else body.role,
        password=password,
    )
    await services.directory.changed()
    return user_of(changed)


async def remove(call: Call[NoQuery, None]) -> None:
    """Remove an account; its nodes go to whoever does."""
    await call.services.store.accounts.remove(call.params["id"], call.actor)
    await call.services.directory.changed()


async def _wanted(call: Call[NoQuery, forms.UserChange] | Call[NoQuery, None]) -> Account:
    account = await call.services.store.accounts.get(call.params["id"])
    if account is None:
        raise not_found("account")
    return account


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/users", Who.ADMIN, users,
        "All accounts, by name.",
        query=forms.Paging, answer=forms.Page[forms.User],
    ),
    Endpoint(
        "POST", "/users", Who.ADMIN, add,
        "Make an account.",
        body=forms.NewUser, answer=forms.User, status=201, problems=(409,),
        refuses=f"{forms.BAD_NAME}; {forms.EASY_TO_GUESS}",
    ),
    Endpoint(
        "GET", "/users/names", Who.OPERATOR, names,
        "Names of accounts, to share a node with.",
        query=forms.NamesWanted, answer=forms.Page[str],
    ),
    Endpoint(
        "GET", "/users/{id}", Who.ADMIN, show,
        "One account.",
        answer=forms.User, problems=(404,),
    ),
    Endpoint(
        "PATCH", "/users/{id}", Who.ADMIN, change,
        "Give somebody another name, role or password. With the latter two their sessions end.",
        body=forms.UserChange, answer=forms.User, problems=(404, 409), match=True,
        refuses=f"{forms.BAD_NAME}; {forms.EASY_TO_GUESS}",
    ),
    Endpoint(
        "DELETE", "/users/{id}", Who.ADMIN, remove,
        "Remove an account, with its sessions, rules and channels. Its nodes go to the asker.",
        problems=(404, 409),
    ),
)  # fmt: skip
