# SPDX-License-Identifier: BSD-3-Clause
"""What nodes write in the bodies of their messages (WIRE.md sections 4 and 9)."""

import base64
import re
from typing import Final, NamedTuple

from pyaiot.errors import InvalidValue
from pyaiot.gateway.adapter import Naming
from pyaiot.model.node import checked_endpoint, checked_uid

MAX_DIAGNOSTIC: Final = 120
"""Characters of a node's own explanation that are passed on."""

_NAMELESS: Final = frozenset({"alive", "Alive", "reset"})
"""Whole announcements of old firmwares, which have no uid to say."""

_REBOOTED: Final = "reset"

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""What text does not hold; tabs and line ends it does."""


_PROOF: Final = re.compile(rb"token=([\w.-]+)\r?\n", re.ASCII)
"""A first line in a body: the device token of a node that cannot send a query.

No body of the original begins so: what it posts is one line, which begins with ``alive``,
``reset`` or the name of a resource, and no such name holds a line break.
"""


class Announcement(NamedTuple):
    """A node says that it is there."""

    name: str
    naming: Naming
    rebooted: bool


class Posted(NamedTuple):
    """A node says what one of its resources is."""

    endpoint: str
    value: str


def proof(body: bytes) -> tuple[str, bytes]:
    """The token in the first line of `body`, if there is one, and the rest."""
    found = _PROOF.match(body)
    if found is None:
        return "", body
    return found[1].decode(), body[found.end() :]


def proven(text: str, token: str) -> str:
    """What a node posts that shows `token`, where it has one, and cannot send a query."""
    return f"token={token}\n{text}" if token else text


def announcement(body: bytes, host: str, *, reset: bool = False) -> Announcement:
    """What a node at `host` posted to ``/alive``, or to ``/reset`` if `reset`.

    The uid is what follows the last colon. A firmware that says none is named after its host, or
    all of them would be one node. Raises InvalidValue for what is empty or no text.
    """
    text = _text(body).strip()
    if not text:
        raise InvalidValue("An announcement must not be empty.")
    rebooted = reset or text.startswith(_REBOOTED)
    _, colon, after = text.rpartition(":")
    uid = after.strip()
    if (colon and not uid) or text in _NAMELESS:
        return Announcement(checked_uid(host), Naming.LOCAL, rebooted)
    return Announcement(checked_uid(uid), Naming.UNIQUE, rebooted)


def posted(body: bytes) -> Posted:
    """What a node posted to ``/server``: ``<resource>:<value>``; values may hold colons too.

    Raises InvalidValue for what is empty, no text, or names no resource.
    """
    text = _text(body)
    if not text:
        raise InvalidValue("A report must not be empty.")
    name, colon, value = text.partition(":")
    if not colon:
        raise InvalidValue("A report must be '<resource>:<value>'.")
    return Posted(checked_endpoint(name.strip()), value.strip(" "))


def value_of(body: bytes, endpoint: str) -> str:
    """The value in the body of a GET response of the resource `endpoint`.

    Firmwares send whole buffers padded with NUL, and some write the resource's name in front.
    What is no text becomes base64.
    """
    try:
        text = _text(body)
    except InvalidValue:
        return base64.b64encode(body).decode()
    if _CONTROL.search(text):
        return base64.b64encode(body).decode()
    prefix = f"{endpoint}:"
    if text.startswith(prefix):
        return text[len(prefix) :].strip(" ")
    return text


def confirmed_value(body: bytes, endpoint: str) -> str | None:
    """The value in a node's answer to a PUT, if it says what its resource is now.

    Only ``<resource>:<value>`` does; others answer ``Updated`` or whatever they like.
    """
    try:
        name, value = posted(body)
    except InvalidValue:
        return None
    return value if name == endpoint else None


def diagnostic(body: bytes) -> str:
    """A node's explanation of an error, as one short line of text."""
    text = _CONTROL.sub("", body[: MAX_DIAGNOSTIC * 4].decode("utf-8", "replace"))
    return " ".join(text.split())[:MAX_DIAGNOSTIC]


def _text(body: bytes) -> str:
    try:
        return body.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        raise InvalidValue("A body must be text in UTF-8.") from None
