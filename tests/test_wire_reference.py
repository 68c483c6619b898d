# SPDX-License-Identifier: BSD-3-Clause
"""``docs/reference/wire.md`` says what the code does."""

import inspect
import re
from pathlib import Path

import msgspec
import pytest

from pyaiot import errors
from pyaiot.messages import signing, types
from pyaiot.messages.types import Feature, Message, Status
from pyaiot.model.access import Permission
from pyaiot.model.node import Availability

TEXT = (Path(__file__).parent.parent / "docs" / "reference" / "wire.md").read_text()
SECTIONS = re.split(r"^#{2,4} ", TEXT, flags=re.MULTILINE)
MESSAGES = [
    cls
    for _, cls in inspect.getmembers(types, inspect.isclass)
    if issubclass(cls, Message) and cls is not Message
]


def sections_of(kind: str) -> list[str]:
    return [section for section in SECTIONS if section.startswith(f"`{kind}`")]


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_is_described_with_every_member(message: type[Message]) -> None:
    described = sections_of(str(message.__struct_config__.tag))
    members = message.__struct_encode_fields__

    assert any(all(f"`{name}`" in section for name in members) for section in described)


def test_nothing_is_described_that_is_not_there() -> None:
    known: dict[str, set[str]] = {}
    for message in MESSAGES:
        members = known.setdefault(str(message.__struct_config__.tag), set())
        members.update(message.__struct_encode_fields__)
    for section in SECTIONS:
        title = re.match(r"`(\w+)`", section)
        if title is None:
            continue
        assert title[1] in known
        rows = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
        assert set(rows) <= known[title[1]] | set(Status)


@pytest.mark.parametrize("word", [*Feature, *Permission, *Status, *Availability])
def test_every_word_of_the_protocol_is_described(word: str) -> None:
    assert f"`{word}`" in TEXT


@pytest.mark.parametrize(
    "word",
    [
        signing.FEATURES_HEADER,
        signing.NONCE_HEADER,
        signing.NAME_HEADER,
        f"{signing.TOKEN_LIFE:.0f} s",
        f"at most {types.MAX_PAYLOAD:,} characters",
        f"at most {types.MAX_REASON} characters",
        f"at most {types.MAX_COMMAND_TIME:.0f}",
        f"{errors.MAX_CLOSE_REASON} bytes",
    ],
)
def test_names_and_limits_are_those_of_the_code(word: str) -> None:
    assert word in TEXT


def test_every_error_code_is_one_of_ours_with_its_close_code() -> None:
    known = {
        cls.code: cls.close_code
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.PyaiotError)
    }
    table = sections_of("invalid_message") or [s for s in SECTIONS if s.startswith("Errors\n")]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|.*\| (\d+|-) \|$", table[0], flags=re.MULTILINE)
    assert len(rows) >= 8
    for codes, close in rows:
        for code in re.findall(r"`(\w+)`", codes):
            assert code in known
            assert close == "-" or int(close) == known[code]


def test_the_signed_example_has_the_form_of_a_signed_frame() -> None:
    example = re.search(r'^\{"type":"out".*\}$', TEXT, flags=re.MULTILINE)
    assert example is not None
    fields = msgspec.json.decode(example[0])
    assert list(fields) == ["type", "uid", "seq", "sig"]
    assert len(fields["sig"]) == 32
