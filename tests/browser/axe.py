# SPDX-License-Identifier: BSD-3-Clause
"""What axe-core finds wrong with a page: https://github.com/dequelabs/axe-core."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.browser.chromium import Chromium

FOLDER: Final = Path(__file__).parents[2] / "pyaiot" / "dashboard" / "frontend" / "node_modules"

ALL: Final = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
COLOURS: Final = {"type": "rule", "values": ["color-contrast"]}
"""What a look can change."""

_RUN: Final = """
const done = arguments[arguments.length - 1];
axe.run(arguments[0] ?? document, {
  runOnly: arguments[1],
  resultTypes: ["violations"],
  elementRef: false,
}).then(
  ({ violations }) => done(violations.flatMap(({ id, nodes }) => nodes.map(
    (node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}\\n  ${node.html}`))),
  (error) => done([`axe-core failed: ${error}`]),
);
"""


@cache
def _source() -> str:
    try:
        return (FOLDER / "axe-core" / "axe.min.js").read_text("utf-8")
    except FileNotFoundError:
        pytest.fail("axe-core is missing: install it with 'scripts/frontend'.")


async def complaints(
    browser: Chromium, part: str | None = None, *, rules: Mapping[str, object] = ALL
) -> list[str]:
    """What is wrong with the page as it is now, or with a part of it."""
    # The driver is not bound by the page's policy.
    if await browser.ask("typeof axe === 'undefined'"):
        await browser.run(_source())
    found: list[str] = await browser.answer(_RUN, part, rules)
    return found
