# SPDX-License-Identifier: BSD-3-Clause
"""Write the pages and the example file that follow from settings and commands.

``python -m pyaiot.cli.reference`` in a checkout; with ``--check`` it only compares. A test does so
too.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from textwrap import wrap
from typing import Final

import click

from pyaiot.setting import Setting, SettingValue
from pyaiot.settings import (
    AccountSettings,
    BrokerSettings,
    ClientSettings,
    CoapGatewaySettings,
    DashboardSettings,
    GatewaySettings,
    MqttGatewaySettings,
    RecorderSettings,
    ServiceSettings,
    Settings,
    SimulateSettings,
    UpSettings,
    WebsocketGatewaySettings,
    settings_of,
)

ROOT: Final = Path(__file__).resolve().parents[2]

GENERATED: Final = "made by python -m pyaiot.cli.reference; do not edit"

MODULES: Final = (
    "aiot",
    "generate_keys",
    "broker",
    "coap_gateway",
    "mqtt_gateway",
    "ws_gateway",
    "dashboard",
    "recorder",
)

SERVICES: Final[tuple[tuple[str, type[Settings]], ...]] = (
    ("aiot-broker", BrokerSettings),
    ("aiot-coap-gateway", CoapGatewaySettings),
    ("aiot-mqtt-gateway", MqttGatewaySettings),
    ("aiot-ws-gateway", WebsocketGatewaySettings),
    ("aiot-dashboard", DashboardSettings),
    ("aiot-recorder", RecorderSettings),
    ("aiot up` and `aiot demo", UpSettings),
    ("aiot nodes`, `aiot watch` and `aiot set", ClientSettings),
    ("aiot user`, `token`, `history` and `export", AccountSettings),
    ("aiot simulate", SimulateSettings),
)

_SETTINGS_INTRO: Final = f"""\
<!-- {GENERATED} -->
# Settings

Every setting has one name, which is written three ways:

| where | written | comes |
| --- | --- | --- |
| on the command line | `--broker-port=8000`; flags also as `--debug` alone | first |
| in the environment | `PYAIOT_BROKER_PORT=8000` | second |
| in the file that `--config` or `PYAIOT_CONFIG` names | `broker_port = 8000` | third |

One file can serve all services: what stands at its top is for each that knows it, what stands in a
service's own table, such as `[broker]`, is for that service alone.
[config-example.toml](../../deploy/config-example.toml) has everything in it, commented out.
Configuration files of the original pyaiot, assignments in Python, are read too, but not run: only
plain values count, and names that nobody knows are ignored.

A secret is better given as the name of a file that holds it, by a variable that ends in `_FILE`:
`PYAIOT_MQTT_PASSWORD_FILE=/run/secrets/mqtt`.
"""

_COMMAND_INTRO: Final = f"""\
<!-- {GENERATED} -->
# Command line

`_` may be written for `-` in the name of an option. [Settings](settings.md) says how options can
stand in a file or in the environment.

| exit status | means |
| --- | --- |
| 0 | success; a service that was ended by SIGTERM or SIGINT, too |
| 1 | it could not be done: a port is taken, a node refused, a service failed |
| 2 | a mistake in options, variables or files |
| 3 | the node refused, or it failed there |
| 4 | the node was not heard in time |
| 5 | one may not do that |
| 6 | there is no such node, or nothing is stored of it |

An error is one line on stderr. Services log to stderr as well, or to `--log-file-prefix`.
"""


def settings_page() -> str:
    """``docs/reference/settings.md``."""
    common, gateway = settings_of(ServiceSettings), settings_of(GatewaySettings)
    parts = [_SETTINGS_INTRO, *_table("All services", "", common, {})]
    parts += _table("All gateways", "", gateway, common)
    for name, cls in SERVICES:
        known = gateway if issubclass(cls, GatewaySettings) else common
        parts += _table(
            f"`{name}`", f"Its own table in a file: `[{cls.section}]`.\n", settings_of(cls), known
        )
    return "\n".join(parts)


def _table(
    title: str, words: str, settings: Mapping[str, Setting], known: Mapping[str, Setting]
) -> Iterator[str]:
    yield f"## {title}\n"
    if words:
        yield words
    yield "| setting | default | meaning |"
    yield "| --- | --- | --- |"
    for name, each in settings.items():
        if known.get(name) != each:
            default = "" if each.default in (None, "", ()) else f"`{_toml(each.default)}`"
            meaning = _sentence(each).replace("|", "\\|")
            yield f"| `{name}` | {default} | {meaning} |"
    yield ""


def _sentence(each: Setting) -> str:
    notes = []
    if each.choices:
        notes.append(", ".join(f"`{choice}`" for choice in each.choices))
    elif each.kind in {int, float} and each.unit != "port":
        notes.append(" ".join(filter(None, (each.expected, each.unit.replace("number", "")))))
    if not each.in_file:
        notes.append("not in a file")
    if each.secret:
        notes.append(f"or `{each.variable}_FILE`")
    text = each.help[0].upper() + each.help[1:]
    return f"{text} ({'; '.join(notes)})" if notes else text


def example_file() -> str:
    """``deploy/config-example.toml``."""
    lines = [
        f"# All settings of pyaiot, with their defaults ({GENERATED}).",
        "#",
        "# What stands up here is for all services; what stands in a table, for that one alone.",
        "",
    ]
    common, gateway = settings_of(ServiceSettings), settings_of(GatewaySettings)
    lines += _examples(common, {})
    lines += ["# For every gateway:", "", *_examples(gateway, common)]
    for name, cls in SERVICES:
        known = gateway if issubclass(cls, GatewaySettings) else common
        lines += [
            f"[{cls.section}]",
            f"# {name.replace('`', '')}",
            "",
            *_examples(settings_of(cls), known),
        ]
    return "\n".join(lines).rstrip() + "\n"


def _examples(settings: Mapping[str, Setting], known: Mapping[str, Setting]) -> Iterator[str]:
    for name, each in settings.items():
        if each.in_file and known.get(name) != each:
            words = _sentence(each).replace("`", "'")
            yield from wrap(words, 98, initial_indent="# ", subsequent_indent="# ")
            yield f"#{name} = {_toml(each.default)}"
            yield ""


def _toml(value: SettingValue) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps("" if value is None else value)


def command_page() -> str:
    """``docs/reference/command-line.md``."""
    parts = [_COMMAND_INTRO]
    for module in MODULES:
        command: click.Command = import_module(f"pyaiot.cli.{module}").command
        context = command.make_context(command.name, [], resilient_parsing=True)
        parts.append(_help(context))
        if isinstance(command, click.Group):
            parts += _subcommands(context, command)
    return "\n".join(parts)


def _subcommands(context: click.Context, group: click.Group) -> Iterator[str]:
    for name in group.list_commands(context):
        sub = group.get_command(context, name)
        assert sub is not None, name  # noqa: S101 - it is listed there
        below = sub.make_context(name, [], context, resilient_parsing=True)
        yield _help(below)
        if isinstance(sub, click.Group):
            yield from _subcommands(below, sub)


def _help(context: click.Context) -> str:
    context.terminal_width = 100
    return f"## {context.command_path}\n\n```text\n{context.get_help()}\n```\n"


FILES: Final[Mapping[str, Callable[[], str]]] = {
    "deploy/config-example.toml": example_file,
    "docs/reference/command-line.md": command_page,
    "docs/reference/settings.md": settings_page,
}


def main(arguments: Sequence[str]) -> int:
    """Write the files, or with ``--check`` only compare; returns the exit status."""
    stale = []
    for name, make in FILES.items():
        file, text = ROOT / name, make()
        if arguments == ["--check"]:
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    for name in stale:
        sys.stderr.write(f"{name} is stale: run python -m pyaiot.cli.reference\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
