# SPDX-License-Identifier: BSD-3-Clause
"""With whom a node is shared."""

from typing import Any, Final

from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.described import described, owned
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.problem import conflict, not_found


async def share(call: Call[NoQuery, forms.ShareLevel]) -> forms.Node:
    """Let somebody do something with a node."""
    uid = await owned(call, call.params["uid"])
    # Only for nodes that there are.
    await described(call, uid)
    user = await _user(call)
    node = call.services.roll.node(uid)
    if node is not None and node.owner == user:
        raise conflict("owner", "The owner of a node needs no share of it.")
    await call.services.store.nodes.share(uid, user, call.body.level, call.actor)
    await call.services.directory.changed()
    return await described(call, uid)


async def unshare(call: Call[NoQuery, None]) -> forms.Node:
    """Let somebody do no more with a node than anybody may."""
    uid = await owned(call, call.params["uid"])
    await described(call, uid)
    if not await call.services.store.nodes.share(uid, await _user(call), None, call.actor):
        raise not_found("share")
    await call.services.directory.changed()
    return await described(call, uid)


async def _user(call: Call[Any, Any]) -> str:
    """The id of the account that the path names."""
    account = await call.services.store.accounts.named(call.params["name"])
    if account is None:
        raise not_found("account")
    return account.id


ENDPOINTS: Final = (
    Endpoint(
        "PUT", "/nodes/{uid}/shares/{name}", Who.OPERATOR, share,
        "Let an account do something with a node. For its owner and administrators.",
        body=forms.ShareLevel, answer=forms.Node, problems=(403, 404, 409),
    ),
    Endpoint(
        "DELETE", "/nodes/{uid}/shares/{name}", Who.OPERATOR, unshare,
        "Share a node with an account no more. For its owner and administrators.",
        answer=forms.Node, problems=(403, 404),
    ),
)  # fmt: skip
