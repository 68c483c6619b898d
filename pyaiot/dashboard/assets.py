# SPDX-License-Identifier: BSD-3-Clause
"""The files of the page, read once and kept in memory."""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from pyaiot.errors import StartFailed

INDEX: Final = "index.html"
MAX_TOTAL: Final = 32 << 20
"""Bytes that the files of a page may have together; a wrong ``--static-path`` has more."""

_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
"""What the build leaves beside a file, the best first."""

# The system's own table may lack or bend these.
_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, in the encodings it is there in; ``identity`` always is."""

    content_type: str
    encodings: Mapping[str, bytes]
    digest: str
    """Of its content."""
    hashed: bool
    """Whether its name changes with its content, so that it may be cached for ever."""

    @property
    def is_page(self) -> bool:
        """Whether it is a document, which runs scripts, rather than a part of one."""
        return self.content_type.startswith("text/html")

    def best(self, accepted: str) -> str:
        """What to send to whoever sent this ``Accept-Encoding`` (RFC 9110 section 12.5.3)."""
        wanted = _accepted(accepted)
        return next((each for each in self.encodings if each in wanted), "identity")


def _accepted(header: str) -> frozenset[str]:
    found = set()
    for item in header.lower().split(","):
        name, _, parameters = item.partition(";")
        weight = parameters.replace(" ", "").removeprefix("q=").rstrip("0")
        if weight not in {"", "0", "0."} or not parameters:
            found.add(name.strip())
    return frozenset(found)


class Assets:
    """All files of the page, by their path on the server."""

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = assets

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The files in `folder`.

        Raises StartFailed where no page is, or one that cannot be read.
        """
        if not (folder / INDEX).is_file():
            raise StartFailed(
                f"there is no page in {folder}; build it with 'npm ci && npm run build' in"
                " pyaiot/dashboard/frontend, or install pyaiot anew"
            )
        try:
            return cls(dict(_read(folder)))
        except OSError as exc:
            raise StartFailed(f"cannot read the page: {exc}") from exc

    def get(self, path: str) -> Asset | None:
        """The file at `path` (without a leading slash); the page itself at the empty one."""
        return self._assets.get(path or INDEX)


def _read(folder: Path) -> list[tuple[str, Asset]]:
    found = []
    total = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".br", ".gz"} or not path.is_file():
            continue
        content = path.read_bytes()
        total += len(content)
        if total > MAX_TOTAL:
            raise StartFailed(f"{folder} holds more than a page: over {MAX_TOTAL >> 20} MiB")
        name = path.relative_to(folder).as_posix()
        found.append((name, _asset(path, name, content)))
    return found


def _asset(path: Path, name: str, content: bytes) -> Asset:
    beside = ((name, path.with_name(path.name + suffix)) for name, suffix in _ENCODINGS)
    encodings = {name: each.read_bytes() for name, each in beside if each.is_file()}
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(
        _TYPES.get(path.suffix.lower(), guessed),
        {**encodings, "identity": content},
        hashlib.blake2b(content, digest_size=12).hexdigest(),
        # What the build puts there carries a hash of its content in its name.
        hashed=name.startswith("assets/"),
    )
