# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot-coap-gateway`."""

from functools import partial

from pyaiot.cli.entry import console_script
from pyaiot.cli.options import service_command
from pyaiot.settings import CoapGatewaySettings


def _start(settings: CoapGatewaySettings) -> int:
    from pyaiot.gateway.service import serve
    from pyaiot.run import Service, run

    return run([Service("coap-gateway", partial(serve, settings), "--coap-host, --coap-port")])


command = service_command(
    CoapGatewaySettings,
    "aiot-coap-gateway",
    "Connect CoAP nodes to a broker.",
    _start,
)
main = console_script(command)
