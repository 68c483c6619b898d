# SPDX-License-Identifier: BSD-3-Clause
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.accounts.names import checked_name, name_key
from pyaiot.errors import InvalidValue


@pytest.mark.parametrize(
    ("text", "name"),
    [("Ann", "Ann"), ("  Ann B. ", "Ann B."), ("Zoe\u0308", "Zo\u00eb"), ("x" * 64, "x" * 64)],
)
def test_a_name_is_trimmed_and_composed(text: str, name: str) -> None:
    assert checked_name(text) == name


@pytest.mark.parametrize(
    "text", ["", "  ", "x" * 65, "a\x00b", "a\nb", "a\u202eb", "a\u200bb", "a\u2028b", "a\ud800"]
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(InvalidValue):
        checked_name(text)


def test_names_are_the_same_whatever_their_capitals() -> None:
    assert name_key(" ANN ") == name_key("ann")
    assert name_key("STRASSE") == name_key("straße")
    assert name_key("ZOE\u0308") == name_key("zo\u00eb")
    assert name_key("ann") != name_key("anne")


@given(st.text(max_size=64))
def test_keys_fit_their_column(text: str) -> None:
    try:
        name = checked_name(text)
    except InvalidValue:
        return
    assert checked_name(name) == name
    assert 0 < len(name_key(name)) <= 192
