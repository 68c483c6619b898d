# SPDX-License-Identifier: BSD-3-Clause
"""All that somebody may see of the past, as a file that is sent as it is read."""

import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Final

from pyaiot.accounts.permissions import permissions_on
from pyaiot.dashboard.api.call import Call, Identity
from pyaiot.dashboard.api.described import seen
from pyaiot.dashboard.api.endpoint import Endpoint, Who
from pyaiot.dashboard.api.forms import ExportWanted
from pyaiot.dashboard.api.history import span
from pyaiot.errors import PermissionDenied
from pyaiot.model.access import Permission
from pyaiot.model.samples import microseconds
from pyaiot.store.export import Selection
from pyaiot.store.formats import FORMATS, Format

TYPES: Final = ("text/csv", "application/json", "application/senml+json")

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


async def export(call: Call[ExportWanted, None]) -> AsyncGenerator[bytes, None]:
    wanted = call.query
    if wanted.node is not None:
        await seen(call, wanted.node)
    if wanted.start is not None and wanted.end is not None:
        span(wanted.start, wanted.end, call.now.wall)
    written = FORMATS[wanted.format]()
    day = datetime.fromtimestamp(call.now.wall, UTC).strftime("%Y-%m-%d")
    words = [_UNSAFE.sub("_", each)[:64] for each in (wanted.node, wanted.resource) if each]
    name = "-".join(["pyaiot", *words, day])
    call.headers["Content-Type"] = written.content_type
    call.headers["Content-Disposition"] = f'attachment; filename="{name}.{written.suffix}"'
    return _pieces(call, written)


async def _pieces(call: Call[ExportWanted, None], written: Format) -> AsyncGenerator[bytes, None]:
    with call.services.exports.reading(call.who.id, call.asker.address):
        begun = written.begin().encode()
        async for page in call.services.store.history.export(_selection(call)):
            # Who may see what is looked at all along: it takes long.
            asker = call.renewed(begun=True)
            if asker is None:
                raise PermissionDenied("The session of who reads it has ended.")
            seen = {uid for uid in {each.node for each in page} if _sees(call, asker, uid)}
            piece = written.page([each for each in page if each.node in seen])
            if begun or piece:
                yield begun + piece.encode()
            begun = b""
        yield begun + written.end().encode()


def _sees(call: Call[ExportWanted, None], asker: Identity, uid: str) -> bool:
    node = call.services.roll.node(uid)
    return Permission.VIEW in permissions_on(node, asker.who, asker.rules)


def _selection(call: Call[ExportWanted, None]) -> Selection:
    wanted, nodes = call.query, None
    if wanted.node is not None:
        nodes = {wanted.node}
    elif not call.who.unlimited and call.rules.unclaimed != "public":
        # Others are not even read.
        nodes = {uid for uid in call.services.roll.nodes if call.sees(uid)}
    return Selection(
        nodes,
        wanted.resource,
        wanted.path,
        None if wanted.start is None else microseconds(wanted.start),
        None if wanted.end is None else microseconds(wanted.end),
    )


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/export", Who.VISITOR, export,
        "Readings as CSV, JSON or SenML: of one series, one node, or all that you may see",
        query=ExportWanted, stream=TYPES, problems=(404, 503),
    ),
)  # fmt: skip
