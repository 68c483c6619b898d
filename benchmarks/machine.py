# SPDX-License-Identifier: BSD-3-Clause
"""The machine that the figures are of, and the memory of a process on it."""

import os
import platform
import re
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.build import found


@dataclass(frozen=True)
class Cores:
    """Where the broker runs, and where the load comes from."""

    server: int
    generator: int

    @property
    def apart(self) -> bool:
        """Whether they are two."""
        return self.server != self.generator

    @classmethod
    def chosen(cls) -> "Cores":
        """The first two cores that this process may use and that are no siblings of each other."""
        usable = sorted(os.sched_getaffinity(0))
        first = usable[0]
        siblings = _siblings(first)
        others = [core for core in usable if core not in siblings] or usable[1:]
        return cls(first, others[0] if others else first)


def _siblings(core: int) -> set[int]:
    path = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    try:
        text = path.read_text()
    except OSError:
        return {core}
    found_cores = {core}
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found_cores |= set(range(int(first), int(last or first) + 1))
    return found_cores


def end(process: subprocess.Popen[bytes], patience: float) -> None:
    """Ask a process to end, and make it end where it has not after `patience` seconds."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Whatever is started in here runs on `core` alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def raise_file_limit() -> int:
    """Allow as many open files as one may; how many that is."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def memory(pid: int) -> int:
    """Bytes of memory that a process has to itself, or its share of (PSS)."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    match = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    # After the name, which may hold blanks; fields 14 and 15 of proc(5).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Bytes of memory that a process has, what it shares with others included."""
    return _status(pid, "VmRSS")


def forget_peak(pid: int) -> None:
    """Let `peak` begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(pid: int) -> int:
    """The most that `resident` ever was."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def description() -> dict[str, str]:
    """What the figures depend on, by name."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "websockets": _package("websockets"),
        "msgspec": _package("msgspec"),
        "uvloop": _package("uvloop"),
        "Mosquitto": _version("mosquitto", "-h"),
        "NATS": _version("nats-server", "--version"),
        "gcc": _version("gcc", "--version"),
    }


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text()
    match = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1] if match else platform.machine()


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _version(program: str, option: str) -> str:
    path = found(program)
    if path is None:
        return "missing"
    shown = subprocess.run([path, option], capture_output=True, text=True, check=False, timeout=10)
    match = re.search(r"\d+\.\d+(?:\.\d+)*", (shown.stdout + shown.stderr).partition("\n")[0])
    return match[0] if match else "unknown"
