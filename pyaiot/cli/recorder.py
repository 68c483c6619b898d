# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot-recorder`."""

from functools import partial

from pyaiot.cli.entry import console_script
from pyaiot.cli.options import service_command
from pyaiot.settings import RecorderSettings


def _start(settings: RecorderSettings) -> int:
    from pyaiot.recorder.service import serve
    from pyaiot.run import Service, run

    return run([Service("recorder", partial(serve, settings), "--health-host, --health-port")])


command = service_command(
    RecorderSettings,
    "aiot-recorder",
    "Store what nodes report, and raise alerts.",
    _start,
)
main = console_script(command)
