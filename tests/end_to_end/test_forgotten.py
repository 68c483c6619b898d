# SPDX-License-Identifier: BSD-3-Clause
"""Somebody's node without a token is forgotten while it is there: it comes again as nobody's."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.commands import free_ports, running
from tests.end_to_end.person import Person
from tests.end_to_end.test_demo import options
from tests.end_to_end.test_story import (
    PASSWORDS,
    ROOT,
    becomes,
    exported,
    node_socket,
    reports,
    told,
    watching,
)
from tests.waiting import eventually

SECRET = "what nobody else is to know"


@pytest.mark.timeout(120)
async def test_what_a_node_said_before_it_was_forgotten_is_nobodys_to_know(tmp_path: Path) -> None:
    ports = free_ports(5)
    broker, _, _, gateway, web = ports
    async with running(tmp_path, "aiot", "up", *options(ports)) as up:
        await up.says("setup?token=")
        found = re.search(r"#/setup\?token=([\w.~-]+)", up.log)
        assert found is not None
        root, grace = Person(web), Person(web)
        await root.does("POST", "/setup", {"token": found[1], "name": "root", "password": ROOT})
        await root.logs_in("root", ROOT)
        account = {"name": "grace", "password": PASSWORDS["grace"], "role": "operator"}
        await root.does("POST", "/users", account)
        await grace.logs_in("grace", PASSWORDS["grace"])
        async with watching(root, broker) as mine, await node_socket(gateway) as lamp:
            await eventually(lambda: mine.messages)
            await lamp.send(json.dumps({"type": "new", "id": "lamp"}))
            await reports(lamp, name="Lamp")
            uid = await mine.uid_of("Lamp")
            await root.does("PATCH", f"/nodes/{uid}", {"owner": "root"})
            async with watching(grace, broker) as page:
                await eventually(lambda: page.messages)
                await reports(lamp, led=SECRET)
                await mine.hears(uid, "led", SECRET)
                await becomes(lambda: exported(root), lambda rows: (uid, "led") in rows)
                assert uid not in told(page)

                await reports(lamp, led=f"{SECRET}, and on its way")
                await root.does("DELETE", f"/nodes/{uid}")

                await eventually(lambda: uid in page.values(), 20)

                async def stored() -> Any:
                    await reports(lamp, led="later")
                    return (await exported(grace)).get((uid, "led"))

                rows = await becomes(stored, bool)
                assert set(rows) == {"later"}
                assert page.values()[uid]["led"] == "later"
                assert SECRET not in json.dumps(page.messages)
                assert set((await exported(root))[uid, "led"]) == {"later"}
        assert await up.end() == 0
