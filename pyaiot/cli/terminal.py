# SPDX-License-Identifier: BSD-3-Clause
"""What goes to a terminal: text that cannot command it, and tables that fit it."""

import json
import unicodedata
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from pyaiot.model.value import Value

GAP: Final = "  "


def plain(text: str) -> str:
    """`text` on one line, without characters that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def shown(value: Value) -> str:
    """A reading's value as people read it: text as it is, anything else as JSON."""
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def age(seconds: float) -> str:
    """A time span in its largest unit: ``now``, ``12 s``, ``5 min``, ``3 h``, ``2 d``."""
    if seconds < 1:
        return "now"
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds / 86_400)} d"


def width(text: str) -> int:
    """How many cells of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(char) for char in text)


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` cells; an ellipsis stands for what had to go."""
    if width(text) <= limit:
        return text
    ends = accumulate(map(_cells, text))
    kept = "".join(char for char, end in zip(text, ends, strict=True) if end < limit)
    return f"{kept}…" if limit > 0 else ""


def table(
    rows: Sequence[Sequence[str]], limit: int | None, floors: Sequence[tuple[int, int]]
) -> list[str]:
    """`rows` as lines with aligned columns.

    Where they take more than `limit` cells, columns give way in the order of `floors`: pairs of a
    column and the width down to which it does.
    """
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    if limit is not None:
        excess = sum(widths) + len(GAP) * (len(widths) - 1) - limit
        for column, floor in floors:
            given = max(0, min(excess, widths[column] - floor))
            widths[column] -= given
            excess -= given
    lines = [GAP.join(map(_fitted, row, widths)).rstrip() for row in rows]
    return lines if limit is None else [cut(line, limit) for line in lines]


def _fitted(text: str, cells: int) -> str:
    text = cut(text, cells)
    return text + " " * (cells - width(text))


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
