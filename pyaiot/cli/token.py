# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot token`."""

from collections.abc import Mapping
from io import StringIO
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from pyaiot.cli.connection import Word, hint
from pyaiot.cli.office import office_command, office_group, tell, tell_rows
from pyaiot.cli.options import Choice
from pyaiot.cli.past import called, the_one
from pyaiot.cli.terminal import plain
from pyaiot.errors import InvalidValue, NotFound
from pyaiot.messages.types import MAX_NAME
from pyaiot.model.node import checked_uid
from pyaiot.model.webaddress import check_page_address
from pyaiot.settings import AccountSettings

if TYPE_CHECKING:
    from pyaiot.store.store import Store


async def _create(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    from pyaiot.accounts.links import device_link
    from pyaiot.accounts.tokens import Claims, Signer, Use
    from pyaiot.link.keyfile import read_keys
    from pyaiot.store.audit import TERMINAL

    label, page = words["label"], words["page"]
    if len(label) > MAX_NAME or not label.isprintable():
        raise InvalidValue(f"A label may have {MAX_NAME} characters, all of which can be seen.")
    # Before anything is written: a token that cannot be signed must not bind the node.
    signer = Signer(read_keys(settings.key_file))
    node = await _meant(store, words["node"])
    if await store.nodes.get(node) is None:
        hint(
            f"There is no node '{plain(node)}' yet: the one that shows this token is it.", settings
        )
    token = await store.devices.make(node, label, TERMINAL)
    secret = signer.make(Claims(Use.DEVICE, token.node, token.id, token.created / 1e6))
    members = {"id": token.id, "node": token.node, "label": token.label, "secret": secret}
    if page is None:
        tell(settings, secret, **members)
        return
    link = device_link(f"{page.rstrip('/')}/", token.node, secret)
    tell(settings, f"{secret}\n\n{link}\n\n{_picture(link)}", **members, link=link)


def _picture(link: str) -> str:
    """`link` as a QR code, of characters."""
    import segno

    try:
        code = segno.make_qr(link, error="l")
    except segno.DataOverflowError:
        return "The link is too long for a QR code."
    drawn = StringIO()
    code.terminal(drawn, compact=True)
    return drawn.getvalue().rstrip("\n")


def _checked_page(
    _context: click.Context, _param: click.Parameter, value: str | None
) -> str | None:
    """Raises BadParameter for what can be no address of a page."""
    if value is not None:
        try:
            check_page_address(value)
        except InvalidValue as exc:
            raise click.BadParameter(exc.reason) from exc
    return value


async def _list(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    node = await _meant(store, words["node"])
    rows: list[Mapping[str, object]] = [
        {
            "id": each.id,
            "label": each.label,
            "created": each.created / 1e6,
            "revoked": None if each.revoked is None else each.revoked / 1e6,
        }
        for each in await store.devices.tokens(node)
    ]
    tell_rows(
        settings, ("ID", "LABEL", "CREATED", "REVOKED"), rows,
        f"There is no token of a node '{plain(node)}'. To make one: aiot token create"
        f" {plain(quote(node))}",
    )  # fmt: skip


async def _revoke(store: "Store", settings: AccountSettings, words: Mapping[str, Any]) -> None:
    from pyaiot.store.audit import TERMINAL

    id_ = words["id"]
    try:
        revoked = await store.devices.revoke(id_, TERMINAL)
    except NotFound as exc:
        # It is not said again: somebody may have taken the token itself for its id.
        raise NotFound("There is no token with that id. To see them: aiot token list NODE") from exc
    tell(
        settings, f"{plain(id_)} holds no more" if revoked else f"{plain(id_)} was revoked before",
        id=id_, revoked=True,
    )  # fmt: skip


async def _meant(store: "Store", text: str) -> str:
    """The uid of the node that `text` is the uid or the name of; of one that is to come, itself.

    Raises UnknownNode where it is the name of several, and InvalidValue where it can be no uid.
    """
    if await store.nodes.get(text) is not None:
        return text
    return the_one(text, await called(store, text) or {checked_uid(text)})


command = office_group(
    "token",
    "Make, list and revoke tokens of nodes. A gateway takes notice within two seconds.",
    [
        office_command(
            "create",
            "Make a token for NODE (its uid or its name) and show it this once. From then on nobody"
            " may be that node without one. A node that has yet to come gets NODE as its uid.",
            _create,
            [
                Word(["node"]),
                Choice(["--label"], default="", metavar="TEXT", help="What it is for"),
                Choice(
                    ["--page"],
                    metavar="URL",
                    callback=_checked_page,
                    help="Address of the page, such as https://iot.example/iot/: show the link that"
                    " sets the device up as well, and its QR code",
                ),
            ],
            makes=True,
            signs=True,
        ),
        office_command(
            "list", "List the tokens of NODE (its uid or its name).", _list, [Word(["node"])]
        ),
        office_command("revoke", "Let the token ID hold no more.", _revoke, [Word(["id"])]),
    ],
)
