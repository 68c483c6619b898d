# SPDX-License-Identifier: BSD-3-Clause
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyaiot.errors import StartFailed
from pyaiot.observe import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("pyaiot")
    handlers, levels = root.handlers[:], (root.level, own.level)
    root.handlers[:] = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])
    logging.raiseExceptions = True
    logging.disable(logging.NOTSET)


def test_lines_look_like_those_of_the_original(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    logging.getLogger("pyaiot.broker").info("listening on port %d", 8000)
    line = capsys.readouterr().err
    assert line.endswith(" -  pyaiot.broker -  INFO - listening on port 8000\n")


@pytest.mark.parametrize(
    ("level", "debug", "own", "other"),
    [
        ("info", False, logging.INFO, logging.WARNING),
        ("info", True, logging.DEBUG, logging.WARNING),
        ("debug", False, logging.DEBUG, logging.WARNING),
        ("error", False, logging.ERROR, logging.ERROR),
    ],
)
def test_levels(level: str, debug: bool, own: int, other: int) -> None:
    logs.configure(level, debug=debug)
    assert logging.getLogger("pyaiot.link").getEffectiveLevel() == own
    # Others log headers and payloads at low levels.
    assert logging.getLogger("websockets").getEffectiveLevel() == other


def test_none_is_silence(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("none")
    logging.getLogger("pyaiot").critical("nobody hears this")
    assert not capsys.readouterr().err
    logs.configure("warning")
    logging.getLogger("pyaiot").critical("but this")
    assert "but this" in capsys.readouterr().err


def test_a_file_with_its_older_parts(tmp_path: Path) -> None:
    file = tmp_path / "log"
    logs.configure("info", file=str(file), max_size=1000, backups=2)
    for number in range(100):
        logging.getLogger("pyaiot").info("message %d", number)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log", "log.1", "log.2"]
    assert "message 99" in file.read_text()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"cannot write log file .*--log-file-prefix"):
        logs.configure("info", file=str(tmp_path / "missing" / "log"))


def test_strangers_do_not_write_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    logging.getLogger("pyaiot.broker").warning("no %s", "node\n2026-01-01 \x1b[2Jforged\ud800é")
    assert capsys.readouterr().err.endswith("no node\\n2026-01-01 \\x1b[2Jforged\\ud800é\n")


def test_tracebacks_of_crashes_keep_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    logging.getLogger("pyaiot").critical("crashed: %s", "broken", exc_info=ValueError("broken"))
    assert "crashed: broken\nValueError: broken\n" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full:
        def write(self, _: str) -> None:
            raise OSError(28, "No space left on device")

        def flush(self) -> None:
            """Nothing to do."""

    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", Full())
        logs.configure("info")
    logging.getLogger("pyaiot").warning("lost")
    assert not capsys.readouterr().err
