# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot-broker`."""

from functools import partial

from pyaiot.cli.entry import console_script
from pyaiot.cli.options import service_command
from pyaiot.settings import BrokerSettings


def _start(settings: BrokerSettings) -> int:
    from pyaiot.broker.service import serve
    from pyaiot.run import Service, quick_loop, run

    service = Service("broker", partial(serve, settings), "--broker-host, --broker-port")
    return run([service], loop_factory=quick_loop())


command = service_command(
    BrokerSettings,
    "aiot-broker",
    "Run the broker, which gateways and clients connect to.",
    _start,
)
main = console_script(command)
