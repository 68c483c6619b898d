# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.accounts.passwords import MAX_PASSWORD, MIN_PASSWORD, as_bytes, check_new
from pyaiot.dashboard.api import forms
from pyaiot.errors import InvalidValue


@pytest.mark.parametrize(
    "password", ["correct horse", "0123456789", "ä" * 9 + "b", "x" * 255 + "y", " " * 9 + "x"]
)
def test_what_may_be_chosen(password: str) -> None:
    check_new(password, "ann")


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "10 characters or more"),
        ("123456789", "10 characters or more"),
        ("x" * 256 + "y", "may have 256"),
        ("a" * 20, "again and again"),
        ("Annabel Lee", "name of the account"),
        (" annabel lee ", "name of the account"),
        ("012345678\ud800", "must be text"),
    ],
)
def test_what_may_not_be_chosen(password: str, words: str) -> None:
    with pytest.raises(InvalidValue, match=words) as caught:
        check_new(password, "annabel Lee")
    assert not password or password not in str(caught.value)


def test_a_password_is_the_same_on_every_keyboard() -> None:
    assert as_bytes("Zoe\u0308") == as_bytes("Zo\u00eb") == "Zoë".encode()


def test_forms_and_rules_agree() -> None:
    assert (forms.MIN_PASSWORD, forms.MAX_PASSWORD) == (MIN_PASSWORD, MAX_PASSWORD)
