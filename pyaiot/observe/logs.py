# SPDX-License-Identifier: BSD-3-Clause
"""Where log messages go, and how they look."""

import logging
import logging.handlers
from typing import Final

from pyaiot.errors import StartFailed

FORMAT: Final = "%(asctime)s - %(name)14s - %(levelname)5s - %(message)s"
"""The original's, which people's log readers know."""


def configure(
    level: str,
    *,
    debug: bool = False,
    file: str | None = None,
    max_size: int = 100_000_000,
    backups: int = 10,
) -> None:
    """Send the log to stderr, or to `file` with its older parts beside it.

    `level` is one of debug, info, warning, error, none; `debug` is the same as the first. Raises
    StartFailed when the file cannot be written.
    """
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    if level == "none" and not debug:
        root.addHandler(logging.NullHandler())
        logging.disable()
        return
    logging.disable(logging.NOTSET)
    root.addHandler(_handler(file, max_size, backups))
    own = logging.DEBUG if debug else getattr(logging, level.upper())
    logging.getLogger("pyaiot").setLevel(own)
    # At lower levels other packages log headers and payloads, tokens among them.
    root.setLevel(max(own, logging.WARNING))
    # A full disk or a closed terminal is no reason to write tracebacks to stderr.
    logging.raiseExceptions = False


def _handler(file: str | None, max_size: int, backups: int) -> logging.Handler:
    handler: logging.Handler
    if file is None:
        handler = logging.StreamHandler()
    else:
        try:
            handler = logging.handlers.RotatingFileHandler(
                file, maxBytes=max_size, backupCount=backups, encoding="utf-8"
            )
        except OSError as exc:
            raise StartFailed(
                f"cannot write log file {file}: {exc.strerror} (--log-file-prefix)"
            ) from exc
    handler.setFormatter(LineFormatter(FORMAT))
    return handler


class LineFormatter(logging.Formatter):
    """Puts each message on one line, whatever strangers have put into it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line; control characters and what is no Unicode are shown as escapes."""
        if not record.message.isprintable():
            record.message = "".join(map(_shown, record.message))
        return super().formatMessage(record)


def _shown(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()
