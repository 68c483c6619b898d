# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot token`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from pyaiot.cli.connection import Word
from pyaiot.cli.office import office_command, office_group, tell, tell_rows
from pyaiot.cli.terminal import plain
from pyaiot.errors import InvalidValue
from pyaiot.messages.types import MAX_NAME
from pyaiot.settings import AccountSettings

if TYPE_CHECKING:
    from pyaiot.store.store import Store


async def _create(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    from pyaiot.accounts.tokens import Claims, Signer, Use
    from pyaiot.link.keyfile import read_keys
    from pyaiot.store.audit import TERMINAL

    label = words["label"]
    if len(label) > MAX_NAME or not label.isprintable():
        raise InvalidValue(f"A label may have {MAX_NAME} characters, all of which can be seen.")
    # Before anything is written: a token that cannot be signed must not bind the node.
    signer = Signer(read_keys(settings.key_file))
    token = await store.devices.make(words["node"], label, TERMINAL)
    secret = signer.make(Claims(Use.DEVICE, token.node, token.id, token.created / 1e6))
    tell(settings, secret, id=token.id, node=token.node, label=token.label, secret=secret)


async def _list(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    rows: list[Mapping[str, object]] = [
        {
            "id": each.id,
            "label": each.label,
            "created": each.created / 1e6,
            "revoked": None if each.revoked is None else each.revoked / 1e6,
        }
        for each in await store.devices.tokens(words["node"])
    ]
    tell_rows(settings, ("ID", "LABEL", "CREATED", "REVOKED"), rows)


async def _revoke(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    from pyaiot.store.audit import TERMINAL

    id_ = words["id"]
    revoked = await store.devices.revoke(id_, TERMINAL)
    tell(
        settings, f"{plain(id_)} holds no more" if revoked else f"{plain(id_)} was revoked before",
        id=id_, revoked=True,
    )  # fmt: skip


command = office_group(
    "token",
    "Make, list and revoke tokens of nodes. A gateway takes notice within two seconds.",
    [
        office_command(
            "create",
            "Make a token for NODE (its uid) and show it this once. From then on nobody may be that"
            " node without one.",
            _create,
            [
                Word(["node"]),
                click.Option(["--label"], default="", help="What it is for."),
            ],
        ),
        office_command("list", "List the tokens of NODE.", _list, [Word(["node"])]),
        office_command("revoke", "Let the token ID hold no more.", _revoke, [Word(["id"])]),
    ],
)
