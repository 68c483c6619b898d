# SPDX-License-Identifier: BSD-3-Clause
"""Bar charts as SVG: one bar for each contestant, with lines from the least to the most."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 760
_LABEL: Final = 210
_VALUE: Final = 120
_BAR: Final = 18
_STEP: Final = 28
_TOP: Final = 58
_STYLE: Final = """
text{font:13px system-ui,sans-serif;fill:#24292f}
.title{font-size:15px;font-weight:600}
.unit{fill:#57606a}
.ours{fill:#0969da}
.other{fill:#8c959f}
.span{stroke:#24292f;stroke-width:1.5}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.unit{fill:#9198a1}.ours{fill:#4493f8}.other{fill:#656c76}.span{stroke:#e6edf3}
}
"""


@dataclass(frozen=True)
class Bar:
    """One contestant."""

    label: str
    values: Sequence[float]
    shown: str
    """The median, as people read it."""
    ours: bool


def chart(title: str, unit: str, bars: Sequence[Bar]) -> str:
    """The chart as the text of an SVG file."""
    height = _TOP + _STEP * len(bars) + 8
    longest = max((max(bar.values) for bar in bars), default=0.0) or 1.0
    room = _WIDTH - _LABEL - _VALUE
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="8" y="22">{escape(title)}</text>',
        f'<text class="unit" x="8" y="42">{escape(unit)}</text>',
    ]
    for index, bar in enumerate(bars):
        parts += _drawn(bar, _TOP + index * _STEP, room / longest)
    return "\n".join([*parts, "</svg>", ""])


def _drawn(bar: Bar, top: int, scale: float) -> list[str]:
    middle = median(bar.values)
    base = top + _BAR - 4
    least, most = _LABEL + min(bar.values) * scale, _LABEL + max(bar.values) * scale
    center = top + _BAR / 2
    kind, width = "ours" if bar.ours else "other", max(middle * scale, 1)
    lines = [
        f'<text x="{_LABEL - 10}" y="{base}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="{kind}" x="{_LABEL}" y="{top}" width="{width:.1f}" height="{_BAR}"/>',
        f'<text x="{most + 10:.1f}" y="{base}">{escape(bar.shown)}</text>',
    ]
    if len(bar.values) > 1:
        path = f"M{least:.1f} {center - 4}v8m0 -4H{most:.1f}m0 -4v8"
        lines.append(f'<path class="span" fill="none" d="{path}"/>')
    return lines
