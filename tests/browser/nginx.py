# SPDX-License-Identifier: BSD-3-Clause
"""nginx before the page and the broker, configured as the documentation says."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from tests.certificates import Certificates
from tests.commands import free_ports
from tests.programs import require

ROOT: Final = Path(__file__).parents[2]

_AROUND: Final = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""

FRAME: Final = """
    location = /frame.html {
        default_type text/html;
        return 200 '<!doctype html><title>Another page</title><iframe src="/iot/"></iframe>';
    }
"""
"""A page of the same site that would like to show ours."""


def configured(folder: Path, port: int, page_port: int, broker_port: int) -> str:
    """The example of the documentation, with the places of this test."""
    page = (ROOT / "docs" / "howto" / "behind-a-proxy.md").read_text(encoding="utf-8")
    found = re.search(r"```nginx\n(.*?)```", page, re.DOTALL)
    assert found is not None
    server = found[1]
    for shown, here in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;{FRAME}"),
        ("/etc/ssl/iot.example.pem", f"{folder}/server.pem"),
        ("/etc/ssl/iot.example.key", f"{folder}/server.key"),
        ("127.0.0.1:8080", f"127.0.0.1:{page_port}"),
        ("127.0.0.1:8000", f"127.0.0.1:{broker_port}"),
    ):
        assert shown in server, shown
        server = server.replace(shown, here)
    return _AROUND.format(folder=folder, server=server)


def _prepared(folder: Path, port: int, page_port: int, broker_port: int) -> Path:
    Certificates.make(folder)
    config = folder / "nginx.conf"
    config.write_text(configured(folder, port, page_port, broker_port), encoding="utf-8")
    return config


@contextlib.asynccontextmanager
async def nginx(folder: Path, page_port: int, broker_port: int) -> AsyncIterator[str]:
    """A proxy by TLS; gives the origin of its site."""
    (port,) = free_ports(1)
    config = _prepared(folder, port, page_port, broker_port)
    process = await asyncio.create_subprocess_exec(
        require("nginx", "nginx-light"), "-p", folder, "-e", folder / "error.log", "-c", config
    )
    try:
        await _listens(process, port, folder / "error.log")
        yield f"https://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _listens(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            assert process.returncode is None, f"nginx does not start: see {log}"
            await asyncio.sleep(0.02)
