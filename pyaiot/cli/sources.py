# SPDX-License-Identifier: BSD-3-Clause
"""Read what a command's settings come from: the configuration file, the environment, options."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from pyaiot.configuration import ConfigFile, load, secret_files, unknown_variables
from pyaiot.errors import SettingsInvalid
from pyaiot.settings import Settings, settings_of

S = TypeVar("S", bound=Settings)

_MAX_SIZE: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Sources:
    """All that was given to a command; the settings of several services may be loaded from it."""

    file: ConfigFile | None
    environ: Mapping[str, str] = field(repr=False)
    options: Mapping[str, object]
    warnings: tuple[str, ...]

    @classmethod
    def read(cls, options: Mapping[str, object], environ: Mapping[str, str]) -> "Sources":
        """Read the files that `options` and `environ` name.

        Raises SettingsInvalid when one cannot be read or understood.
        """
        path = str(options.get("config") or environ.get("PYAIOT_CONFIG") or "")
        file = ConfigFile.parse(_text(path), path) if path else None
        secrets = {
            variable: _text(name).strip() for variable, name in secret_files(environ).items()
        }
        warnings = tuple(unknown_variables(environ))
        return cls(file, {**environ, **secrets}, options, warnings)

    @classmethod
    def given(cls, options: Mapping[str, object]) -> "Sources":
        """`read`, with the environment of this process."""
        return cls.read(options, os.environ)

    def load(self, service: type[S], defaults: Mapping[str, object] | None = None) -> S:
        """The settings of one service; options and defaults of others are left to them."""
        own = settings_of(service)

        def of_this(values: Mapping[str, object]) -> dict[str, object]:
            return {name: value for name, value in values.items() if name in own}

        return load(
            service,
            file=self.file,
            environ=self.environ,
            options=of_this(self.options),
            defaults=of_this(defaults or {}),
        )


def _text(path: str) -> str:
    try:
        with Path(path).expanduser().open("rb") as stream:
            raw = stream.read(_MAX_SIZE + 1)
    except OSError as exc:
        raise SettingsInvalid(f"cannot read {path}: {exc.strerror}") from exc
    if len(raw) > _MAX_SIZE:
        raise SettingsInvalid(f"{path} is too large")
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        raise SettingsInvalid(f"{path} is not text") from exc
