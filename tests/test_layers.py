# SPDX-License-Identifier: BSD-3-Clause
"""Imports go down the table of layers or stay in their package; below the drivers, no I/O.

Imports inside functions count as well.
"""

import ast
import sys
from collections.abc import Iterator
from enum import IntEnum
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


class Layer(IntEnum):
    WORDS = 0
    DECISIONS = 1
    DRIVERS = 2
    SHELLS = 3
    TOP = 4


LAYERS = {
    "pyaiot": Layer.WORDS,
    "pyaiot.errors": Layer.WORDS,
    "pyaiot.setting": Layer.WORDS,
    "pyaiot.settings": Layer.WORDS,
    "pyaiot.configuration": Layer.WORDS,
    "pyaiot.model": Layer.WORDS,
    "pyaiot.messages": Layer.WORDS,
    "pyaiot.broker": Layer.DECISIONS,
    "pyaiot.gateway": Layer.DECISIONS,
    "pyaiot.link": Layer.DRIVERS,
    "pyaiot.observe": Layer.DRIVERS,
    "pyaiot.broker.backplane": Layer.DRIVERS,
    "pyaiot.broker.client_link": Layer.SHELLS,
    "pyaiot.broker.complaints": Layer.SHELLS,
    "pyaiot.broker.connection": Layer.SHELLS,
    "pyaiot.broker.gateway_link": Layer.SHELLS,
    "pyaiot.broker.intake": Layer.SHELLS,
    "pyaiot.broker.post": Layer.SHELLS,
    "pyaiot.broker.reception": Layer.SHELLS,
    "pyaiot.broker.server": Layer.SHELLS,
    "pyaiot.broker.service": Layer.SHELLS,
    "pyaiot.broker.service_link": Layer.SHELLS,
    "pyaiot.broker.statistics": Layer.SHELLS,
    "pyaiot.gateway.journal": Layer.DRIVERS,
    "pyaiot.gateway.service": Layer.SHELLS,
    "pyaiot.gateway.shell": Layer.SHELLS,
    "pyaiot.gateway.coap": Layer.SHELLS,
    "pyaiot.gateway.coap.blocks": Layer.DECISIONS,
    "pyaiot.gateway.coap.datagram": Layer.DECISIONS,
    "pyaiot.gateway.coap.duplicates": Layer.DECISIONS,
    "pyaiot.gateway.coap.freshness": Layer.DECISIONS,
    "pyaiot.gateway.coap.links": Layer.DECISIONS,
    "pyaiot.gateway.coap.payload": Layer.DECISIONS,
    "pyaiot.gateway.coap.peers": Layer.DECISIONS,
    "pyaiot.gateway.mqtt": Layer.SHELLS,
    "pyaiot.gateway.mqtt.door": Layer.DECISIONS,
    "pyaiot.gateway.mqtt.packets": Layer.DECISIONS,
    "pyaiot.gateway.mqtt.payload": Layer.DECISIONS,
    "pyaiot.gateway.mqtt.reasons": Layer.DECISIONS,
    "pyaiot.gateway.mqtt.topics": Layer.DECISIONS,
    "pyaiot.gateway.websocket": Layer.SHELLS,
    "pyaiot.gateway.websocket.handshake": Layer.DECISIONS,
    "pyaiot.gateway.websocket.payload": Layer.DECISIONS,
    "pyaiot.accounts": Layer.DECISIONS,
    "pyaiot.accounts.hashing": Layer.DRIVERS,
    "pyaiot.store": Layer.DRIVERS,
    "pyaiot.store.formats": Layer.DECISIONS,
    "pyaiot.recorder": Layer.SHELLS,
    "pyaiot.recorder.alert": Layer.DECISIONS,
    "pyaiot.recorder.bounds": Layer.DECISIONS,
    "pyaiot.recorder.core": Layer.DECISIONS,
    "pyaiot.recorder.courier": Layer.DRIVERS,
    "pyaiot.recorder.facts": Layer.DECISIONS,
    "pyaiot.recorder.guard": Layer.DRIVERS,
    "pyaiot.recorder.judge": Layer.DECISIONS,
    "pyaiot.recorder.notice": Layer.DECISIONS,
    "pyaiot.recorder.phrases": Layer.DECISIONS,
    "pyaiot.recorder.preview": Layer.DECISIONS,
    "pyaiot.recorder.rulebook": Layer.DECISIONS,
    "pyaiot.recorder.rules": Layer.DECISIONS,
    "pyaiot.recorder.sightlines": Layer.DECISIONS,
    "pyaiot.recorder.watch": Layer.DECISIONS,
    "pyaiot.dashboard": Layer.SHELLS,
    "pyaiot.dashboard.api.cursor": Layer.DECISIONS,
    "pyaiot.dashboard.api.forms": Layer.DECISIONS,
    "pyaiot.dashboard.api.pace": Layer.DECISIONS,
    "pyaiot.dashboard.api.readers": Layer.DECISIONS,
    "pyaiot.dashboard.address": Layer.DECISIONS,
    "pyaiot.dashboard.appearance": Layer.DECISIONS,
    "pyaiot.dashboard.policy": Layer.DECISIONS,
    "pyaiot.dashboard.roll": Layer.DECISIONS,
    "pyaiot.simulate": Layer.TOP,
    "pyaiot.cli": Layer.TOP,
    "pyaiot.run": Layer.TOP,
}
"""The layer of each package and module, where it is not that of the package it is in.

What is in none of them has no layer, and fails.
"""

OUTSIDE = {
    "asyncio", "concurrent", "ctypes", "fcntl", "fileinput", "ftplib", "getpass", "glob", "http",
    "imaplib", "logging", "mmap", "multiprocessing", "os", "pathlib", "platform", "poplib",
    "queue", "random", "sched", "secrets", "select", "selectors", "shelve", "shutil", "signal",
    "smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "sys", "syslog",
    "tempfile", "threading", "time", "webbrowser",
}  # fmt: skip
"""Modules of the standard library that reach beyond the arguments of a function."""

THIRD_PARTY = {"cryptography", "jwt", "msgspec"}
"""What words and decisions may import that is neither pyaiot nor the standard library."""

REACHING = {"open", "print", "input", "breakpoint", "exec", "eval", "__import__"}

CLOCKS_AND_DICE = {"now", "utcnow", "today", "uuid1", "uuid4", "urandom", "generate_key"}
"""Methods and functions that take time or chance from somewhere."""


@cache
def modules() -> dict[str, Path]:
    found = {}
    for path in sorted((ROOT / "pyaiot").rglob("*.py")):
        if "node_modules" not in path.parts:
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def layer_of(module: str) -> Layer:
    name = module
    while name != "pyaiot":
        if name in LAYERS:
            return LAYERS[name]
        name = name.rpartition(".")[0]
    assert module == "pyaiot", f"{module} has no layer: enter it, or its package, in LAYERS"
    return LAYERS[module]


def package_of(module: str) -> str:
    """The first name below pyaiot; a gateway's protocols are packages of their own."""
    parts = module.split(".")
    if parts[:2] == ["pyaiot", "gateway"] and len(parts) > 2 and is_package(".".join(parts[:3])):
        return ".".join(parts[:3])
    return ".".join(parts[:2])


def is_package(module: str) -> bool:
    return modules()[module].name == "__init__.py"


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield node.lineno, whole if whole in modules() else str(node.module)


def tree_of(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def may_import(importer: str, imported: str) -> bool:
    above, below = layer_of(importer), layer_of(imported)
    if above > below or above == Layer.TOP:
        return True
    if above < below:
        return False
    if importer == "pyaiot.gateway.service":
        return package_of(imported).startswith("pyaiot.gateway")
    # The packages of the protocols are strangers to each other.
    near = package_of(importer), package_of(imported)
    if near[1] == "pyaiot.accounts":
        # Who may do what is decided once, for broker, gateways and dashboard alike.
        return True
    return above == Layer.WORDS or near[0] == near[1] or near[0].startswith(f"{near[1]}.")


@pytest.mark.parametrize("module", modules())
def test_imports_go_down(module: str) -> None:
    wrong = [
        f"line {line}: {imported}"
        for line, imported in imports(tree_of(module))
        if imported.partition(".")[0] == "pyaiot"
        if not may_import(module, imported)
    ]
    assert not wrong, f"{module} ({layer_of(module).name}) may not import {wrong}"


@pytest.mark.parametrize("module", [each for each in modules() if layer_of(each) <= 1])
def test_words_and_decisions_do_no_io(module: str) -> None:
    tree = tree_of(module)
    wrong = []
    for line, imported in imports(tree):
        top = imported.partition(".")[0]
        if top in OUTSIDE or top not in {"pyaiot", *THIRD_PARTY, *sys.stdlib_module_names}:
            wrong.append(f"line {line}: imports {imported}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in REACHING:
                wrong.append(f"line {node.lineno}: calls {called.id}")
            if isinstance(called, ast.Attribute) and called.attr in CLOCKS_AND_DICE:
                wrong.append(f"line {node.lineno}: calls {called.attr}")
        elif isinstance(node, ast.AsyncFunctionDef) and len(node.body) > 1:
            # One with a docstring alone belongs to a contract.
            wrong.append(f"line {node.lineno}: waits")
    assert not wrong, f"{module} is pure, but {wrong}"


@pytest.mark.parametrize("name", LAYERS)
def test_the_table_names_what_exists(name: str) -> None:
    assert name in modules()


def test_only_commands_and_services_see_settings() -> None:
    seers = {
        module
        for module in modules()
        for _, imported in imports(tree_of(module))
        if imported in {"pyaiot.settings", "pyaiot.configuration"}
    }
    allowed = {"pyaiot.settings", "pyaiot.configuration"}
    assert all(
        module.startswith("pyaiot.cli.") or module.endswith(".service")
        for module in seers - allowed
    ), seers


def test_nothing_is_called_helpers() -> None:
    words = {"helpers", "common", "utils", "util", "misc", "manager", "managers"}
    assert not [module for module in modules() if words & set(module.split("."))]


def test_every_file_names_its_licence() -> None:
    sources = [
        *modules().values(),
        *(ROOT / "tests").rglob("*.py"),
        *(ROOT / "utils").rglob("*.py"),
    ]
    unmarked = [
        str(path.relative_to(ROOT))
        for path in sources
        if "SPDX-License-Identifier: BSD-3-Clause"
        not in "".join(path.read_text(encoding="utf-8").splitlines()[:2])
        and path.stat().st_size
    ]
    assert not unmarked
