# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot-mqtt-gateway`."""

from functools import partial

from pyaiot.cli.entry import console_script
from pyaiot.cli.options import service_command
from pyaiot.settings import MqttGatewaySettings


def _start(settings: MqttGatewaySettings) -> int:
    from pyaiot.gateway.service import serve
    from pyaiot.run import Service, run

    return run([Service("mqtt-gateway", partial(serve, settings), "--mqtt-host, --mqtt-port")])


command = service_command(
    MqttGatewaySettings,
    "aiot-mqtt-gateway",
    "Connect MQTT nodes to a broker.",
    _start,
)
main = console_script(command)
