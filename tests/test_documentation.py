# SPDX-License-Identifier: BSD-3-Clause
"""What the documentation tells people to type exists, and its links lead somewhere."""

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from pyaiot.simulate.things import RESOURCES

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("utils/**/*.md"))
    if "node_modules" not in page.parts
)
MODULES = {"aiot-" + name.replace("_", "-"): f"pyaiot.cli.{name}" for name in (
    "broker", "coap_gateway", "mqtt_gateway", "ws_gateway", "recorder", "dashboard",
    "generate_keys",
)}  # fmt: skip


def typed() -> Iterator[tuple[str, str]]:
    """Each line of the documentation that begins with a prompt and one of our commands."""
    for page in PAGES:
        for line in re.findall(r"^\s*\$ (.+)$", page.read_text(), flags=re.MULTILINE):
            for command in re.split(r" && | \| ", line):
                if command.startswith(("aiot", "python3 utils/", "make ")):
                    yield page.relative_to(ROOT).as_posix(), command


def parsed(words: list[str]) -> click.Context:
    """The words as the command itself understands them; nothing is run."""
    if words[0] == "aiot":
        module = import_module(f"pyaiot.cli.{words[1]}")
        words = words[1:]
    else:
        module = import_module(MODULES[words[0]])
    command: click.Command = module.command
    return command.make_context(words[0], words[1:])


COMMANDS = sorted(set(typed()))


def test_there_is_something_to_check() -> None:
    assert len({command for _, command in COMMANDS}) > 20
    assert {"README.md", "docs/howto/several-machines.md"} <= {page for page, _ in COMMANDS}


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_that_is_shown_is_understood(page: str, command: str) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text()
        assert re.search(rf"^{re.escape(words[1])}:", makefile, flags=re.MULTILINE), page
    elif words[0] == "python3":
        script = (ROOT / words[1]).read_text()
        shared = (ROOT / "pyaiot" / "simulate" / "command.py").read_text()
        for word in words[2:]:
            name = word.partition("=")[0]
            known = f'"{name}"' in script + shared or name[2:] in RESOURCES
            assert known, f"{page}: {word}"
    else:
        assert parsed(words).command is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    for target in (*links, *re.findall(r'src(?:set)?="([^"]+)"', text)):
        if "://" not in target:
            assert (page.parent / target).exists(), target
