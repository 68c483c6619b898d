# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot-dashboard`."""

from functools import partial

import click

from pyaiot.cli.entry import console_script
from pyaiot.cli.options import service_command
from pyaiot.settings import DashboardSettings


def _start(settings: DashboardSettings) -> int:
    from pyaiot.dashboard.service import serve
    from pyaiot.run import Service, run

    live = partial(serve, settings, say=click.echo)
    return run([Service("dashboard", live, "--web-host, --web-port")])


command = service_command(
    DashboardSettings,
    "aiot-dashboard",
    "Serve the web page that shows and controls the nodes of a broker.",
    _start,
)
main = console_script(command)
