# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot user`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from pyaiot.cli.connection import Word
from pyaiot.cli.office import (
    new_password,
    office_command,
    office_group,
    password_option,
    tell,
    tell_rows,
)
from pyaiot.cli.options import Choice
from pyaiot.cli.terminal import plain
from pyaiot.errors import NameTaken, NotFound
from pyaiot.model.access import Role
from pyaiot.settings import AccountSettings

if TYPE_CHECKING:
    from pyaiot.store.accounts import Account
    from pyaiot.store.store import Store

_ROLES: Final = click.Choice([each.value for each in Role])
_PAGE: Final = 500


async def _add(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    from pyaiot.accounts.names import checked_name
    from pyaiot.store.audit import TERMINAL

    name = checked_name(words["name"])
    if await store.accounts.named(name) is not None:
        raise NameTaken("There is an account of that name.")
    hashed = await _hashed(name, words["password_file"])
    account = await store.accounts.add(name, hashed, Role(words["role"]), TERMINAL)
    tell(
        settings, f"{plain(account.name)} is {_article(account.role)} now",
        id=account.id, name=account.name, role=account.role,
    )  # fmt: skip


async def _list(store: "Store", settings: AccountSettings, _words: Mapping[str, Any]) -> None:
    from pyaiot.accounts.names import name_key

    rows: list[dict[str, object]] = []
    after = None
    while found := await store.accounts.accounts(_PAGE, after):
        after = name_key(found[-1].name)
        rows += [
            {
                "name": each.name,
                "role": each.role.value,
                "created": each.created / 1e6,
                "seen": None if each.seen is None else each.seen / 1e6,
                "id": each.id,
            }
            for each in found
        ]
    tell_rows(
        settings, ("NAME", "ROLE", "CREATED", "SEEN"), rows,
        "Nobody has an account yet. To make one: aiot user add NAME --role=admin",
    )  # fmt: skip


async def _role(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    from pyaiot.store.audit import TERMINAL

    account = await _named(store, words["name"])
    account = await store.accounts.change(account.id, TERMINAL, role=Role(words["role"]))
    tell(
        settings, f"{plain(account.name)} is {_article(account.role)} now",
        id=account.id, name=account.name, role=account.role,
    )  # fmt: skip


async def _password(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    from pyaiot.store.audit import TERMINAL

    account = await _named(store, words["name"])
    hashed = await _hashed(account.name, words["password_file"])
    await store.accounts.change(account.id, TERMINAL, password=hashed)
    tell(
        settings, f"{plain(account.name)} has another password, and is logged out everywhere",
        id=account.id, name=account.name,
    )  # fmt: skip


async def _remove(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    from pyaiot.store.audit import TERMINAL

    account = await _named(store, words["name"])
    await store.accounts.remove(account.id, TERMINAL)
    tell(
        settings, f"{plain(account.name)} is gone; their nodes are an administrator's now",
        id=account.id, name=account.name,
    )  # fmt: skip


async def _named(store: "Store", name: str) -> "Account":
    account = await store.accounts.named(name)
    if account is None:
        raise NotFound(f"There is no account '{plain(name)}'.")
    return account


async def _hashed(name: str, file: str | None) -> str:
    """The hash of a new password for `name`. Raises InvalidValue for one that will not do."""
    from pyaiot.accounts.hashing import Hasher
    from pyaiot.accounts.passwords import check_new

    password = new_password(file, lambda text: check_new(text, name))
    return await Hasher().hash(password)


def _article(role: Role) -> str:
    return f"a {role}" if role is Role.VIEWER else f"an {role}"


command = office_group(
    "user",
    "Make, list, change and remove accounts, in the store itself: no password is asked for but"
    " new ones.",
    [
        office_command(
            "add",
            "Make an account called NAME. Its password is asked for, or read from stdin or a file.",
            _add,
            [
                Word(["name"]),
                Choice(
                    ["--role"], type=_ROLES, default=Role.OPERATOR.value, show_default=True,
                    help="What it may do: see nodes, control them too, or everything",
                ),
                password_option(),
            ],
            makes=True,
        ),
        office_command("list", "List the accounts.", _list),
        office_command(
            "role",
            "Give an account another role.",
            _role,
            [Word(["name"]), Word(["role"], type=_ROLES)],
        ),
        office_command(
            "password",
            "Give an account another password, and log it out everywhere.",
            _password,
            [Word(["name"]), password_option()],
        ),
        office_command(
            "remove",
            "Remove an account. Its nodes go to the administrator of longest standing.",
            _remove,
            [Word(["name"])],
        ),
    ],
)  # fmt: skip
