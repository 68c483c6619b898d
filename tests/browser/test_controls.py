# SPDX-License-Identifier: BSD-3-Clause
"""Whatever can be set has a control, which drives its node and shows what the node says of it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import PHONE, Chromium
from tests.browser.conftest import Opener
from tests.browser.gateway import broker_with_gateway
from tests.waiting import eventually

STOP = "0:0:0\n"


def at(endpoint: str, within: str = "") -> str:
    return f"[data-endpoint='{endpoint}'] {within}"


async def type_script(browser: Chromium, text: str) -> None:
    """Open the editor, and write `text` in place of what is there."""
    await browser.click(at("js", "button"))
    await browser.until("document.querySelector('dialog .host')?.shadowRoot?.activeElement")
    await browser.press_with(Keys.CONTROL, "a")
    await browser.press(text)


async def test_the_stick_is_let_go_whatever_happens_to_the_page(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway):
        await gateway.node("1", name="Buggy", ribot="0:0:0")
        async with opened(broker.port) as browser:
            await browser.until(f'document.querySelector("{at("ribot", ".field")}")')

            async def payload() -> str:
                return str((await gateway.command())["data"]["payload"])

            for end in (
                """Object.defineProperty(document, 'visibilityState', {
                    configurable: true, get: () => 'hidden' });
                document.dispatchEvent(new Event('visibilitychange'));
                delete document.visibilityState;""",
                "window.dispatchEvent(new Event('blur'))",
                "window.dispatchEvent(new PageTransitionEvent('pagehide'))",
                f"""document.querySelector("{at("ribot", ".field")}")
                .dispatchEvent(new PointerEvent('pointercancel'))""",
            ):
                await browser.hold(at("ribot", ".field"), down=-90)
                while await payload() == "0:0:0\n":
                    pass
                gateway.commands.clear()
                await browser.run(end)
                while await payload() != STOP:
                    pass
                assert await payload() == STOP
                await browser.let_go()
            # A page that leaves while the stick is held has said so.
            await browser.hold(at("ribot", ".field"), down=-90)
            await payload()
            gateway.commands.clear()
        while await payload() != STOP:
            pass


async def test_moves_do_not_pile_up_and_the_stop_waits_for_none(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway):
        await gateway.node("1", name="Rover", robot="s")
        async with opened(broker.port) as browser:
            await browser.until(f'document.querySelector("{at("robot", "[data-move=u]")}")')
            for move in ("u", "l", "r", "u", "l"):
                await browser.click(at("robot", f"[data-move={move}]"))
            first = await gateway.command()
            assert first["data"]["payload"] == "u"
            assert gateway.commands == []
            await gateway.answer(first, "applied")
            # Of those that were pressed meanwhile the newest is left.
            assert (await gateway.command())["data"]["payload"] == "l"
            await browser.click(at("robot", "[data-move=r]"))
            await browser.click(at("robot", "[data-move=s]"))
            stop = await gateway.command()
            assert stop["data"]["payload"] == "s"
            await gateway.report("1", "robot", "s")
            await gateway.answer(stop, "applied")
            await browser.shows("The robot says: Stop", at("robot"))
            await browser.shows("Applied", at("robot"))
            assert gateway.commands == []


async def test_what_is_on_or_off_has_a_switch_unless_it_cannot_be_set(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway):
        await gateway.node("1", name="Things", relay=True, pump="OFF", motion="1", count=1)
        async with opened(broker.port) as browser:
            await browser.shows("Pump")
            for endpoint, payload, answer in (("relay", "false", False), ("pump", "ON", "ON")):
                await browser.click(at(endpoint, "[role=switch]"))
                command = await gateway.command()
                assert command["data"]["payload"] == payload
                await gateway.report("1", endpoint, answer)
                await gateway.answer(command, "applied")
                await browser.shows("Applied", at(endpoint))
            # What is felt or counted is not offered for setting.
            assert await browser.ask(f'document.querySelector("{at("motion")}").dataset.kind') == (
                "indicator"
            )
            assert await browser.text(at("motion", ".word")) == "On"
            assert await browser.ask(f'!document.querySelector("{at("motion", "button")}")')
            assert await browser.ask(f'document.querySelector("{at("count")}").dataset.kind') == (
                "number"
            )
            # Nor is what the node will not have set.
            await browser.click(at("relay", "[role=switch]"))
            refusal = "4.05 Method Not Allowed: Resource 'relay' is read-only."
            await gateway.answer(await gateway.command(), "failed", refusal)
            await browser.shows(refusal, at("relay"))
            await browser.until(f'!document.querySelector("{at("relay", "[role=switch]")}")')
            await browser.click(at("relay", "button"))
            await browser.until(f'!document.querySelector("{at("relay", "button")}")')
            assert await browser.text(at("relay", ".word")) == "Off"
            await gateway.report("1", "relay", True)
            await browser.shows("On", at("relay", ".word"))


async def test_whoever_may_only_look_is_told_so_by_every_control(opened: Opener) -> None:
    async with broker_with_gateway(anonymous="view") as (broker, gateway):
        values = {"led": "0", "robot": "s", "ribot": STOP, "js": "print(1);", "text": "Hello"}
        await gateway.node("1", name="Everything", **values)
        async with opened(broker.port) as browser:
            for endpoint in values:
                await browser.shows("View only", at(endpoint))
            await browser.click(at("robot", "[data-move=u]"))
            await browser.hold(at("ribot", ".field"), right=90)
            await browser.let_go()
            await browser.click(at("led", "[role=switch]"))
            assert await browser.ask(f'!document.querySelector("{at("text", "input")}")')
            await browser.click(at("js", "button"))
            await browser.shows("You may look, but not control", "dialog")
            await browser.until("document.querySelector('dialog .host')?.shadowRoot?.activeElement")
            await browser.press("x")
            await browser.press_with(Keys.CONTROL, Keys.ENTER)
            shown = "document.querySelector('dialog .host').shadowRoot.querySelector('.cm-content')"
            assert await browser.ask(f"{shown}.innerText") == "print(1);"
            # Something that the page may be told proves that it has nothing more to say.
            await gateway.report("1", "robot", "u")
            await browser.shows("The robot says: Ahead", at("robot"))
            assert gateway.commands == []


async def test_scripts_are_for_those_who_may_send_scripts(opened: Opener) -> None:
    async with broker_with_gateway(anonymous="control") as (broker, gateway):
        await gateway.node("1", name="Runner", js="print(1);", led="0")
        async with opened(broker.port, PHONE) as browser:
            await browser.shows("No scripts", at("js"))
            await browser.click(at("js", "button"))
            await browser.shows("but not send them scripts", "dialog")
            assert await browser.ask("document.querySelector('dialog footer button').disabled")
            assert await browser.ask("document.documentElement.scrollWidth") == PHONE[0]
            await browser.press(Keys.ESCAPE, Keys.TAB, Keys.ESCAPE)
            await browser.until("!document.querySelector('dialog')")
            await browser.click(at("led", "[role=switch]"))
            assert (await gateway.command())["data"]["endpoint"] == "led"


async def test_a_script_that_was_changed_is_kept_until_it_is_sent(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway):
        await gateway.node("1", name="Runner", js="print(1);")
        async with opened(broker.port) as browser:
            await browser.until(f'document.querySelector("{at("js", "button")}")')
            # What makes an editor heavy comes when one is opened.
            loaded = "performance.getEntriesByType('resource').some(e => e.name.includes('Editor'))"
            assert not await browser.ask(loaded)
            await type_script(browser, "print(2);")
            assert await browser.ask(loaded)
            await browser.click("dialog .close")
            await browser.shows("Changed, not sent", at("js"))
            await gateway.report("1", "js", "print(3);")
            await browser.shows("print(3);", at("js", "pre"))
            await browser.click(at("js", "button"))
            await browser.shows("The node has another script", "dialog")
            await browser.click("dialog .main")
            command = await gateway.command()
            assert command["data"]["payload"] == "print(2);"
            await gateway.answer(command, "failed", "SyntaxError in line 1")
            await browser.shows("SyntaxError in line 1", "dialog")
            await browser.click("dialog footer .row button:nth-child(2)")
            await browser.shows("As the node has it", "dialog")
            shown = "document.querySelector('dialog .host').shadowRoot.querySelector('.cm-content')"
            assert await browser.ask(f"{shown}.innerText") == "print(3);"
            await browser.run("document.querySelector('dialog').close()")
            await browser.until("!document.querySelector('dialog')")


async def test_an_update_of_firmware_is_told_in_words(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway):
        await gateway.node("1", name="Node", suit_state="6", dwnld="40", version="1.2")
        async with opened(broker.port) as browser:
            await browser.shows("Downloading", at("suit_state"))
            bar = f'document.querySelector("{at("suit_state", "[role=progressbar]")}")'
            assert await browser.ask(f"{bar}.ariaValueNow") == "40"
            assert await browser.ask("!document.querySelector('main [data-endpoint=dwnld]')")
            assert "1.2" in await browser.text(at("suit_state"))
            await gateway.report("1", "dwnld", "75")
            await browser.until(f"{bar}.ariaValueNow == '75'")
            await gateway.report("1", "suit_state", "10")
            await browser.shows("The digest is wrong", at("suit_state", "[role=alert]"))
            assert await browser.ask(f"!{bar}")
            await gateway.report("1", "suit_state", "0")
            await browser.shows("No update under way", at("suit_state"))


PIXEL = base64.b64decode("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=")


@asynccontextmanager
async def a_camera() -> AsyncIterator[tuple[str, list[str]]]:
    """A server of one small picture, and what it was asked for."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[0])
        head = f"HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nContent-Length: {len(PIXEL)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + PIXEL)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_pictures_come_from_sites_that_are_allowed(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), a_camera() as (site, asked):
        other = "http://other.test:81/a.png"
        await gateway.node("1", name="Eye", webcam=f"{site}/now", view=other, bad="javascript:x()")
        await gateway.node("2", name="Trap", webcam="javascript:alert(1)")
        await gateway.node("3", name="Trick", webcam="data:image/gif;base64,R0lGODlhAQABAIAAAP")
        async with opened(broker.port, allow_picture=(site,)) as browser:
            eye = "[data-uid='1'] "
            picture = f'document.querySelector("{eye}{at("webcam", "img")}")'
            await browser.until(f"{picture}?.naturalWidth > 0")
            assert await browser.ask(f"{picture}.alt") == "Picture: Camera of Eye"
            assert asked == ["GET /now HTTP/1.1"]
            await browser.click(f"{eye}{at('webcam', 'button')}")
            await eventually(lambda: len(asked) == 2)
            assert asked[1].startswith("GET /now?_=")
            # A node that says the address again has a new picture there.
            await gateway.report("1", "webcam", f"{site}/now")
            await eventually(lambda: len(asked) == 3)
            # Others are links, which say where they lead.
            await browser.shows("Picture at other.test:81", at("view"))
            link = f'document.querySelector("{at("view", "a")}")'
            assert await browser.ask(f"[{link}.href, {link}.rel, {link}.target]") == [
                other,
                "noopener noreferrer",
                "_blank",
            ]
            for uid in ("2", "3"):
                await browser.shows("no address of a picture", f"[data-uid='{uid}']")
            assert await browser.ask("document.querySelectorAll('main img').length") == 1
            away = "[...document.querySelectorAll('main a')].map(a => a.href)"
            away += ".filter(href => !href.startsWith(location.origin))"
            assert await browser.ask(away) == [other]
        async with opened(broker.port) as browser:
            await browser.shows(f"Picture at {site.removeprefix('http://')}", at("webcam"))
            assert len(asked) == 3
