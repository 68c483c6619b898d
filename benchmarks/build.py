# SPDX-License-Identifier: BSD-3-Clause
"""Makes what the benchmarks need: the programs in C, and the peers from Debian's packages."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_SOURCES: Final = Path(__file__).parent
_CACHE: Final = _SOURCES.parent / ".cache" / "benchmarks"
_FLAGS: Final = ("-O3", "-march=native", "-std=gnu17", "-Wall", "-Wextra")
_ADMIN_PATH: Final = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where Debian keeps servers; not on an ordinary user's path."""

PACKAGES: Final = {"mosquitto": "mosquitto", "nats-server": "nats-server", "gcc": "gcc libc6-dev"}
"""Programs, and the packages that bring them."""

_INSTALL: Final = """
set -e
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
"""
"""Installs without starting the services that the packages bring."""


class BuildFailed(Exception):
    """A program is missing or cannot be made; the reason says what to do."""


def found(program: str) -> Path | None:
    """Where `program` is."""
    path = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{_ADMIN_PATH}")
    return None if path is None else Path(path)


def install(programs: Iterable[str]) -> None:
    """Install those of `programs` that are missing, as root or with sudo. Raises BuildFailed."""
    packages = [PACKAGES[each] for each in programs if found(each) is None]
    if not packages:
        return
    names = " ".join(packages).split()
    how_to = f"Install them with 'apt-get install {' '.join(names)}'."
    if found("apt-get") is None:
        raise BuildFailed(f"Programs are missing, and there is no apt-get. {how_to}")
    admin = [] if os.geteuid() == 0 else ["sudo", "-n"]
    try:
        subprocess.run([*admin, "sh", "-c", _INSTALL, "sh", *names], check=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as exc:
        raise BuildFailed(f"Programs are missing and could not be installed. {how_to}") from exc


def compiled(name: str) -> Path:
    """The program made of ``<name>.c``, made anew when a source changed. Raises BuildFailed."""
    sources = sorted(_SOURCES.glob("*.h"))
    state = hashlib.blake2s(" ".join(_FLAGS).encode())
    for source in (*sources, _SOURCES / f"{name}.c"):
        state.update(source.read_bytes())
    program = _CACHE / f"{name}-{state.hexdigest()[:16]}"
    if program.exists():
        return program
    compiler = found("gcc") or found("cc")
    if compiler is None:
        raise BuildFailed("A C compiler is missing: install it with 'apt-get install gcc'.")
    _CACHE.mkdir(parents=True, exist_ok=True)
    draft = program.with_suffix(f".{os.getpid()}")
    command: list[str | Path] = [compiler, *_FLAGS, "-o", draft, _SOURCES / f"{name}.c", "-lm"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    except subprocess.CalledProcessError as exc:
        raise BuildFailed(f"{name}.c cannot be compiled:\n{exc.stderr.decode()}") from exc
    draft.replace(program)
    return program
