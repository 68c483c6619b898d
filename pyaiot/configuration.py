# SPDX-License-Identifier: BSD-3-Clause
"""Where values of settings come from: file < environment (``PYAIOT_*``) < command line.

Nothing here reads a file or the environment: texts and mappings are passed in. Every error is a
SettingsInvalid whose reason is one line that says where the value stands.
"""

import ast
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, TypeVar

from pyaiot.errors import SettingsInvalid
from pyaiot.setting import Setting
from pyaiot.settings import ALL, Settings, settings_of

S = TypeVar("S", bound=Settings)

KNOWN: Final[Mapping[str, Setting]] = {
    name: each for cls in ALL for name, each in settings_of(cls).items()
}
"""Every setting of any service; of those with one name, any."""

TABLES: Final[Mapping[str, type[Settings]]] = {cls.section: cls for cls in ALL}


def suggestion(word: str, known: Collection[str]) -> str:
    """A question to end an error message with, if `word` looks like a slip of the pen."""
    close = get_close_matches(word, known, 1, cutoff=0.75)
    return f"; did you mean {close[0]}?" if close else ""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration file: settings for all services, and those of one service in its table."""

    name: str
    shared: Mapping[str, object]
    tables: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, name: str) -> "ConfigFile":
        """Read TOML, or assignments in Python as the original has them.

        TOML is what ends in ``.toml``, and what is named neither ``.toml`` nor ``.py`` but parses
        as TOML with a table in it: without one, the same text may be either.
        """
        if name.endswith(".toml"):
            return cls._toml(_toml_of(text, name), name)
        if not name.endswith(".py"):
            try:
                members = tomllib.loads(text)
            except tomllib.TOMLDecodeError:
                members = {}
            if any(isinstance(value, dict) for value in members.values()):
                return cls._toml(members, name)
        return cls(name, dict(_assignments(text, name)))

    @classmethod
    def _toml(cls, members: Mapping[str, object], name: str) -> "ConfigFile":
        shared: dict[str, object] = {}
        tables: dict[str, dict[str, object]] = {}
        for key, value in members.items():
            if not isinstance(value, dict):
                shared[_known_name(key, KNOWN, name)] = value
            elif key in TABLES:
                own = settings_of(TABLES[key])
                where = f"{name} [{key}]"
                tables[key] = {_known_name(each, own, where): value[each] for each in value}
            else:
                raise SettingsInvalid(f"{name}: unknown table [{key}]{suggestion(key, TABLES)}")
        return cls(name, shared, tables)

    def values(self, service: type[Settings]) -> Iterator[tuple[Setting, object, str]]:
        """Setting, value and its place, for each setting of `service` in the file."""
        settings = settings_of(service)
        for name, value in self.shared.items():
            if name in settings:
                yield settings[name], value, f"{self.name}: {name}"
        for name, value in self.tables.get(service.section, {}).items():
            yield settings[name], value, f"{self.name} [{service.section}]: {name}"


def load(
    service: type[S],
    *,
    file: ConfigFile | None = None,
    environ: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None,
    defaults: Mapping[str, object] | None = None,
) -> S:
    """The settings of a service.

    `options` are those given on the command line, by setting name; `defaults` stand in for the
    declared ones. Secrets from files are put into `environ` beforehand, see `secret_files`.
    """
    settings = settings_of(service)
    found: dict[str, object] = dict(defaults or {})
    for each, value, place in file.values(service) if file else ():
        found[each.name] = _accept(each, value, place)
    for each in settings.values():
        text = (environ or {}).get(each.variable)
        # Compose files hand on variables that nobody set; only a text can be meant to be empty.
        if text is not None and (text or each.kind is str):
            found[each.name] = _accept(each, text, each.variable)
    for name, value in (options or {}).items():
        found[name] = _accept(settings[name], value, settings[name].option)
    return service(**found)


def secret_files(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Variables whose values stand in files: the files' names, by variable."""
    files = {}
    for each in KNOWN.values():
        variable = each.variable
        path = environ.get(variable + "_FILE")
        if each.secret and path:
            if variable in environ:
                raise SettingsInvalid(f"{variable} and {variable}_FILE are both set")
            files[variable] = path
    return files


def unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """A warning for each variable that looks like a setting and is none."""
    known = {name.upper() for name in KNOWN}
    known |= {name.upper() + "_FILE" for name, each in KNOWN.items() if each.secret}
    for variable in environ:
        prefix, found, name = variable.partition("PYAIOT_")
        if found and not prefix and name not in known:
            yield f"{variable} is no setting{suggestion(name, known)}"


def _accept(each: Setting, value: object, place: str) -> object:
    try:
        return each.accept(value)
    except SettingsInvalid as exc:
        raise SettingsInvalid(f"{place}: {exc}") from None


def _known_name(name: str, known: Mapping[str, Setting], where: str) -> str:
    plain = name.replace("-", "_")
    if plain in known and known[plain].in_file:
        return plain
    if plain in known:
        raise SettingsInvalid(f"{where}: {name} cannot stand in a file")
    others = [f"[{table}]" for table, cls in TABLES.items() if plain in settings_of(cls)]
    hint = f"; it belongs to {' or '.join(others)}" if others else suggestion(plain, known)
    raise SettingsInvalid(f"{where}: unknown setting {name}{hint}")


def _toml_of(text: str, name: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise SettingsInvalid(f"{name}: {exc}") from exc


def _assignments(text: str, name: str) -> Iterator[tuple[str, object]]:
    """The settings that a Python file assigns, without running it.

    Unknown names are ignored, as the original does. What would set a known one by more than a
    literal is an error rather than silently left out.
    """
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        line = getattr(exc, "lineno", None)
        place = f"{name} line {line}" if line else name
        raise SettingsInvalid(f"{place}: neither TOML nor Python assignments") from exc
    for statement in module.body:
        targets = {
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        known = sorted(each for each in targets if each in KNOWN and KNOWN[each].in_file)
        if not known:
            continue
        value = _literal(statement)
        if value is None:
            raise SettingsInvalid(
                f"{name} line {statement.lineno}: {known[0]} must be set by a plain value"
            )
        for each in known:
            yield each, value[0]


def _literal(statement: ast.stmt) -> tuple[object] | None:
    """The value that `name = value` or `name = other = value` assigns, if it is a literal."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            plain = all(isinstance(target, ast.Name) for target in targets)
        case ast.AnnAssign(value=ast.expr() as value):
            plain = True
        case _:
            return None
    try:
        return (ast.literal_eval(value),) if plain else None
    except (ValueError, TypeError, RecursionError, MemoryError):
        return None
