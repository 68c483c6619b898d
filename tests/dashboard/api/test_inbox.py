# SPDX-License-Identifier: BSD-3-Clause
from sqlalchemy import select

from pyaiot.messages.types import Device, Pending
from pyaiot.model.access import Role
from pyaiot.store.audit import TERMINAL
from pyaiot.store.nodes import Edit
from pyaiot.store.schema import NODES
from pyaiot.store.store import Store
from tests.contracts.store import Clock
from tests.dashboard.api.people import Browser, at_home

PEOPLE = {"Ann": Role.ADMIN, "Olaf": Role.OPERATOR}


async def test_nodes_that_wait(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        browser = Browser(url)
        await browser.log_in("Ann")
        for number in range(3):
            clock.pass_(1)
            await home.store.inbox.saw(
                Pending(f"n {number}", "coap", "fe80::1", clock.time, f"Lamp {number}", "coap-gw")
            )
        first = (await browser.get("/inbox?limit=2")).json
        rest = (await browser.get(f"/inbox?cursor={first['next']}")).json
        assert [each["uid"] for each in first["items"] + rest["items"]] == ["n 2", "n 1", "n 0"]
        assert first["items"][0] == {
            "uid": "n 2", "name": "Lamp 2", "protocol": "coap", "gateway": "coap-gw",
            "address": "fe80::1", "first_seen": clock.time, "last_seen": clock.time,
            "refused": False,
        }  # fmt: skip

        approval = {"approve": True, "owner": "olaf"}
        assert (await browser.call("POST", "/inbox/n%202", approval)).status == 204
        assert (await browser.call("POST", "/inbox/n%201", {"approve": True})).status == 204
        assert (await browser.call("POST", "/inbox/n%200", {"approve": False})).status == 204

        (refused,) = (await browser.get("/inbox")).json["items"]
        assert (refused["uid"], refused["refused"]) == ("n 0", True)
        assert home.services.roll.device("n 2") == Device("n 2", approved=True)
        assert home.services.roll.device("n 1") == Device("n 1", approved=True)
        assert home.services.roll.device("n 0") is None
        async with home.store._engine.reading() as connection:
            owner = await connection.scalar(select(NODES.c.owner).where(NODES.c.uid == "n 2"))
        assert owner == accounts["Olaf"].id

        for uid, form in [
            ("nothing", {"approve": True}),
            ("nothing", {"approve": False}),
            ("n%200", {"approve": True, "owner": "nobody"}),
        ]:
            assert (await browser.call("POST", f"/inbox/{uid}", form)).code == "not_found"
        # Olaf has a node of that name: the same is said as where it is renamed.
        await home.store.nodes.change("n3", Edit(name="Lamp", owner=accounts["Olaf"].id), TERMINAL)
        await home.store.nodes.change("n 0", Edit(name="lamp"), TERMINAL)
        answer = await browser.call("POST", "/inbox/n%200", approval)
        assert (answer.status, answer.code) == (409, "name_taken")
        assert len((await browser.get("/inbox")).json["items"]) == 1
        operator = Browser(url)
        await operator.log_in("Olaf")
        assert (await operator.get("/inbox")).code == "denied"
        assert (await operator.call("POST", "/inbox/n%200", {"approve": True})).code == "denied"
