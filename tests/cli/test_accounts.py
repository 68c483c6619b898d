# SPDX-License-Identifier: BSD-3-Clause
"""`aiot user` and `aiot token`, on a store of their own."""

import asyncio
import json
import logging
import os
import pty
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pyaiot.accounts.hashing import Hasher
from pyaiot.accounts.tokens import Signer, Use
from pyaiot.cli.aiot import command
from pyaiot.cli.entry import execute
from pyaiot.link.keyfile import read_keys, write_keys
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.types import Device
from pyaiot.model.sighting import Sighting
from pyaiot.store.store import Store
from tests.programs import require

T = TypeVar("T")
PASSWORD = "correct horse"
NOW = 2e9
TITLES = ("Desk lamp", "Rover", "rover")

AS_AT_TERMINAL = """
import fcntl, signal, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
from pyaiot.cli.aiot import main
main()
"""


class Office:
    """Runs commands on one store."""

    def __init__(
        self, path: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.path = path
        self._capsys = capsys
        self._patch = patch

    def aiot(self, *words: str, typed: str = "") -> tuple[int, str, str]:
        self._patch.setattr(sys, "stdin", StringIO(typed))
        status = execute(command, [*words, f"--store={self.path}"])
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def objects(self, *words: str) -> list[dict[str, Any]]:
        status, out, _ = self.aiot(*words, "--json")
        assert status == 0
        return [json.loads(line) for line in out.splitlines()]

    def ask(self, question: Callable[[Store], Awaitable[T]]) -> T:
        async def work() -> T:
            store = await Store.open(str(self.path), lambda: NOW)
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(work())


@pytest.fixture
def office(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Office:
    office = Office(tmp_path / "store.db", capsys, monkeypatch)
    office.ask(_nothing)
    return office


async def _nothing(_: Store) -> None:
    pass


def test_making_and_changing_accounts(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\r\nmore\n")
    added = office.aiot("user", "add", "Ann", "--role=admin", f"--password-file={file}")
    assert added == (0, "Ann is an admin now\n", "")
    assert office.aiot("user", "add", "Bob", typed=f"{PASSWORD} 2\n")[:2] == (
        0, "Bob is an operator now\n",
    )  # fmt: skip

    header, ann, bob = office.aiot("user", "list")[1].splitlines()
    assert header.split() == ["NAME", "ROLE", "CREATED", "SEEN"]
    assert ann.split()[:2] == ["Ann", "admin"]
    assert bob.split()[:2] == ["Bob", "operator"]
    listed = office.objects("user", "list")
    assert [each["name"] for each in listed] == ["Ann", "Bob"]
    assert listed[0].keys() == {"name", "role", "created", "seen", "id"}

    assert office.aiot("user", "role", "bob", "viewer")[1] == "Bob is a viewer now\n"
    account = office.ask(lambda store: store.accounts.named("Bob"))
    assert account is not None
    assert asyncio.run(Hasher().check(account.password, f"{PASSWORD} 2")).right
    told = office.aiot("user", "password", "BOB", "--password-file=-", typed="battery staple\n")
    assert told[1] == "Bob has another password, and is logged out everywhere\n"
    account = office.ask(lambda store: store.accounts.named("Bob"))
    assert account is not None
    assert asyncio.run(Hasher().check(account.password, "battery staple")).right
    assert office.aiot("user", "remove", "Bob")[1].startswith("Bob is gone; ")
    assert [each["name"] for each in office.objects("user", "list")] == ["Ann"]

    entries = office.ask(lambda store: store.audit.entries(99))
    assert {each.user for each in entries} == {"aiot"}
    assert [each.action for each in reversed(entries)] == [
        "account.add", "account.add", "account.change", "account.change", "account.remove",
    ]  # fmt: skip
    for secret in (PASSWORD, "battery staple"):
        assert secret not in caplog.text
        assert secret not in repr(entries)


def test_what_cannot_be_done(office: Office, tmp_path: Path) -> None:
    words = ["user", "add", "Ann", "--role=admin"]
    assert office.aiot(*words, typed="short\n") == (
        2, "", "aiot: A password must have 10 characters or more.\n",
    )  # fmt: skip
    assert office.aiot(*words, typed="") == (2, "", "aiot: there is no password on stdin\n")
    (tmp_path / "empty").touch()
    empty = office.aiot(*words, f"--password-file={tmp_path / 'empty'}")
    assert empty == (2, "", f"aiot: there is no password in {tmp_path / 'empty'}\n")
    assert office.aiot("user", "add", "", typed=f"{PASSWORD}\n")[0] == 2
    assert office.aiot(*words, typed=f"{PASSWORD}\n")[0] == 0
    assert office.aiot(*words, typed=f"{PASSWORD}\n") == (
        1, "", "aiot: There is an account of that name.\n",
    )  # fmt: skip
    last = "aiot: This is the last administrator; make another one first.\n"
    assert office.aiot("user", "remove", "Ann") == (1, "", last)
    assert office.aiot("user", "role", "Ann", "viewer") == (1, "", last)
    assert office.aiot("user", "role", "Ann", "god")[0] == 2
    assert office.aiot("user", "remove", "nobody") == (
        1,
        "",
        "aiot: There is no account 'nobody'.\n",
    )
    missing = office.aiot("user", "add", "Eve", f"--password-file={tmp_path / 'nothing'}")
    assert missing[0] == 2
    assert "No such file" in missing[2]
    (tmp_path / "binary").write_bytes(b"\xff" * 20)
    assert office.aiot("user", "add", "Eve", f"--password-file={tmp_path / 'binary'}")[0] == 2
    office.path.write_bytes(b"something else" * 100)
    status, _, err = office.aiot("user", "list")
    assert status == 1
    assert err.count("\n") == 1


def test_what_can_be_called_without_words(office: Office) -> None:
    for name in ("user", "token"):
        assert execute(command, [name]) == 0
        said = office._capsys.readouterr().out
        assert said.startswith(f"Usage: aiot {name} ")


def test_the_link_that_sets_a_device_up(office: Office, tmp_path: Path) -> None:
    require("zbarimg", "zbar-tools")
    keys = tmp_path / "keys"
    write_keys(keys, KeyRing((KeyPair.generate(os.urandom),)))
    key_file, page = f"--key-file={keys}", "--page=https://iot.example/iot"
    status, out, _ = office.aiot("token", "create", "é 1", page, key_file)
    assert status == 0
    secret, link, drawn = out.split("\n\n", 2)
    assert link == f"https://iot.example/iot/#/device?uid=%C3%A9%201&token={secret}"
    assert Signer(read_keys(str(keys))).check(secret, Use.DEVICE, NOW).sub == "é 1"
    assert read_back(drawn, tmp_path / "code.pgm") == link
    (made,) = office.objects("token", "create", "é 1", page, key_file)
    assert made["link"].endswith(f"&token={made['secret']}")
    long = f"--page=https://iot.example/{'x' * 3000}"
    assert "too long for a QR code" in office.aiot("token", "create", "n2", long, key_file)[1]
    for wrong in (
        "iot.example",
        "ftp://iot.example",
        "http://",
        "http://[",
        "http://a/?b",
        "http://a/#b",
    ):
        assert office.aiot("token", "create", "n3", f"--page={wrong}", key_file)[0] == 2
    assert office.ask(lambda store: store.devices.devices(["n3"])) == [Device("n3", gone=True)]


def read_back(drawn: str, picture: Path) -> str:
    """What a QR code says that is drawn of half blocks, light on dark."""
    halves = {" ": "00", "▀": "10", "▄": "01", "█": "11"}
    rows: list[str] = []
    for line in re.sub(r"\x1b\[[\d;]*m", "", drawn).splitlines():
        rows += ["".join(halves[each][half] for each in line) for half in range(2)]
    scale = 8
    light = [[255 if each == "1" else 0 for each in row for _ in range(scale)] for row in rows]
    content = b"".join(bytes(row) * scale for row in light)
    head = f"P5 {len(light[0])} {len(light) * scale} 255\n".encode()
    picture.write_bytes(head + content)
    found = subprocess.run(
        ["zbarimg", "--quiet", "--raw", picture], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def test_tokens_of_nodes(office: Office, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    write_keys(keys, KeyRing((KeyPair.generate(os.urandom),)))
    key_file = f"--key-file={keys}"
    missing = office.aiot("token", "create", "n1", f"--key-file={tmp_path / 'none'}")
    assert missing[0] == 2
    # A token that nobody has must not bind the node.
    assert office.ask(lambda store: store.devices.devices()) == []

    status, out, err = office.aiot("token", "create", "n1", "--label=on the roof", key_file)
    assert (status, err.count("\n")) == (0, 1)
    assert "There is no node 'n1' yet" in err
    claims = Signer(read_keys(str(keys))).check(out.strip(), Use.DEVICE, NOW)
    assert claims.sub == "n1"
    assert office.aiot("token", "create", "n1", key_file)[2] == ""
    (made,) = office.objects("token", "create", "n1", key_file)
    assert made["secret"] not in repr(office.objects("token", "list", "n1"))
    labels = {each["label"] for each in office.objects("token", "list", "n1")}
    assert labels == {"on the roof", ""}
    assert office.aiot("token", "list", "n1")[1].split()[:4] == [
        "ID",
        "LABEL",
        "CREATED",
        "REVOKED",
    ]

    assert office.aiot("token", "revoke", claims.jti)[1] == f"{claims.jti} holds no more\n"
    assert "was revoked before" in office.aiot("token", "revoke", claims.jti)[1]
    # Somebody may have taken the token itself for its id.
    status, _, err = office.aiot("token", "revoke", made["secret"])
    assert (status, made["secret"] in err) == (1, False)
    assert err.startswith("aiot: There is no token with that id.")
    unrevoked = [each for each in office.objects("token", "list", "n1") if each["revoked"] is None]
    assert made["id"] in {each["id"] for each in unrevoked}
    assert office.ask(lambda store: store.devices.devices()) == [
        Device("n1", tuple(sorted(each["id"] for each in unrevoked)), bound=True)
    ]
    assert office.aiot("token", "create", "n\n1", key_file)[0] == 2
    assert office.aiot("token", "create", "n1", "--label=\x07", key_file)[0] == 2


def test_a_token_of_a_node_by_its_name(office: Office, tmp_path: Path) -> None:
    async def know(store: Store) -> None:
        sightings = [Sighting(f"n{n}", n, title=title) for n, title in enumerate(TITLES)]
        await store.nodes.note(sightings)

    keys = tmp_path / "keys"
    write_keys(keys, KeyRing((KeyPair.generate(os.urandom),)))
    office.ask(know)
    (made,) = office.objects("token", "create", "desk lamp", f"--key-file={keys}")
    assert made["node"] == "n0"
    assert [each["id"] for each in office.objects("token", "list", "Desk lamp")] == [made["id"]]
    for words in (("create", f"--key-file={keys}"), ("list",)):
        status, out, err = office.aiot("token", words[0], "Rover", *words[1:])
        assert (status, out, err) == (6, "", "aiot: 'Rover' may be any of 2 nodes: n1, n2.\n")


def test_a_token_of_what_can_be_no_node(office: Office, tmp_path: Path) -> None:
    async def know(store: Store) -> None:
        await store.nodes.note([Sighting("nameless", 1)])

    keys = tmp_path / "keys"
    write_keys(keys, KeyRing((KeyPair.generate(os.urandom),)))
    office.ask(know)
    for words in (("create", f"--key-file={keys}"), ("list",)):
        status, out, err = office.aiot("token", words[0], "", *words[1:])
        assert (status, out, err) == (2, "", "aiot: A uid must not be empty.\n")


def test_lists_of_nothing_say_what_to_do(office: Office) -> None:
    for words, advice in (
        (("user", "list"), "aiot user add NAME --role=admin"),
        (("token", "list", "Desk lamp"), "aiot token create 'Desk lamp'"),
    ):
        status, out, err = office.aiot(*words)
        assert (status, out) == (0, "")
        assert err.endswith(f"{advice}\n")
        assert office.aiot(*words, "--json") == (0, "", "")


def test_a_store_that_is_not_there(office: Office, tmp_path: Path) -> None:
    office.path = tmp_path / "new" / "nowhere.db"
    missing = f"There is no store '{office.path}'."
    for words in (
        ("user", "list"), ("user", "role", "Ann", "admin"), ("user", "remove", "Ann"),
        ("user", "password", "Ann"), ("token", "list", "n1"), ("token", "revoke", "x"),
        ("history", "n1", "led"), ("export",),
    ):  # fmt: skip
        status, out, err = office.aiot(*words)
        assert (status, out) == (1, ""), words
        assert err == f"aiot: {missing} Services make it when they start.\n"
    assert not office.path.parent.exists()
    added = office.aiot("user", "add", "Ann", typed=f"{PASSWORD}\n")
    assert added == (0, "Ann is an operator now\n", f"aiot: {missing} It has been made.\n")


class AtTerminal:
    """A command at a real terminal."""

    def __init__(self, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        # A terminal of its own, whose Ctrl-C it gets, whatever the tests were started from.
        self._process = subprocess.Popen(
            [sys.executable, "-c", AS_AT_TERMINAL, *words],
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.shown = b""

    def until(self, text: str) -> None:
        """Wait until `text` is the last that is shown."""
        while not self.shown.endswith(text.encode()):
            self.shown += os.read(self._ours, 1024)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def status(self) -> int:
        with suppress(OSError):  # so a terminal ends
            while said := os.read(self._ours, 1024):
                self.shown += said
        os.close(self._ours)
        return self._process.wait(20)


def test_a_password_is_asked_for_and_not_shown(office: Office) -> None:
    office.ask(_nothing)
    terminal = AtTerminal("user", "add", "Ann", f"--store={office.path}")
    terminal.until("Password: ")
    terminal.type("short\n")
    terminal.until("characters or more.\r\nPassword: ")
    terminal.type(f"{PASSWORD}\n")
    terminal.until("confirmation: ")
    terminal.type(f"{PASSWORD}\n")
    assert terminal.status() == 0
    assert terminal.shown.endswith(b"Ann is an operator now\r\n")
    assert PASSWORD.encode() not in terminal.shown


def test_a_name_that_is_taken_is_told_before_a_password_is_asked_for(office: Office) -> None:
    assert office.aiot("user", "add", "Ann", typed=f"{PASSWORD}\n")[0] == 0
    terminal = AtTerminal("user", "add", "ann", f"--store={office.path}")
    assert terminal.status() == 1
    assert terminal.shown == b"aiot: There is an account of that name.\r\n"


def test_no_password_after_all(office: Office) -> None:
    terminal = AtTerminal("user", "add", "Ann", f"--store={office.path}")
    terminal.until("Password: ")
    terminal.type("\x03")
    assert terminal.status() == 130
    assert b"Traceback" not in terminal.shown
    assert office.objects("user", "list") == []
