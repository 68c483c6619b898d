# SPDX-License-Identifier: BSD-3-Clause
"""The list of a node's resources: the CoRE link format (RFC 6690)."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote

from pyaiot.errors import InvalidValue
from pyaiot.model.node import MAX_RESOURCES, checked_endpoint

WELL_KNOWN: Final = (".well-known", "core")
"""Where the list itself is."""

MAX_SEGMENT: Final = 255
"""Bytes that fit a Uri-Path option (RFC 7252 section 5.10)."""

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:|//")

# A target, a quoted string, a separator or what lies between. Whatever is left open ends with the
# text, so that each of them matches at once: no list can make the expression search in vain.
_PIECE: Final = re.compile(
    r"""<[^>]*(?:>|\Z)|"(?:[^"\\]|\\.?)*(?:"|\Z)|[,;]|[^<",;]+""",
    re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


class Link(NamedTuple):
    """A resource of the node."""

    path: tuple[str, ...]
    """The segments of its path, decoded: one Uri-Path option each."""
    observable: bool = False
    """It tells of changes to whoever asks for that (RFC 7641 section 6)."""
    size: int | None = None
    """How many bytes its value may have, where that is said."""

    @property
    def endpoint(self) -> str:
        """The resource's name, as the rest of pyaiot knows it."""
        return "/".join(self.path)


def parse_links(body: bytes, limit: int = MAX_RESOURCES) -> list[Link]:
    """The node's own resources in `body`, in order, each once, at most `limit`.

    Left out are the list itself, other servers' resources and what can name no resource. A list
    that is broken somewhere still yields the links around that place.
    """
    links: dict[tuple[str, ...], Link] = {}
    for target, parameters in _entries(body.rstrip(b"\0").decode("utf-8", "replace")):
        path = _path(target)
        if path is not None and path not in links:
            links[path] = Link(path, "obs" in parameters, _size(parameters.get("sz", "")))
            if len(links) >= limit:
                break
    return list(links.values())


def segments(endpoint: str) -> tuple[str, ...]:
    """The path of the resource called `endpoint`.

    Raises InvalidValue when it has a segment that no request can carry.
    """
    path = tuple(endpoint.removeprefix("/").split("/"))
    if not _sendable(path):
        raise InvalidValue("A resource name must be a path of short segments.")
    return path


def _sendable(path: tuple[str, ...]) -> bool:
    """Whether Uri-Path options can carry `path` (RFC 7252 sections 5.10.1 and 6.5)."""
    return not any(
        part in {".", ".."} or len(part.encode("utf-8", "replace")) > MAX_SEGMENT for part in path
    )


def _entries(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The target and the parameters of each link."""
    for fields in _fields(text):
        first = "".join(fields[0]).strip()
        if first.startswith("<") and first.endswith(">"):
            yield first[1:-1].strip(), dict(_parameter(field) for field in reversed(fields[1:]))


def _fields(text: str) -> Iterator[list[list[str]]]:
    """The pieces of each link, cut at semicolons."""
    fields: list[list[str]] = [[]]
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece == ",":
            yield fields
            fields = [[]]
        elif piece == ";":
            fields.append([])
        else:
            fields[-1].append(piece)
    yield fields


def _parameter(pieces: list[str]) -> tuple[str, str]:
    name, _, plain = (pieces[0] if pieces else "").partition("=")
    for quoted in pieces[1:2]:
        return name.strip().lower(), _ESCAPED.sub(r"\1", quoted[1:].removesuffix('"'))
    return name.strip().lower(), plain.strip()


def _path(target: str) -> tuple[str, ...] | None:
    if _SCHEME.match(target) or any(char in target for char in "?#\N{REPLACEMENT CHARACTER}"):
        return None
    try:
        path = tuple(unquote(part, errors="strict") for part in target.removeprefix("/").split("/"))
        checked_endpoint("/".join(path))
    except (UnicodeDecodeError, InvalidValue):
        return None
    return path if path != WELL_KNOWN and _sendable(path) else None


def _size(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
