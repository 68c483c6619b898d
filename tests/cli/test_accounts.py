# SPDX-License-Identifier: BSD-3-Clause
"""`aiot user` and `aiot token`, on a store of their own."""

import asyncio
import json
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Awaitable, Callable
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
from pyaiot.store.store import Store
from tests.cli.stage import AIOT

T = TypeVar("T")
PASSWORD = "correct horse"
NOW = 2e9


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
    return Office(tmp_path / "store.db", capsys, monkeypatch)


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
    assert office.aiot(*words, typed="")[0] == 2
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


def test_tokens_of_nodes(office: Office, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    write_keys(keys, KeyRing((KeyPair.generate(os.urandom),)))
    key_file = f"--key-file={keys}"
    missing = office.aiot("token", "create", "n1", f"--key-file={tmp_path / 'none'}")
    assert missing[0] == 2
    # A token that nobody has must not bind the node.
    assert office.ask(lambda store: store.devices.devices()) == []

    status, out, err = office.aiot("token", "create", "n1", "--label=on the roof", key_file)
    assert (status, err) == (0, "")
    claims = Signer(read_keys(str(keys))).check(out.strip(), Use.DEVICE, NOW)
    assert claims.sub == "n1"
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
    assert office.aiot("token", "revoke", "x") == (1, "", "aiot: There is no such token.\n")
    assert office.ask(lambda store: store.devices.devices()) == [
        Device("n1", (made["id"],), bound=True)
    ]
    assert office.aiot("token", "create", "n\n1", key_file)[0] == 2
    assert office.aiot("token", "create", "n1", "--label=\x07", key_file)[0] == 2


def test_a_password_is_asked_for_and_not_shown(tmp_path: Path) -> None:
    """At a real terminal."""
    ours, theirs = pty.openpty()
    words = ["user", "add", "Ann", f"--store={tmp_path / 'store.db'}"]
    with subprocess.Popen([*AIOT, *words], stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        for question in (b"Password: ", b"confirmation: "):
            while not shown.endswith(question):
                shown += os.read(ours, 1024)
            os.write(ours, f"{PASSWORD}\n".encode())
        while b"operator now" not in shown:
            shown += os.read(ours, 1024)
        assert process.wait(20) == 0
    os.close(ours)
    assert PASSWORD.encode() not in shown
