# SPDX-License-Identifier: BSD-3-Clause
"""The link that makes the first account."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.dashboard.api.people import PASSWORD, Browser
from tests.dashboard.running import running_dashboard


def token_in(said: list[str], page: str) -> str:
    (sentence,) = said
    start = f"Nobody has an account yet. Make the first one at {page}#/setup?token="
    assert sentence.startswith(start)
    # No server is sent what stands behind the #.
    assert not urlsplit(sentence.split(" at ")[1]).query
    return sentence.removeprefix(start)


async def test_the_first_account_is_made_by_the_newest_link(
    tmp_path: Path, built: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings: dict[str, Any] = {"store": str(tmp_path / "store.db"), "static_path": str(built)}
    said: list[str] = []
    async with running_dashboard(say=said.append, **settings) as url:
        old = token_in(said, f"{url}/")
    said.clear()
    async with running_dashboard(say=said.append, **settings) as url:
        new = token_in(said, f"{url}/")
        assert len(new) == 43
        browser = Browser(url)
        form = {"name": "Ann", "password": PASSWORD}
        assert (await browser.call("POST", "/setup", form | {"token": old})).code == "invalid_token"
        assert (await browser.call("POST", "/setup", form | {"token": new})).status == 200
        assert await browser.who() == "Ann"
    said.clear()
    async with running_dashboard(say=said.append, **settings) as url:
        assert said == []
        assert (await Browser(url).get("/session")).json["accounts"]
        assert (await Browser(url).log_in("Ann")).status == 200
    for secret in (old, new, PASSWORD):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("settings", "page"),
    [
        ({"web_host": "0.0.0.0"}, "http://localhost:"),
        ({"public_url": "https://iot.example/sub/"}, "https://iot.example/sub/#"),
    ],
)
async def test_where_the_link_leads(built: Path, settings: dict[str, Any], page: str) -> None:
    said: list[str] = []
    async with running_dashboard(say=said.append, static_path=str(built), **settings):
        assert page in said[0]


async def test_nobody_is_told_where_nobody_reads(built: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    async with running_dashboard(static_path=str(built), store=path) as url:
        form = {"name": "Ann", "password": PASSWORD, "token": ""}
        assert (await Browser(url).call("POST", "/setup", form)).code == "invalid_token"
