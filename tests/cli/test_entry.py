# SPDX-License-Identifier: BSD-3-Clause
import errno
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pyaiot.cli.entry import execute
from pyaiot.errors import KeyFileInvalid, PyaiotError, SettingsInvalid, StartFailed


def command_that(result: object) -> click.Command:
    def callback() -> object:
        if isinstance(result, BaseException):
            raise result
        return result

    return click.Command("aiot-test", callback=callback)


@pytest.mark.parametrize(("result", "status"), [(0, 0), (3, 3), (None, 0), ("x", 0)])
def test_the_command_decides(result: object, status: int) -> None:
    assert execute(command_that(result), []) == status


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SettingsInvalid("not so"), 2),
        (KeyFileInvalid("not so"), 2),
        (StartFailed("not so"), 1),
        (PyaiotError("not so"), 1),
        (click.UsageError("not\n so"), 2),
        (click.ClickException("not so"), 2),
    ],
)
def test_an_error_is_one_line(
    error: Exception, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(command_that(error), []) == status
    assert capsys.readouterr().err == "aiot-test: not so\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_interrupted(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(command_that(error), []) == 130
    assert not capsys.readouterr().err.strip()


@pytest.mark.parametrize("args", [["--no-such-option"], ["argument"], ["--help=3"]])
def test_wrong_usage(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(command_that(0), args) == 2
    error = capsys.readouterr().err
    assert error.startswith("aiot-test: ")
    assert error.count("\n") == 1


PROGRAM = """
import sys
from click import Command, echo
from pyaiot.cli.entry import console_script
console_script(Command("aiot-test", callback=lambda: [echo("x" * 99999) for _ in range(99)]))()
"""


def test_output_that_finds_no_room() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr == b"aiot-test: cannot write: No space left on device\n"


def test_other_failures_are_not_hidden() -> None:
    with pytest.raises(OSError, match="neither"):
        execute(command_that(OSError(errno.ENOTDIR, "neither")), [])


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", ">&- <&- 2>&-"])
def test_streams_that_are_closed(closed: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    script = (
        "import sys; from click import Command, echo; from pyaiot.cli.entry import console_script;"
        f"console_script(Command('aiot-test', callback=lambda: (open({str(file)!r}, 'w'),"
        " echo('said'), sys.stdin.read(), sys.exit(3))))()"
    )
    shell = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(script)} {closed}"
    ended = subprocess.run(["/bin/sh", "-c", shell], check=False, stdin=subprocess.DEVNULL)
    assert ended.returncode == 3
    assert file.read_text() == ""


def test_a_reader_that_has_enough() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 1
