# SPDX-License-Identifier: BSD-3-Clause
"""Programs of the system that tests need."""

import os
import shutil

import pytest

_ADMIN_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where Debian keeps servers; not on an ordinary user's path."""


def require(program: str, package: str) -> str:
    """The path of `program`, which the Debian package `package` brings.

    Where it is missing the test fails, and says what to install: a test that is skipped in silence
    proves nothing.
    """
    path = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{_ADMIN_PATH}")
    if path is None:
        pytest.fail(f"'{program}' is missing: install it with 'apt-get install {package}'.")
    return path
