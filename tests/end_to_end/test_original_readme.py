# SPDX-License-Identifier: BSD-3-Clause
"""The walkthrough in the README of the original, command by command (section "Usage")."""

import signal
from pathlib import Path

from tests.commands import free_ports, run_to_end, running
from tests.end_to_end.client import client, fetched
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
NODE = ROOT / "utils" / "coap" / "coap-test-node.py"

OPTIONS = ("--broker-host", "--broker-port", "--config", "--debug", "--key-file")


async def test_the_walkthrough(tmp_path: Path) -> None:
    broker_port, coap_port, web_port = free_ports(3)
    at = f"--broker-port={broker_port}"

    # 3. Generate authentication keys
    assert (await run_to_end(tmp_path, "aiot-generate-keys"))[0] == 0
    assert (tmp_path / ".pyaiot" / "keys").stat().st_mode & 0o777 == 0o600

    # 4. Start the broker
    status, text = await run_to_end(tmp_path, "aiot-broker", "--help")
    assert status == 0
    assert all(option in text for option in OPTIONS)
    async with running(tmp_path, "aiot-broker", "--debug", at) as broker:
        await broker.says("listening on")
        # 5. Start one of the gateways
        async with (
            running(
                tmp_path, "aiot-coap-gateway", "--debug", f"--coap-port={coap_port}", at
            ) as gateway,
            # 6. Start a CoAP test node
            running(
                tmp_path, NODE, f"--gateway-port={coap_port}", "--temperature", "--pressure"
            ) as node,
            # 7. Setup and start a local web dashboard
            running(
                tmp_path, "aiot-dashboard", "--debug", f"--web-port={web_port}", at
            ) as dashboard,
        ):
            await dashboard.says("listening on")
            assert "<html" in await fetched(f"http://localhost:{web_port}/")

            async with client(broker_port) as browser:

                def shown() -> bool:
                    return any(
                        str(node.get("temperature", "")).endswith("°C")
                        and str(node.get("pressure", "")).endswith("hPa")
                        and node.get("protocol") == "CoAP"
                        for node in browser.values().values()
                    )

                await eventually(shown, 20)

            assert await node.end() == 0
            assert await dashboard.end() == 0
            assert await gateway.end() == 0
        assert await broker.end(signal.SIGINT) == 0
    for command in (broker, gateway, node, dashboard):
        assert "Traceback" not in command.log
