# SPDX-License-Identifier: BSD-3-Clause
"""Command line options made from the declared settings.

They work as those of the original do: ``--broker-port=8000``, ``_`` for ``-``, and flags both as
``--debug`` and as ``--debug=true``.
"""

import logging
import re
from collections.abc import Callable, Container, Mapping
from typing import Any, Final, TypeVar

import click

from pyaiot import __version__
from pyaiot.cli.entry import leave_on_signal
from pyaiot.cli.sources import Sources
from pyaiot.setting import Setting
from pyaiot.settings import ServiceSettings, Settings, settings_of

_log = logging.getLogger(__name__)

T = TypeVar("T", bound=ServiceSettings)

CONTEXT: Final[Mapping[str, Any]] = {
    "token_normalize_func": lambda name: name.replace("_", "-"),
    "help_option_names": ["--help", "-h"],
    "max_content_width": 100,
}
"""Settings of the context of every command."""

EPILOG: Final = (
    "Each option can be given as an environment variable as well (PYAIOT_BROKER_PORT) or in the"
    " file that --config names (broker_port = 8000); the command line comes first, then the"
    " environment, then the file."
)


_RUNNING: Final = frozenset(settings_of(ServiceSettings)) - {
    "broker_host",
    "broker_port",
    "key_file",
}
"""What every command has, and few want to change."""


class _Line(click.Option):
    """An option whose help is what its setting declares."""

    def __init__(self, setting: Setting, default: object, section: str) -> None:
        self.setting = setting
        self.section = section
        self.shown_default = default
        # The value of such an option may be left out; click means something else by a flag.
        flag: dict[str, Any] = {"is_flag": False, "flag_value": "true"}
        super().__init__(
            [setting.option],
            type=click.UNPROCESSED,
            default=None,
            multiple=setting.kind is tuple,
            **(flag if setting.kind is bool else {}),
        )

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """The option with the kind of its value; its meaning with bounds and default."""
        del ctx
        return f"{self.setting.option}{_placeholder(self.setting)}", _meaning(
            self.setting, self.shown_default
        )


def _placeholder(setting: Setting) -> str:
    if setting.kind is bool:
        return "[=true|false]"
    if setting.choices:
        return "=" + "|".join(setting.choices)
    words = {int: "number", float: "number", tuple: "text", str: "text"}
    return f"={setting.unit or words[setting.kind]}".upper()


def _meaning(setting: Setting, default: object) -> str:
    notes = []
    if setting.secret:
        notes.append(f"better the name of a file in {setting.variable}_FILE")
    if setting.kind in {int, float} and setting.unit != "port":
        notes.append(setting.range)
    if default not in {None, (), ""} and default is not False:
        notes.append(f"default {_written(default)}")
    sentence = setting.help[0].upper() + setting.help[1:]
    return f"{sentence}  [{'; '.join(notes)}]" if any(notes) else sentence


def _written(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(default)
    return f"{default:g}" if isinstance(default, float) else str(default)


class SettingsCommand(click.Command):
    """A command whose options are settings; its help shows them in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a list of options for each section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                sections.setdefault(_section_of(param), []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


class Choice(click.Option):
    """An option of one command alone, which no file or variable holds; shown as the others are."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option with the kind of its value, and what it means."""
        record = super().get_help_record(ctx)
        if record is None:
            return None
        name, _, kind = record[0].partition(" ")
        meaning = re.sub(r"(\d+)<=x<=(\d+)", r"from \1 to \2", record[1])
        return f"{name}={kind.strip('[]')}", meaning.replace("[default: ", "[default ")


def _section_of(param: click.Parameter) -> str:
    if isinstance(param, _Line):
        return param.section
    return "Options" if isinstance(param, Choice) else "Other options"


def options_of(
    *sections: tuple[str, type[Settings]],
    defaults: Mapping[str, object] | None = None,
    without: Container[str] = (),
) -> list[click.Parameter]:
    """An option for each setting of some classes, each under a heading.

    Of settings with the same name, the first stands for all.
    """
    shown = defaults or {}
    lines: dict[str, _Line] = {}
    for heading, cls in sections:
        for name, setting in settings_of(cls).items():
            if name not in lines and name not in without:
                section = "Log and configuration" if name in _RUNNING else heading
                lines[name] = _Line(setting, shown.get(name, setting.default), section)
    running = [line for line in lines.values() if line.name in _RUNNING]
    return [*(line for line in lines.values() if line.name not in _RUNNING), *running]


def version_option() -> click.Option:
    """``--version``."""

    def show(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            click.echo(f"{ctx.find_root().info_name} {__version__}")
            ctx.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Show the version and exit.",
    )


def given(values: Mapping[str, object]) -> dict[str, object]:
    """Those of click's parameters that were on the command line."""
    found: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, tuple):
            if value:
                found[name] = ",".join(map(str, value))
        elif value is not None:
            found[name] = value
    return found


def begin(settings: ServiceSettings, sources: Sources) -> None:
    """What every service does first: set up the log, and say what looks like a mistake."""
    from pyaiot.observe import logs

    logs.configure(
        settings.logging,
        debug=settings.debug,
        file=settings.log_file_prefix,
        max_size=settings.log_file_max_size,
        backups=settings.log_file_num_backups,
    )
    for warning in sources.warnings:
        _log.warning("%s", warning)


def service_command(
    service: type[T], name: str, summary: str, start: Callable[[T], int]
) -> click.Command:
    """The command of a service; `start` runs it and returns the exit status."""

    def callback(**values: object) -> int:
        leave_on_signal()
        sources = Sources.given(given(values))
        settings = sources.load(service)
        begin(settings, sources)
        return start(settings)

    return SettingsCommand(
        name,
        params=[*options_of(("Options", service)), version_option()],
        callback=callback,
        help=summary,
        epilog=EPILOG,
        context_settings=dict(CONTEXT),
    )
