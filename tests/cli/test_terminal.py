# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.cli.terminal import age, cut, plain, shown, table, width
from pyaiot.model.value import Value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Desk °C 漢", "Desk °C 漢"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u202eb", "a\\u202eb"),
    ],
)
def test_text_cannot_command_a_terminal(text: str, line: str) -> None:
    assert plain(text) == line


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("23°C", "23°C"),
        ("\x07", "\\x07"),
        (5, "5"),
        (None, "null"),
        (True, "true"),
        ({"a": ["°", 1.5]}, '{"a": ["°", 1.5]}'),
    ],
)
def test_values(value: Value, line: str) -> None:
    assert shown(value) == line


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "now"),
        (0.9, "now"),
        (1, "1 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86_399, "23 h"),
        (200_000, "2 d"),
    ],
)
def test_ages(seconds: float, words: str) -> None:
    assert age(seconds) == words


def test_width_in_cells() -> None:
    assert width("abc") == 3
    assert width("23°C") == 4
    assert width("漢字") == 4
    assert width("e\u0301") == 1


def test_cutting() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 4) == "abc…"
    assert cut("漢字漢", 4) == "漢…"
    assert cut("abc", 1) == "…"
    assert cut("abc", 0) == ""


ROWS = [("NAME", "UID", "VALUES"), ("Desk", "0123456789", "led=0 temperature=5"), ("漢", "1", "")]
FLOORS = ((2, 8), (1, 4), (2, 0))


def test_table_without_a_limit() -> None:
    assert table(ROWS, None, FLOORS) == [
        "NAME  UID         VALUES",
        "Desk  0123456789  led=0 temperature=5",
        "漢    1",
    ]


@pytest.mark.parametrize("limit", range(60))
def test_table_fits(limit: int) -> None:
    lines = table(ROWS, limit, FLOORS)
    assert len(lines) == 3
    assert all(width(line) <= limit for line in lines)


def test_table_narrows_one_column_after_the_other() -> None:
    assert table(ROWS, 30, FLOORS)[1] == "Desk  0123456789  led=0 tempe…"
    assert table(ROWS, 24, FLOORS)[1] == "Desk  0123456…  led=0 t…"
    assert table(ROWS, 14, FLOORS)[1] == "Desk  012…  l…"
