# SPDX-License-Identifier: BSD-3-Clause
import inspect

import pytest

from pyaiot import errors
from pyaiot.errors import MAX_CLOSE_REASON, InvalidInput, PyaiotError, close_reason

ALL = [
    cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, PyaiotError)
]


def test_every_error_has_a_stable_code_of_its_own() -> None:
    codes = [cls.code for cls in ALL]

    assert len(set(codes)) == len(codes)
    assert all(code.islower() and code.replace("_", "").isalpha() for code in codes)


@pytest.mark.parametrize("cls", ALL)
def test_every_error_is_in_the_tree_that_the_module_shows(cls: type[PyaiotError]) -> None:
    assert issubclass(cls, PyaiotError)
    assert cls.__name__ in str(errors.__doc__)
    assert 1001 <= cls.close_code <= 1013


def test_the_reason_is_the_message() -> None:
    assert InvalidInput("so it is").reason == "so it is"


@pytest.mark.parametrize("text", ["", "short", "x" * 123, "x" * 500, "é" * 100, "\ud800" * 50])
def test_a_close_reason_always_fits(text: str) -> None:
    reason = close_reason(text)

    assert len(reason.encode()) <= MAX_CLOSE_REASON
    assert text.encode("utf-8", "replace").decode().startswith(reason)
