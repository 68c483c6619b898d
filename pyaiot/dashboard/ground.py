# SPDX-License-Identifier: BSD-3-Clause
"""What the map may show below the nodes, besides the outlines of the world that the page brings."""

import hashlib
import re
import struct
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from pyaiot.dashboard.appearance import origin_of
from pyaiot.errors import SettingsInvalid, StartFailed

MAX_BYTES: Final = 8 << 20
"""Size of the file of a floor plan; it is kept in memory, and sent to every visitor."""
MAX_PIXELS: Final = 40_000_000
"""Browsers take four bytes of memory for each."""
MAX_ATTRIBUTION: Final = 200

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
# Start-of-frame markers; between them lie those of tables (ITU-T T.81, table B.1).
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """A picture to place nodes on."""

    content_type: str
    content: bytes

    @classmethod
    def load(cls, path: Path) -> Self:
        """The picture in a file: PNG or JPEG, for an SVG may hold scripts and is a page of its own.

        Raises StartFailed for a file that cannot be read, or is none of these, or too large.
        """
        try:
            if not path.is_file():
                raise StartFailed(f"floor_plan: there is no file {path}")
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as exc:
            raise StartFailed(f"floor_plan: cannot read {path}: {exc.strerror}") from exc
        if len(content) > MAX_BYTES:
            raise StartFailed(f"floor_plan: {path} is larger than {MAX_BYTES >> 20} MiB")
        if content.startswith(_PNG):
            kind, size = "image/png", _png_size(content)
        elif content.startswith(_JPEG):
            kind, size = "image/jpeg", _jpeg_size(content)
        else:
            raise StartFailed(f"floor_plan: {path} is neither a PNG nor a JPEG picture")
        if size is None or not all(size):
            raise StartFailed(f"floor_plan: {path} is damaged")
        if size[0] * size[1] > MAX_PIXELS:
            raise StartFailed(
                f"floor_plan: {path} has {size[0]} by {size[1]} pixels,"
                f" and more than {MAX_PIXELS // 1_000_000} million are too many"
            )
        return cls(kind, content)

    @property
    def digest(self) -> str:
        """Of the picture, so that browsers see when it is another."""
        return hashlib.blake2b(self.content, digest_size=12).hexdigest()


def _png_size(content: bytes) -> tuple[int, int] | None:
    # The header comes first (PNG, section 5.6).
    if len(content) < 33 or content[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        (length,) = struct.unpack_from(">H", content, at + 2)
        at += 2 + length
    return None


@dataclass(frozen=True, slots=True)
class Tiles:
    """A server of map pictures that the operator chose, and whom to thank for them.

    `template` is an address by HTTP with ``{z}``, ``{x}`` and ``{y}`` in its path or query. Raises
    SettingsInvalid for anything else; ``{s}`` too, for each name of a server would need a rule of
    its own in the page's policy.
    """

    template: str
    attribution: str = ""

    def __post_init__(self) -> None:
        try:
            origin = self.origin
        except ValueError as exc:
            raise SettingsInvalid(f"map_tiles: {exc}") from None
        place, _, path = self.template.partition("://")[2].partition("/")
        found = sorted(_PLACEHOLDER.findall(path))
        if not origin or found != ["x", "y", "z"] or "{" in place or "#" in path:
            raise SettingsInvalid(
                "map_tiles: expected an address that begins with http:// or https://, and has {z},"
                " {x} and {y} once each after the host, and no others, such as"
                f" https://tile.example.org/{{z}}/{{x}}/{{y}}.png, not {self.template!r}"
            )
        if len(self.attribution) > MAX_ATTRIBUTION or any(
            unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
            for char in self.attribution
        ):
            raise SettingsInvalid(
                f"map_attribution: expected a line of at most {MAX_ATTRIBUTION} characters"
            )

    @property
    def origin(self) -> str:
        """Where the pictures come from."""
        return origin_of(self.template)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the operator offers."""

    plan: FloorPlan | None = None
    tiles: Tiles | None = None

    @property
    def picture_origins(self) -> tuple[str, ...]:
        """Where pictures come from, other than from this server."""
        return () if self.tiles is None else (self.tiles.origin,)

    @property
    def facts(self) -> dict[str, object]:
        """What the page must know."""
        plan, tiles = self.plan, self.tiles
        return {
            "plan": None if plan is None else f"floor-plan?{plan.digest}",
            "tiles": None
            if tiles is None
            else {"template": tiles.template, "attribution": tiles.attribution},
        }
