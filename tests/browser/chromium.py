# SPDX-License-Identifier: BSD-3-Clause
"""A real browser, without a window."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from tests.programs import require

T = TypeVar("T")

PHONE: Final = (390, 844)
DESK: Final = (1440, 900)

_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page that was left is gone: kept for whoever goes back to it, it costs as much as another.
    "--disable-features=BackForwardCache",
    # As on a telephone, where they take no room.
    "--hide-scrollbars",
    # So that a test can open the page under another name than localhost.
    "--host-resolver-rules=MAP *.test 127.0.0.1",
)


class Chromium:
    """One Chromium with one tab. Its driver blocks, and so has a thread of its own."""

    def __init__(self, profile: Path) -> None:
        options = ChromeOptions()
        options.binary_location = require("chromium", "chromium")
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self._driver = Chrome(options, Service(require("chromedriver", "chromium-driver")))
        self._driver.set_script_timeout(10)
        self._driver.set_page_load_timeout(20)
        self._thread = ThreadPoolExecutor(1)
        self._origins: set[str] = set()
        self._touched = False
        self._is_numb = False
        self._is_away = True

    def quit(self) -> None:
        self._driver.quit()
        self._thread.shutdown()

    async def _do(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    async def open(self, url: str, size: tuple[int, int] = DESK, **media: str) -> None:
        """Open a page in a view of `size`.

        `media` are preferences, such as ``color_scheme``, or ``forced_colors``.
        """
        wanted = [
            {"name": name if name == "forced-colors" else f"prefers-{name}", "value": value}
            for name, value in ((each.replace("_", "-"), value) for each, value in media.items())
        ]

        if self._is_numb:
            await self._renew()
        await self.resize(size)
        await self.call("Emulation.setEmulatedMedia", features=wanted)
        scheme, _, rest = url.partition("://")
        if rest:
            self._origins.add(f"{scheme}://{rest.partition('/')[0]}")
        self._is_away = False
        await self._do(lambda: self._driver.get(url))

    async def resize(self, size: tuple[int, int]) -> None:
        """Give the view another size."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **metrics)

    async def trust_certificates(self, every: bool) -> None:
        """Take every certificate, or only those that the system trusts."""
        await self._do(
            lambda: self._driver.execute_cdp_cmd(
                "Security.setIgnoreCertificateErrors", {"ignore": every}
            )
        )

    async def leave(self) -> list[str]:
        """Leave the page; all that it wrote to the console, and what went wrong with it."""

        def act() -> list[str]:
            self._driver.get("about:blank")
            # The stubs know no type for what comes back.
            log: list[dict[str, Any]] = self._driver.get_log("browser")  # type: ignore[no-untyped-call]
            return [str(entry["message"]) for entry in log]

        said = await self._do(act)
        self._is_away = True
        return said

    async def forget(self) -> None:
        """Leave the page, and forget what it wrote and kept, however it was left."""
        if not self._is_away:
            await self.leave()
        for origin in self._origins:
            await self.call("Storage.clearDataForOrigin", origin=origin, storageTypes="all")
        self._origins.clear()
        await self.call("Network.clearBrowserCookies")

    async def ask(self, script: str, *arguments: object) -> Any:
        """The value of a JavaScript expression; `arguments` is what it calls them."""
        return await self._do(lambda: self._driver.execute_script(f"return ({script})", *arguments))

    async def run(self, script: str) -> Any:
        """What JavaScript statements return."""
        return await self._do(lambda: self._driver.execute_script(script))

    async def answer(self, script: str, *arguments: object) -> Any:
        """What JavaScript statements hand to the function that is their last argument."""
        return await self._do(lambda: self._driver.execute_async_script(script, *arguments))

    async def until(self, script: str, *arguments: object, within: float = 10.0) -> Any:
        """The first true value of a JavaScript expression."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while not (value := await self.ask(script, *arguments)):
            if loop.time() > deadline:
                shown = await self.ask("document.body.innerText")
                raise AssertionError(f"still {value!r}: {script} {arguments}\n{shown}")
            await asyncio.sleep(0.02)
        return value

    async def shows(self, text: str, where: str = "body", *, within: float = 10.0) -> None:
        """Wait until a part of the page holds `text`."""
        script = "document.querySelector(arguments[0])?.innerText.includes(arguments[1])"
        await self.until(script, where, text, within=within)

    async def text(self, where: str) -> str:
        found = await self.ask("document.querySelector(arguments[0])?.innerText ?? ''", where)
        return str(found)

    async def click(self, where: str) -> None:
        await self._do(lambda: self._driver.find_element(By.CSS_SELECTOR, where).click())

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        await self._do(lambda: ActionChains(self._driver).send_keys(*keys).perform())

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What a method of the DevTools protocol answers."""

        def act() -> dict[str, Any]:
            answer: dict[str, Any] = self._driver.execute_cdp_cmd(method, parameters)
            return answer

        return await self._do(act)

    async def write(self, where: str, text: str) -> None:
        """Type a text into a field."""
        await self._do(lambda: self._driver.find_element(By.CSS_SELECTOR, where).send_keys(text))

    async def hold(self, where: str, right: int = 0, down: int = 0) -> None:
        """Take something in its middle, and pull it so many pixels; it is held until `let_go`."""

        def act() -> None:
            element = self._driver.find_element(By.CSS_SELECTOR, where)
            chain = ActionChains(self._driver, duration=50).click_and_hold(element)
            chain.move_by_offset(right, down).perform()

        await self._do(act)

    async def let_go(self) -> None:
        await self._do(lambda: ActionChains(self._driver).release().perform())

    async def touch(self, *fingers: tuple[float, float]) -> None:
        """Put fingers on these places of the view, or move them there; without any, lift them."""
        if not fingers and not self._touched:
            return
        kind = "touchMove" if self._touched else "touchStart"
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(fingers)]
        await self.call(
            "Input.dispatchTouchEvent", type=kind if fingers else "touchEnd", touchPoints=points
        )
        self._touched = bool(fingers)
        # The driver brings fingers to the first page of a tab only.
        self._is_numb = True

    async def _renew(self) -> None:
        """Go on in another tab."""

        def act() -> None:
            old = self._driver.current_window_handle
            self._driver.switch_to.new_window("tab")
            new = self._driver.current_window_handle
            self._driver.switch_to.window(old)
            self._driver.close()
            self._driver.switch_to.window(new)

        await self._do(act)
        self._is_numb = self._touched = False

    async def press_with(self, modifier: str, key: str) -> None:
        """Press a key while another one is held."""

        def act() -> None:
            ActionChains(self._driver).key_down(modifier).send_keys(key).key_up(modifier).perform()

        await self._do(act)

    async def hold_key(self, key: str) -> None:
        await self._do(lambda: ActionChains(self._driver).key_down(key).perform())

    async def let_go_key(self, key: str) -> None:
        await self._do(lambda: ActionChains(self._driver).key_up(key).perform())

    async def picture(self, path: Path) -> None:
        await self._do(lambda: self._driver.save_screenshot(str(path)))
