# SPDX-License-Identifier: BSD-3-Clause
"""The key file on disk: read with care, written for its owner alone."""

import os
from pathlib import Path
from typing import Final

from pyaiot.errors import KeyFileInvalid
from pyaiot.messages.keys import KeyRing

_MAX_SIZE: Final = 65_536


def read_keys(path: str | Path) -> KeyRing:
    """The keys in the file at `path` (``~`` is the home directory).

    Raises KeyFileInvalid with a reason that says what to do.
    """
    file = Path(path).expanduser()
    try:
        with file.open("rb") as stream:
            raw = stream.read(_MAX_SIZE + 1)
    except FileNotFoundError as exc:
        raise KeyFileInvalid(
            f"There is no key file '{file}'. Make one with aiot-generate-keys,"
            " and copy it to every machine that runs a service."
        ) from exc
    except OSError as exc:
        raise KeyFileInvalid(f"Cannot read key file '{file}': {exc.strerror}.") from exc
    if len(raw) > _MAX_SIZE:
        raise KeyFileInvalid(f"'{file}' is too large for a key file.")
    try:
        return KeyRing.parse(raw.decode())
    except UnicodeDecodeError as exc:
        raise KeyFileInvalid(f"Key file '{file}' is not text.") from exc
    except KeyFileInvalid as exc:
        raise KeyFileInvalid(f"Invalid key file '{file}': {exc}") from exc


def exposed(path: str | Path) -> bool:
    """Whether users other than its owner may read the key file (the original wrote it so)."""
    return bool(Path(path).expanduser().stat().st_mode & 0o077)


def write_keys(path: str | Path, ring: KeyRing, *, force: bool = False) -> Path:
    """Write `ring` to `path`, mode 0600, in a directory that is made if need be (0700).

    The file is there whole or not at all. Raises KeyFileInvalid when it exists already and
    `force` is not set, or cannot be written.
    """
    file = Path(path).expanduser()
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        _make_directory(file.parent)
        # O_EXCL: nobody can have put a link or a readable file there beforehand.
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(ring.text())
                stream.flush()
                os.fsync(stream.fileno())
            if force:
                draft.replace(file)
            else:
                # Unlike a rename, a link never replaces what is there.
                file.hardlink_to(draft)
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError as exc:
        raise KeyFileInvalid(
            f"Key file '{file}' exists. Services that use it would no longer be let in;"
            " --rotate keeps it valid beside a new key, --force replaces it."
        ) from exc
    except OSError as exc:
        raise KeyFileInvalid(f"Cannot write key file '{file}': {exc.strerror}.") from exc
    return file


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as exc:
        raise NotADirectoryError(exc.errno, "not a directory") from exc
