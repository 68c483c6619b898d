# SPDX-License-Identifier: BSD-3-Clause
"""A spool's readings on disk: files that are only ever appended to.

Each line is a record: a checksum, and either a numbered reading, or up to which number all are done
with, or which single one is. A file is called after the first number that may be in it, and removed
once all of its readings, and all in older files, are done with.

``append`` returns when the system has the record, so that nothing is lost when this process is
killed. `sync`, once a second, has the disk keep it, for when the power fails. A record that was
torn by that ends its file: it and what follows it is cut off when the file is opened again.
"""

import contextlib
import errno
import fcntl
import logging
import os
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from pyaiot.errors import StartFailed
from pyaiot.messages.codec import encode
from pyaiot.messages.types import Update

logger = logging.getLogger(__name__)

SEGMENT: Final = 1 << 20
"""Bytes at which another file is begun."""

RETRY: Final = 1.0
"""Seconds until the disk is tried again after it failed; what comes meanwhile is not on it."""

_NAME: Final = re.compile(r"\d{16}")


class DiskJournal:
    """Fits `pyaiot.gateway.spool.Journal`. One process at a time has it."""

    def __init__(self, path: Path, clock: Callable[[], float], *, segment: int = SEGMENT) -> None:
        """Files are called `path` and a number. `clock` is steady, in seconds.

        Raises StartFailed when they cannot be read or written, or somebody else has them.
        """
        self._path = path = path.expanduser()
        self._clock = clock
        self._segment = segment
        self._next = 1
        self._live: deque[int] = deque()
        self._files: deque[tuple[int, Path]] = deque()
        """The first number in each file, and where it is; oldest first."""
        self._out = -1
        self._full: list[int] = []
        """Files that are full, and to be kept by the disk before they are closed."""
        self._size = 0
        self._dirty = False
        self._retry_at = 0.0
        self.unwritten = 0
        """Readings that are not on disk, because that failed."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise StartFailed(f"spool_file: cannot use '{path}': {exc.strerror}.") from exc
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._recovered = self._recover()
            self._begin()
            self._tidy()
        except BlockingIOError as exc:
            os.close(self._lock)
            raise StartFailed(f"spool_file: another gateway uses '{path}'.") from exc
        except (OSError, ValueError) as exc:  # what the checksum let through can still be nonsense
            os.close(self._lock)
            raise StartFailed(f"spool_file: cannot use '{path}': {exc}.") from exc

    def kept(self) -> list[Update]:
        """What was kept when the files were last in use."""
        recovered, self._recovered = self._recovered, []
        return recovered

    def append(self, reading: Update) -> None:
        """Write `reading`."""
        number = self._next
        self._live.append(number)
        if not self._write(b"+%d %s" % (number, encode(reading))):
            self.unwritten += 1
        self._next += 1

    def release(self, number: int) -> None:
        """The first `number` of those kept are done with."""
        last = 0
        for _ in range(number):
            last = self._live.popleft()
        self._write(b"<%d" % last)
        self._tidy()

    def drop(self, position: int) -> None:
        """The one that has `position` others before it is done with."""
        number = self._live[position]
        del self._live[position]
        self._write(b"=%d" % number)
        self._tidy()

    def sync(self) -> None:
        """Have the disk keep what was written. Blocks; fit to be called from another thread."""
        full, self._full = self._full, []
        dirty, self._dirty = self._dirty, False
        for descriptor in (*full, *((self._out,) if dirty and self._out >= 0 else ())):
            with contextlib.suppress(OSError):  # a write will tell
                os.fdatasync(descriptor)
        for descriptor in full:
            os.close(descriptor)

    def close(self) -> None:
        """Let others have the files."""
        self.sync()
        if self._out >= 0:
            os.close(self._out)
            self._out = -1
        os.close(self._lock)

    def _write(self, record: bytes) -> bool:
        """Write one record; False if the disk does not take it."""
        now = self._clock()
        if now < self._retry_at:
            return False
        line = _line(record)
        try:
            if self._out < 0 or self._size + len(line) > self._segment:
                self._begin()
            if os.write(self._out, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - as the next would say
        except OSError as exc:
            logger.error("Cannot write to '%s', readings are in memory only: %s", self._path, exc)  # noqa: TRY400 - the reason is enough
            self._retry_at = now + RETRY
            if self._out >= 0:
                # What is torn would end the file for whoever reads it.
                with contextlib.suppress(OSError):
                    os.ftruncate(self._out, self._size)
                self._full.append(self._out)
                self._out = -1
            return False
        self._size += len(line)
        self._dirty = True
        return True

    def _begin(self) -> None:
        """Go on in another file."""
        if self._out >= 0:
            self._full.append(self._out)
            self._out = -1
        path = self._path.with_name(f"{self._path.name}.{self._next:016}")
        self._out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._out).st_size
        if not self._files or self._files[-1][1] != path:
            self._files.append((self._next, path))

    def _tidy(self) -> None:
        """Remove files of which nothing is needed any more."""
        needed = self._live[0] if self._live else self._next
        while len(self._files) > 1 and self._files[1][0] <= needed:
            _, path = self._files.popleft()
            with contextlib.suppress(OSError):
                path.unlink()

    def _recover(self) -> list[Update]:
        found: dict[int, Update] = {}
        for first, path in self._existing():
            self._next = max(self._next, first)
            for record in _records(path):
                number, _, body = record[1:].partition(b" ")
                if record[:1] == b"+":
                    self._next = max(self._next, int(number) + 1)
                    found[int(number)] = msgspec.json.decode(body, type=Update)
                elif record[:1] == b"<":
                    while found and next(iter(found)) <= int(number):
                        del found[next(iter(found))]
                else:
                    found.pop(int(number), None)
            self._files.append((first, path))
        self._live.extend(found)
        return list(found.values())

    def _existing(self) -> list[tuple[int, Path]]:
        start = f"{self._path.name}."
        return sorted(
            (int(path.name[len(start) :]), path)
            for path in self._path.parent.iterdir()
            if path.name.startswith(start) and _NAME.fullmatch(path.name[len(start) :])
        )


def _line(record: bytes) -> bytes:
    return b"%08x%s\n" % (zlib.crc32(record), record)


def _records(path: Path) -> Iterator[bytes]:
    """The records in a file, which is cut where it is torn."""
    whole = 0
    with path.open("r+b") as stream:
        for line in stream:
            record = line[8:-1]
            if not record or line != _line(record):
                break
            whole += len(line)
            yield record
        if stream.seek(0, os.SEEK_END) > whole:
            logger.warning("'%s' is torn, what follows byte %d is lost", path, whole)
            stream.truncate(whole)
