# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot-ws-gateway`."""

from functools import partial

from pyaiot.cli.entry import console_script
from pyaiot.cli.options import service_command
from pyaiot.settings import WebsocketGatewaySettings


def _start(settings: WebsocketGatewaySettings) -> int:
    from pyaiot.gateway.service import serve
    from pyaiot.run import Service, run

    return run([Service("ws-gateway", partial(serve, settings), "--gateway-host, --gateway-port")])


command = service_command(
    WebsocketGatewaySettings,
    "aiot-ws-gateway",
    "Connect websocket nodes to a broker.",
    _start,
)
main = console_script(command)
