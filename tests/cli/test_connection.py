# SPDX-License-Identifier: BSD-3-Clause
import io
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pyaiot.cli.connection import proofs_for, subscriber_for
from pyaiot.errors import KeyFileInvalid, SettingsInvalid
from pyaiot.link.keyfile import write_keys
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.settings import KEY_FILE, ClientSettings
from tests.certificates import Certificates
from tests.cli.stage import Stage, stage


@pytest.mark.parametrize(
    ("name", "words"),
    [("nodes", ""), ("watch", " [NODE] [RESOURCE]"), ("set", " NODE RESOURCE VALUE")],
)
async def test_help(scene: Stage, name: str, words: str) -> None:
    ended = await scene.aiot(name, "--help")
    assert ended.status == 0
    assert ended.out.startswith(f"Usage: aiot {name} [OPTIONS]{words}\n")
    for option in ("broker-host", "broker-port", "broker-ssl", "key-file", "timeout", "json"):
        assert f"  --{option}" in ended.out
    # What stands in the usage is not listed again.
    assert "  NODE" not in ended.out


@pytest.mark.parametrize("name", ["nodes", "watch", "set"])
def test_help_does_without_what_is_slow(name: str) -> None:
    program = (
        "import sys\nfrom pyaiot.cli.aiot import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "slow = {'asyncio', 'websockets', 'cryptography'} & set(sys.modules)\n"
        "sys.exit(f'imported {slow}' if slow else 0)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, name, "--help"], check=True, stdout=subprocess.DEVNULL
    )


@pytest.mark.parametrize("flag", ["--json", "--json=true", "--json=yes"])
async def test_flags_take_no_argument(scene: Stage, flag: str) -> None:
    ended = await scene.aiot("set", flag, "nobody", "led", "1")
    assert ended.status == 6
    assert (await scene.aiot("nodes", flag)).objects


def test_output_that_knows_few_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="latin-1"))
    from pyaiot.cli.aiot import command
    from pyaiot.cli.entry import execute

    monkeypatch.setattr("pyaiot.cli.connection._carry_out", lambda *_: click.echo("漢 °"))
    assert execute(command, ["nodes"]) == 0
    assert raw.getvalue() == b"\\u6f22 \xb0\n"


class TestTls:
    async def test_trusts_what_it_is_told_to(self, home: Path) -> None:
        made = Certificates.make(home / "tls")
        async with stage(ssl_cert=str(made.certificate), ssl_key=str(made.key)) as scene:
            ended = await scene.aiot("nodes", "--broker-ssl", f"--broker-ca={made.authority}")
            assert (ended.status, ended.err) == (0, "")
            ended = await scene.aiot("nodes", "--broker-ssl")
            assert ended.status == 1
            assert "certificate not trusted" in ended.err
            assert (await scene.aiot("nodes")).status == 1

    async def test_certificates_that_are_none(self, scene: Stage, home: Path) -> None:
        (home / "ca.pem").write_text("nothing")
        for path in (home / "ca.pem", home / "nowhere.pem"):
            ended = await scene.aiot("nodes", "--broker-ssl", f"--broker-ca={path}")
            assert ended.status == 2
            assert ended.err.startswith(f"aiot: broker_ca: cannot use '{path}': ")
            assert ended.err.count("\n") == 1


class TestProofs:
    def test_none_without_a_key_file(self, home: Path) -> None:
        assert list(home.iterdir()) == []
        assert proofs_for(KEY_FILE) == [None]

    def test_keys_at_the_usual_place_may_be_for_another_broker(self, home: Path) -> None:
        ring = KeyRing((KeyPair.generate(bytes), KeyPair.generate(lambda n: b"x" * n)))
        write_keys(home / ".pyaiot" / "keys", ring)
        assert proofs_for(KEY_FILE) == [*ring.pairs, None]

    def test_keys_that_are_named_must_do(self, home: Path) -> None:
        ring = KeyRing((KeyPair.generate(bytes),))
        assert proofs_for(str(write_keys(home / "k", ring))) == list(ring.pairs)
        with pytest.raises(KeyFileInvalid):
            proofs_for(str(home / "nowhere"))


@pytest.mark.usefixtures("home")
class TestAddress:
    def test_broker_that_listens_everywhere_is_here(self) -> None:
        subscriber = subscriber_for(ClientSettings(broker_host=""))
        assert subscriber._url == "ws://localhost:8000/ws"

    def test_port_of_the_scheme(self) -> None:
        assert subscriber_for(ClientSettings(broker_port=0))._url == "ws://localhost:80/ws"
        tls = ClientSettings(broker_host="example.org", broker_port=0, broker_ssl=True)
        assert subscriber_for(tls)._url == "wss://example.org:443/ws"

    def test_address_that_is_none(self) -> None:
        with pytest.raises(SettingsInvalid):
            subscriber_for(ClientSettings(broker_host="a/b"))
