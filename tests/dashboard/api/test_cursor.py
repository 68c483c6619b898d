# SPDX-License-Identifier: BSD-3-Clause
import base64

import pytest

from pyaiot.dashboard.api.cursor import cursor_of, place_of
from pyaiot.errors import InvalidValue


def test_a_cursor_comes_back_as_what_it_was_made_of() -> None:
    assert place_of(None, int) is None
    for place in (17, "é/ \"';--", -(2**63), ""):
        assert place_of(cursor_of(place), type(place)) == place
    assert place_of(cursor_of((1, "a")), tuple[int, str]) == (1, "a")
    assert cursor_of("a").isascii()


def test_what_is_no_cursor_of_this_list_is_refused() -> None:
    nul = base64.urlsafe_b64encode(rb'"a\u0000"').decode()
    deep = base64.urlsafe_b64encode(b"[" * 300).decode()
    for bad in (
        "", "!", "é", "a", cursor_of("text"), cursor_of(1.5), cursor_of([1]), nul, deep,
        cursor_of(2**63), cursor_of(-(10**30)),
    ):  # fmt: skip
        with pytest.raises(InvalidValue, match="no cursor"):
            place_of(bad, str if bad == nul else int)
    with pytest.raises(InvalidValue, match="no cursor"):
        place_of(cursor_of((10**400, "a")), tuple[int, str])
