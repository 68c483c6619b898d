# SPDX-License-Identifier: BSD-3-Clause
"""`aiot history` and `aiot export`, on a store of their own."""

import asyncio
import csv
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pyaiot.cli.aiot import command
from pyaiot.cli.entry import execute
from pyaiot.cli.past import moment_of
from pyaiot.errors import InvalidValue
from pyaiot.model.samples import samples_of
from pyaiot.model.sighting import Sighting
from pyaiot.store.store import Store

BEGAN = int(time.time()) - 3600


async def _fill(url: str) -> None:
    store = await Store.open(url, time.time)
    for n in range(60):
        await store.history.put(
            [
                *samples_of("node-1", "temperature", f"{20 + n / 10}°C", BEGAN + n),
                *samples_of("node-2", "imu", {"x": n, "y": "=1"}, BEGAN + n),
            ]
        )
    await store.nodes.note([Sighting("node-2", 1, title="Rover")])
    await store.close()


@pytest.fixture
def url(fast_store_url: str) -> str:
    asyncio.run(_fill(fast_store_url))
    return fast_store_url


class Terminal:
    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._url = url
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        status = execute(command, [*words, f"--store={self._url}"])
        said = self._capsys.readouterr()
        return status, said.out, said.err


@pytest.fixture
def aiot(url: str, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(url, capsys)


def test_history(aiot: Terminal) -> None:
    status, out, _ = aiot("history", "node-1", "temperature", "--limit=3")
    assert status == 0
    assert [line.split()[1] for line in out.splitlines()] == ["VALUE", "25.7°C", "25.8°C", "25.9°C"]
    status, out, _ = aiot("history", "Rover", "imu", "--limit=1")
    assert [line.split()[-1] for line in out.splitlines()] == [
        "imu.x:", "VALUE", "59", "imu.y:", "VALUE", "=1",
    ]  # fmt: skip
    _, out, _ = aiot("history", "node-2", "imu", "--path=x", "--json", f"--from={BEGAN + 58}")
    assert [json.loads(line)["value"] for line in out.splitlines()] == [58, 59]
    _, out, _ = aiot(
        "history", "node-1", "temperature", f"--from={BEGAN}", f"--to={BEGAN + 60}", "--points=2"
    )
    assert [line.split()[1:] for line in out.splitlines()[1:]] == [
        ["20°C", "21.45°C", "22.9°C", "30"], ["23°C", "24.45°C", "25.9°C", "30"],
    ]  # fmt: skip


def test_history_of_nothing(aiot: Terminal) -> None:
    for words, reason in (
        (("nobody", "temperature"), "Nothing is stored of a node 'nobody'."),
        (("", "temperature"), "Nothing is stored of a node ''."),
        (("node-", "temperature"), "'node-' may be any of 2 nodes: node-1, node-2."),
        (("node-1", "led"), "Nothing is stored of 'led' of node node-1; there is temperature."),
        (
            ("Rover", "imu", "--path=z"),
            "Nothing is stored of 'z' in imu of node node-2; there is x, y.",
        ),
        (
            ("node-1", "temperature", "--path=z"),
            "Nothing is stored of 'z' in temperature of node node-1.",
        ),
        (("node-1", "temperature", "--from=soon"), "'soon' is no time"),
    ):
        status, out, err = aiot("history", *words)
        assert (status != 0, out) == (True, "")
        assert reason in err
        assert err.count("\n") == 1


def test_history_of_another_time(aiot: Terminal) -> None:
    newest = datetime.fromtimestamp(BEGAN + 59, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    for more in ((), ("--points=10",)):
        status, out, err = aiot("history", "node-1", "temperature", "--from=1m", *more)
        assert (status, out) == (0, "")
        assert err == (
            f"Nothing is stored of temperature in that time; the newest is of {newest}Z\n"
        )
    _, out, err = aiot("history", "Rover", "imu", "--path=y", "--points=10")
    assert (out, err) == ("", "What is stored of imu.y is no number: leave out --points\n")
    assert aiot("history", "Rover", "imu", "--from=1m", "--json") == (0, "", "")
    assert aiot("history", "nobody", "temperature")[0] == 6


def test_export(aiot: Terminal, tmp_path: Path) -> None:
    status, out, _ = aiot("export")
    rows = list(csv.reader(out.splitlines()))
    assert (status, len(rows), rows[0][0]) == (0, 181, "time")
    assert [row[0] for row in rows[1:]] == sorted(row[0] for row in rows[1:])
    assert {row[4] for row in rows[1:] if row[3] == "y"} == {"'=1"}
    file = tmp_path / "out.json"
    aiot("export", "--format=senml", f"--output={file}", "--node=Rover", "--path=x")
    assert [each["v"] for each in json.loads(file.read_text())] == list(range(60))
    _, out, _ = aiot("export", "--format=json", f"--from={BEGAN + 10}", f"--to={BEGAN + 12}")
    assert len(json.loads(out)) == 6
    status, _, err = aiot("export", f"--output={tmp_path}/no/such")
    assert (status, "cannot write" in err) == (2, True)
    told = aiot("export", "--output=/dev/full")
    assert told == (1, "", "aiot: cannot write /dev/full: No space left on device\n")
    _, out, err = aiot("export", "--resource=warmth")
    assert (out.count("\n"), err) == (1, "Nothing that is stored fits.\n")
    assert aiot("export", "--resource=warmth", "--json")[2] == ""


def test_moments() -> None:
    assert moment_of("1.5", 0) == 1_500_000
    assert moment_of("1h", 7200) == 3_600_000_000
    assert moment_of("forever", 7200) == 0
    assert moment_of("1970-01-01T01:00", 0) == 3_600_000_000
    assert moment_of("1970-01-01T01:00+01:00", 0) == 0
    with pytest.raises(InvalidValue):
        moment_of("soon", 0)
