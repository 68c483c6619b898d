# SPDX-License-Identifier: BSD-3-Clause
"""Nodes that are to come, and the tokens of nodes."""

import asyncio
import uuid
from typing import Any, Final

import segno

from pyaiot.accounts.links import device_link
from pyaiot.accounts.tokens import Claims, Use
from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.described import described, owned
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.problem import conflict
from pyaiot.errors import PermissionDenied
from pyaiot.model.node import checked_uid
from pyaiot.store.devices import DeviceToken


async def register(call: Call[NoQuery, forms.NewDevice]) -> forms.MadeDevice:
    """A node that is to come, of whoever asks."""
    with call.services.makers.reading(call.who.id, call.asker.address):
        return await _registered(call)


async def _registered(call: Call[NoQuery, forms.NewDevice]) -> forms.MadeDevice:
    services, body = call.services, call.body
    if body.uid is not None and not call.who.unlimited:
        # Whether there is a node with that uid is not everybody's business; and who names one that
        # is yet to come would take it from all others.
        raise PermissionDenied("Only administrators choose a node's uid. Without one it gets one.")
    uid = _new_uid(call) if body.uid is None else checked_uid(body.uid)
    if uid in services.live.mirror.nodes:
        # It is there, without a token: whoever names it would take it from all others.
        raise conflict("name_taken", "There is a node with that uid.")
    token = await services.store.devices.register(
        uid, call.who.id, body.name, call.actor, kind=body.kind, config=body.config
    )
    await services.directory.changed()
    return forms.MadeDevice(await described(call, uid), await _made(call, token))


async def tokens(call: Call[NoQuery, None]) -> forms.Page[forms.Token]:
    """The tokens of a node, the newest first; revoked ones too."""
    uid = await owned(call, call.params["uid"])
    found = await call.services.store.devices.tokens(uid)
    return forms.Page(tuple(_token(each) for each in found))


async def make(call: Call[NoQuery, forms.NewToken]) -> forms.MadeToken:
    """One more token for a node, which nobody may be without one from now on."""
    uid = await owned(call, call.params["uid"])
    # Only for nodes that there are: what an administrator mistypes would be bound for ever.
    await described(call, uid)
    with call.services.makers.reading(call.who.id, call.asker.address):
        token = await call.services.store.devices.make(uid, call.body.label, call.actor)
        await call.services.directory.changed()
        return await _made(call, token)


async def revoke(call: Call[NoQuery, None]) -> None:
    """Let a token hold no more; a node that came by it is sent away."""
    uid = await owned(call, call.params["uid"])
    await call.services.store.devices.revoke(call.params["id"], call.actor, uid)
    await call.services.directory.changed()


def _new_uid(call: Call[Any, Any]) -> str:
    return str(uuid.UUID(bytes=call.services.token_bytes(16), version=4))


async def _made(call: Call[Any, Any], token: DeviceToken) -> forms.MadeToken:
    secret = call.services.signer.make(
        Claims(Use.DEVICE, token.node, token.id, token.created / 1e6)
    )
    link = device_link(_page(call), token.node, secret)
    # Takes a tenth of a second, in which others are to be answered.
    code = await asyncio.to_thread(qr_of, link)
    return forms.MadeToken(_token(token), secret, link, code)


def qr_of(link: str) -> tuple[str, ...]:
    """`link` as a QR code: rows of 0 and 1, without the quiet zone; none where it is too long."""
    try:
        code = segno.make_qr(link, error="l")
    except segno.DataOverflowError:
        return ()
    return tuple("".join("1" if dark else "0" for dark in row) for row in code.matrix)


def _page(call: Call[Any, Any]) -> str:
    """The address of the page, as the operator has said, or as whoever asks reaches it."""
    chosen = call.services.house.public_url
    if chosen:
        return chosen
    scheme = "https" if call.asker.secure else "http"
    return f"{scheme}://{call.asker.headers.get('host', 'localhost')}/"


def _token(token: DeviceToken) -> forms.Token:
    revoked = None if token.revoked is None else token.revoked / 1e6
    return forms.Token(token.id, token.node, token.label, token.created / 1e6, revoked)


ENDPOINTS: Final = (
    Endpoint(
        "POST", "/devices", Who.OPERATOR, register,
        "Make a node that is to come, with a token, which is shown this once.",
        body=forms.NewDevice, answer=forms.MadeDevice, status=201, problems=(403, 409, 503),
        refuses=forms.BAD_NAME,
    ),
    Endpoint(
        "GET", "/nodes/{uid}/tokens", Who.USER, tokens,
        "The tokens of a node. For its owner and administrators.",
        answer=forms.Page[forms.Token], problems=(403, 404),
    ),
    Endpoint(
        "POST", "/nodes/{uid}/tokens", Who.OPERATOR, make,
        "One more token for a node, which is shown this once. From the first one on the node"
        " needs one. For its owner and administrators.",
        body=forms.NewToken, answer=forms.MadeToken, status=201, problems=(403, 404, 503),
    ),
    Endpoint(
        "DELETE", "/nodes/{uid}/tokens/{id}", Who.OPERATOR, revoke,
        "Revoke a token: a node that came by it is sent away. For its owner and administrators.",
        problems=(403, 404),
    ),
)  # fmt: skip
