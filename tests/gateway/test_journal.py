# SPDX-License-Identifier: BSD-3-Clause
"""Spools in memory and on disk by the same contract; and what becomes of the files."""

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyaiot.errors import StartFailed
from pyaiot.gateway import journal as module
from pyaiot.gateway.journal import DiskJournal
from pyaiot.gateway.spool import Spool
from pyaiot.link.keyfile import write_keys
from pyaiot.messages.types import Update
from tests.contracts.spool import Make, SpoolContract, numbers, reading
from tests.gateway.coap import wire
from tests.gateway.coap.firmware import free_port, udp
from tests.link.scripted import OURS, ScriptedBroker, new_ring, scripted_broker
from tests.waiting import eventually

Open = Callable[[], DiskJournal]


@pytest.fixture
def clock() -> list[float]:
    return [100.0]


@pytest.fixture
def disk(tmp_path: Path, clock: list[float]) -> Iterator[Open]:
    """Opens the same files again and again, each time as after a crash."""
    opened: list[DiskJournal] = []

    def again() -> DiskJournal:
        if opened:
            opened.pop().close()
        opened.append(DiskJournal(tmp_path / "spool", lambda: clock[0], segment=1000))
        return opened[0]

    yield again
    for journal in opened:
        journal.close()


class TestInMemory(SpoolContract):
    @pytest.fixture
    def make(self) -> Make:
        return Spool


class TestOnDisk(SpoolContract):
    @pytest.fixture
    def make(self, disk: Open) -> Make:
        return lambda limit: Spool(limit, disk())

    @pytest.fixture(autouse=True)
    def same_on_disk(self, disk: Open) -> Iterator[None]:
        """After each of these tests, what the next process finds is what the spool keeps."""
        made: list[Spool] = []
        keep = Spool.__init__

        def remembered(self: Spool, *more: object) -> None:
            keep(self, *more)  # type: ignore[arg-type]
            made.append(self)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Spool, "__init__", remembered)
            yield
        assert made
        assert disk().kept() == list(made[-1])


def files(tmp_path: Path) -> list[str]:
    return sorted(each.name for each in tmp_path.iterdir() if each.suffix != ".lock")


class TestFiles:
    def test_survive_in_order(self, disk: Open) -> None:
        spool = Spool(100, disk())
        for number in range(50):
            spool.put(reading(number, f"n{number % 3}"))
        again = Spool(100, disk())
        assert list(again) == list(spool)
        assert again.survivors == {"n0": 48.0, "n1": 49.0, "n2": 47.0}
        assert Spool(10, disk()).dropped == 40
        assert numbers(Spool(100, disk())) == list(range(40, 50))

    def test_are_for_their_owner_alone(self, disk: Open, tmp_path: Path) -> None:
        disk()
        assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}

    def test_are_removed_when_done_with(self, disk: Open, tmp_path: Path) -> None:
        spool = Spool(1000, disk())
        spool.resume()
        for number in range(100):
            spool.put(reading(number))
        assert len(files(tmp_path)) > 5
        spool.take(99)
        spool.confirm(99)
        assert len(files(tmp_path)) <= 2
        assert numbers(Spool(9, disk())) == [99]

    def test_stay_bounded_for_ever(self, disk: Open, tmp_path: Path) -> None:
        spool = Spool(10, disk())
        for number in range(1000):
            spool.put(reading(number))
        assert sum(each.stat().st_size for each in tmp_path.iterdir()) < 5000
        assert numbers(Spool(10, disk())) == list(range(990, 1000))

    @pytest.mark.parametrize("torn", [1, 5, 30])
    def test_torn_tail_is_cut(self, disk: Open, tmp_path: Path, torn: int) -> None:
        journal = disk()
        for number in range(5):
            journal.append(reading(number))
        path = tmp_path / files(tmp_path)[-1]
        os.truncate(path, path.stat().st_size - torn)
        journal = disk()
        assert numbers(journal.kept()) == [0, 1, 2, 3]
        journal.append(reading(9))
        assert numbers(disk().kept()) == [0, 1, 2, 3, 9]

    def test_nonsense_ends_its_file_alone(self, disk: Open, tmp_path: Path) -> None:
        journal = disk()
        for number in range(20):
            journal.append(reading(number))
        first, *_ = files(tmp_path)
        raw = (tmp_path / first).read_bytes()
        (tmp_path / first).write_bytes(raw[:300] + b"\xff" + raw[301:])
        kept = numbers(disk().kept())
        assert kept[-1] == 19
        assert kept == sorted(map(int, map(str, kept)))
        assert 3 <= 20 - len(kept) < 12

    def test_other_files_are_left_alone(self, disk: Open, tmp_path: Path) -> None:
        (tmp_path / "spool.txt").write_text("mine")
        (tmp_path / "other.0000000000000001").write_text("mine")
        disk().append(reading(1))
        assert numbers(disk().kept()) == [1]
        assert (tmp_path / "spool.txt").read_text() == "mine"

    def test_one_at_a_time(self, disk: Open, tmp_path: Path) -> None:
        disk()
        with pytest.raises(StartFailed, match="another gateway"):
            DiskJournal(tmp_path / "spool", lambda: 0.0)

    def test_no_place(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(StartFailed, match="spool_file"):
            DiskJournal(tmp_path / "file" / "spool", lambda: 0.0)

    def test_what_the_checksum_lets_through(self, tmp_path: Path) -> None:
        (tmp_path / "spool.0000000000000001").write_bytes(module._line(b"+x {}"))
        with pytest.raises(StartFailed, match="spool_file"):
            DiskJournal(tmp_path / "spool", lambda: 0.0)


class TestFullDisk:
    def test_goes_on_in_memory_and_tries_again(
        self,
        disk: Open,
        clock: list[float],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        genuine = os.write

        def torn(descriptor: int, data: bytes) -> int:
            return genuine(descriptor, data[:7])

        def full(*_: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        journal = disk()
        spool = Spool(100, journal)
        spool.put(reading(0))
        for failing in (torn, full):
            monkeypatch.setattr(os, "write", failing)
            spool.put(reading(1))
            spool.put(reading(2))
            monkeypatch.setattr(os, "write", genuine)
            clock[0] += module.RETRY
            spool.put(reading(3))
        assert numbers(spool) == [0, 1, 2, 3, 1, 2, 3]
        assert journal.unwritten == 4
        journal.sync()
        assert len([each for each in caplog.records if "No space" in each.message]) == 2
        assert numbers(disk().kept()) == [0, 3, 3]


async def test_killed_gateway_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    """A real process, killed with SIGKILL while nodes post; its successor sends what it kept."""
    port, broker = free_port(), ScriptedBroker(new_ring(), grants=(*OURS, "stored"))
    write_keys(tmp_path / "keys", broker.ring)

    async def gateway(broker_port: int) -> asyncio.subprocess.Process:
        options = {
            "--coap-host": "127.0.0.1",
            "--coap-port": str(port),
            "--broker-host": "127.0.0.1",
            "--broker-port": str(broker_port),
            "--key-file": str(tmp_path / "keys"),
            "--spool-file": str(tmp_path / "spool"),
        }
        words = [f"{name}={value}" for name, value in options.items()]
        code = "from pyaiot.cli.coap_gateway import main; main()"
        return await asyncio.create_subprocess_exec(sys.executable, "-c", code, *words)

    first = await gateway(free_port())
    acknowledged: list[int] = []
    async with udp() as node:

        async def post(path: str, body: str, patience: float) -> bool:
            mid = node.next_mid()
            asked = wire.request(
                wire.POST, path, body.encode(), mid=mid, token=mid.to_bytes(2, "big")
            )
            try:
                answer = await node.exchange(asked, ("127.0.0.1", port), patience)
            except AssertionError:
                return False
            return answer.code == wire.CHANGED

        async def up() -> None:
            async with asyncio.timeout(30):
                while not await post("alive", "alive:1234", 0.2):
                    pass

        await up()
        killed = asyncio.get_running_loop().call_later(0.7, first.send_signal, signal.SIGKILL)
        number = 0
        while await post("server", f"count:{number}", 1):
            acknowledged.append(number)
            number += 1
        await first.wait()
        assert killed.when()
        assert len(acknowledged) > 10
        async with scripted_broker(broker):
            second = await gateway(broker.port)
            try:
                await up()

                def counted() -> list[int]:
                    told = [m for m in broker.messages if m.get("endpoint") == "count"]
                    return [int(m["data"]) for m in told]

                await eventually(lambda: len(counted()) >= len(acknowledged), 20)
                assert counted()[: len(acknowledged)] == acknowledged
                times = [m["time"] for m in broker.messages if m.get("endpoint") == "count"]
                assert times == sorted(times)
                sent = sum(m["type"] == "update" for m in broker.messages)
                await broker.say({"type": "stored", "through": sent})

                def on_disk() -> bytes:
                    return b"".join(each.read_bytes() for each in tmp_path.glob("spool.coap.0*"))

                await eventually(lambda: b"<" in on_disk())
            finally:
                second.terminate()
                await second.wait()


def test_a_reading_is_written_as_it_travels(disk: Open) -> None:
    strange = Update("ü\n", "a/b", {"x": [1, None, "°\n"]}, "all", 1.5)
    disk().append(strange)
    assert disk().kept() == [strange]
