# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from pyaiot.broker.service import serve
from pyaiot.errors import KeyFileInvalid, SettingsInvalid, StartFailed
from pyaiot.link.keyfile import write_keys
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.settings import BrokerSettings
from tests.broker.peers import a_client, control_works, our_gateway
from tests.broker.running import running_broker
from tests.certificates import Certificates
from tests.waiting import eventually


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    return str(write_keys(tmp_path / "keys", KeyRing((KeyPair.generate(os.urandom),))))


@asynccontextmanager
async def served(**settings: Any) -> AsyncIterator[str]:
    """The broker as a service; gives what it says when it is ready."""
    said: list[str] = []
    task = asyncio.create_task(serve(BrokerSettings(**{"broker_port": 0, **settings}), said.append))
    try:
        await eventually(lambda: said or task.done())
        if task.done():
            task.result()
        yield said[0]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_serves_until_cancelled(key_file: str) -> None:
    async with served(key_file=key_file, broker_host="127.0.0.1") as said:
        assert said.startswith("listening on 127.0.0.1:")
        port = int(said.rpartition(":")[2])
        async with connect(f"ws://127.0.0.1:{port}/ws"):
            pass
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_localhost_is_open_and_anything_beyond_is_not(key_file: str) -> None:
    async with served(key_file=key_file) as said:
        await (await connect(f"ws://localhost:{said.rpartition(':')[2]}/ws")).close()
    async with served(key_file=key_file, broker_host="") as said:
        with pytest.raises(InvalidStatus):
            await connect(f"ws://localhost:{said.rpartition(':')[2]}/ws")


@pytest.fixture
def open_key_file(key_file: str) -> str:
    Path(key_file).chmod(0o644)
    return key_file


async def test_keys_that_others_may_read(
    open_key_file: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(key_file=open_key_file):
        assert f"others may read key file {open_key_file}" in caplog.text


async def test_without_keys(tmp_path: Path) -> None:
    with pytest.raises(KeyFileInvalid):
        async with served(key_file=str(tmp_path / "none")):
            pass


async def test_a_port_that_is_taken(key_file: str) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        with pytest.raises(StartFailed, match="Cannot listen on 127"):
            async with served(
                key_file=key_file, broker_host="127.0.0.1", broker_port=sock.getsockname()[1]
            ):
                pass


async def test_a_certificate_that_is_none(key_file: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    for file, reason in ((broken, "Cannot use"), (tmp_path / "none", "No such file")):
        with pytest.raises(SettingsInvalid, match=reason):
            async with served(key_file=key_file, ssl_cert=str(file), ssl_key=str(file)):
                pass


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("tls"))


def trusting(made: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(made.authority))


async def test_it_says_that_it_speaks_tls(key_file: str, made: Certificates) -> None:
    async with served(
        key_file=key_file, ssl_cert=str(made.certificate), ssl_key=str(made.key)
    ) as said:
        assert said.endswith(" by TLS")


async def test_all_that_by_tls(made: Certificates, caplog: pytest.LogCaptureFixture) -> None:
    trust = trusting(made)
    async with running_broker(ssl_cert=str(made.certificate), ssl_key=str(made.key)) as broker:
        async with our_gateway(broker, ssl=trust) as gateway:
            await gateway.node("1234", led="0")
            await eventually(lambda: len(broker.core.nodes) == 1)
            await control_works(broker, gateway, "1234", ssl=trust)
            async with a_client(broker, ssl=trust) as client:
                await client.raw("garbage")
                assert (await client.closed())[0] == 1003
            async with a_client(broker, ssl=trust) as client:
                await client.connection.close()
                assert client.connection.close_code == 1000
        await eventually(lambda: not broker.server._connections)
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port, ssl=trust)
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b'"status": "ok"' in await reader.read()
        writer.close()
    assert not [record for record in caplog.records if record.exc_info]


async def test_whoever_does_not_speak_tls(
    made: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_broker(ssl_cert=str(made.certificate), ssl_key=str(made.key)) as broker:
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(b"GET /ws HTTP/1.1\r\n\r\n")
        assert not (await reader.read()).startswith(b"HTTP")
        writer.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(
                "127.0.0.1", broker.port, ssl=ssl.create_default_context()
            )
        async with a_client(broker, ssl=trusting(made)):
            pass
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
