# SPDX-License-Identifier: BSD-3-Clause
"""The rules that are in force, found by the nodes that they are about."""

from collections.abc import Iterator

from pyaiot.recorder.watch import Ruling, pattern


class Rulebook:
    """All rules in force. Those about one node are found without looking at each of them."""

    __slots__ = ("_exact", "_patterns", "rulings")

    def __init__(self) -> None:
        self.rulings: dict[str, Ruling] = {}
        """By the ids of the rules."""
        self._exact: dict[str, dict[str, Ruling]] = {}
        self._patterns: dict[str, dict[str, Ruling]] = {}

    def add(self, ruling: Ruling) -> None:
        self.rulings[ruling.rule.id] = ruling
        self._shelf(ruling).setdefault(ruling.rule.node, {})[ruling.rule.id] = ruling

    def remove(self, ruling: Ruling) -> None:
        rule, shelf = ruling.rule, self._shelf(ruling)
        del self.rulings[rule.id]
        del shelf[rule.node][rule.id]
        if not shelf[rule.node]:
            del shelf[rule.node]

    def about(self, uid: str, name: str) -> Iterator[Ruling]:
        """The rules about a node with this uid and this name, which may be empty."""
        for text in {uid, name}:
            yield from self._exact.get(text, {}).values()
        for text, rulings in self._patterns.items():
            if matches(text, uid, name):
                yield from rulings.values()

    def _shelf(self, ruling: Ruling) -> dict[str, dict[str, Ruling]]:
        return self._exact if pattern(ruling.rule.node) is None else self._patterns


def matches(text: str, uid: str, name: str) -> bool:
    """Whether `text` means a node with this uid and this name, which may be empty."""
    if text in {uid, name}:
        return True
    wanted = pattern(text)
    return wanted is not None and bool(wanted.match(uid) or (name and wanted.match(name)))
