# SPDX-License-Identifier: BSD-3-Clause
import base64
import os
from configparser import ConfigParser

import pytest

from pyaiot.errors import KeyFileInvalid
from pyaiot.messages.keys import SECRET_LENGTH, KeyPair, KeyRing

PAIR = KeyPair("s" * 32, base64.urlsafe_b64encode(bytes(32)).decode())
OTHER = KeyPair("t" * 32, base64.urlsafe_b64encode(bytes(range(32))).decode())


def test_a_generated_pair_has_the_form_of_the_original() -> None:
    pair = KeyPair.generate(os.urandom)

    assert len(pair.secret) == SECRET_LENGTH
    assert pair.secret.isalnum()
    assert len(pair.private) == 44


def test_generated_secrets_use_the_whole_alphabet_evenly() -> None:
    counts: dict[str, int] = {}
    for _ in range(400):
        for char in KeyPair.generate(os.urandom).secret:
            counts[char] = counts.get(char, 0) + 1

    assert len(counts) == 62
    # 12,800 draws from 62: 206 each. Byte modulo 62 would give the first eight a quarter more.
    first = sum(counts[c] for c in "abcdefgh") / 8
    rest = sum(n for c, n in counts.items() if c not in "abcdefgh") / 54
    assert first / rest < 1.12


def test_random_bytes_beyond_the_last_whole_round_are_not_used() -> None:
    draws = iter([b"\xff" * 64, b"\x00" * 64, bytes(32)])

    assert KeyPair.generate(lambda _: next(draws)).secret == "a" * 32


def test_keys_do_not_show_in_a_repr() -> None:
    assert PAIR.secret not in repr(KeyRing((PAIR,)))
    assert PAIR.private not in repr(PAIR)


@pytest.mark.parametrize(
    ("secret", "private"),
    [
        ("", PAIR.private),
        ("s" * 31, PAIR.private),
        ("s" * 48, PAIR.private),
        ("é" * 32, PAIR.private),
        (PAIR.secret, "short"),
        (PAIR.secret, "é"),
        (PAIR.secret, "QUJD"),
    ],
)
def test_a_pair_that_cannot_work_does_not_exist(secret: str, private: str) -> None:
    with pytest.raises(KeyFileInvalid):
        KeyPair(secret, private)


def test_a_ring_needs_a_pair() -> None:
    with pytest.raises(KeyFileInvalid, match="no keys"):
        KeyRing(())


def test_the_original_reads_the_first_pair() -> None:
    config = ConfigParser()
    config.read_string(KeyRing((PAIR, OTHER)).text())

    assert config["keys"]["secret"] == PAIR.secret
    assert config["keys"]["private"] == PAIR.private


def test_the_file_of_the_original_is_read() -> None:
    ring = KeyRing.parse(f"[keys]\nsecret = {PAIR.secret}\nprivate = {PAIR.private}\n\n")

    assert ring == KeyRing((PAIR,))
    assert ring.current == PAIR


def test_several_pairs_come_back_in_order() -> None:
    ring = KeyRing((PAIR, OTHER))

    assert KeyRing.parse(ring.text()) == ring


def test_the_section_keys_comes_first_wherever_it_stands() -> None:
    text = (
        f"[keys old]\nsecret={OTHER.secret}\nprivate={OTHER.private}\n"
        f"[keys]\nsecret={PAIR.secret}\nprivate={PAIR.private}\n[other]\nx=1\n"
    )

    assert KeyRing.parse(text).pairs == (PAIR, OTHER)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no section"),
        ("[keys old]\n", "no section"),
        ("[keys]\nsecret = hush\n", "no 'private'"),
        ("[keys]\nprivate = hush\n", "no 'secret'"),
        ("hush = 1", "INI"),
        ("[keys]\nsecret = hush\nsecret = hush\n", "INI"),
        ("[keys]\nsecret = hush\nprivate = hush\n", "32 to 47"),
        (f"[keys]\nsecret = {PAIR.secret}\nprivate = hush\n", "base64|32 bytes"),
    ],
)
def test_a_bad_file_is_explained_without_quoting_it(text: str, reason: str) -> None:
    with pytest.raises(KeyFileInvalid, match=reason) as caught:
        KeyRing.parse(text)

    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None or "hush" not in str(caught.value.__cause__)


def test_rotation_keeps_the_last_pair_valid() -> None:
    third = KeyPair("u" * 32, PAIR.private)

    assert KeyRing((PAIR,)).rotated(OTHER).pairs == (OTHER, PAIR)
    assert KeyRing((OTHER, PAIR)).rotated(third).pairs == (third, OTHER)
