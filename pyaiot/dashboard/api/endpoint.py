# SPDX-License-Identifier: BSD-3-Clause
"""What there is in the REST API: each endpoint is declared once.

From its declaration follow the route, the checks before it is called, the OpenAPI description, the
reference page, and the table of the security tests.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from pyaiot.dashboard.api.call import Call

MAX_BODY: Final = 65_536
"""Bytes of a request's body, unless its endpoint says otherwise."""

_PARAMETER: Final = re.compile(r"\{(\w+)\}")


class Who(StrEnum):
    """Who may call an endpoint. Nodes are checked one by one besides."""

    ANYONE = "anyone"
    """Even with credentials that do not hold: who logs in may have an old cookie."""
    VISITOR = "visitor"
    """Who has an account, or may see something without one (``--anonymous``)."""
    KEEPER = "keeper"
    """Who has an account, or may control something without one."""
    USER = "user"
    """Who has an account."""
    OPERATOR = "operator"
    ADMIN = "admin"


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing can be asked for behind the ``?``."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path."""

    method: str
    path: str
    """Below ``/api/v1``, with ``{names}``."""
    who: Who
    handle: Callable[[Call[Any, Any]], Awaitable[Any]]
    """Gives the answer; where it is a `stream`, an asynchronous iterator of bytes."""
    summary: str
    query: type[Struct] = NoQuery
    body: Any = None
    """What the body says, if there is to be one."""
    answer: Any = None
    """What is answered, as `handle` gives it; None for an answer without content."""
    status: int = 200
    """Of success; an endpoint without an answer says 204 whatever stands here."""
    also: tuple[int, ...] = ()
    """Other statuses of success, with the same answer."""
    stream: tuple[str, ...] = ()
    """The types of content, where the answer is sent piece by piece."""
    problems: tuple[int, ...] = ()
    """Statuses of what may go wrong with this one in particular."""
    refuses: str = ""
    """What is refused with 400 though the structures allow it, as the end of a sentence."""
    match: bool = False
    """It changes a record, and only the one that ``If-Match`` names, where that is sent."""
    max_body: int = MAX_BODY
    hidden: bool = False
    """It is not described: for people, not for programs."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def name(self) -> str:
        """What programs call it; of no other endpoint."""
        words = re.findall(r"\w+", self.path)
        return "_".join([self.method.lower(), *words])


def refused(endpoint: Endpoint) -> str:
    """What an endpoint refuses with 400 though the structures allow it; empty for nothing."""
    fields = {each.name for each in msgspec.structs.fields(endpoint.query)}
    cursor = "a `cursor` that is none of this list" if "cursor" in fields else ""
    return "; ".join(filter(None, (endpoint.refuses, cursor)))


class Routes:
    """Finds the endpoint for a request."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        """Raises ValueError where two are the same."""
        self._paths: dict[str, dict[str, Endpoint]] = {}
        for each in endpoints:
            methods = self._paths.setdefault(each.path, {})
            if each.method in methods:
                raise ValueError(f"{each.method} {each.path} is there twice")
            methods[each.method] = each
        # What is written out comes before what has a name for any segment, and what is longer
        # before what takes all the rest.
        plain = sorted(self._paths, key=lambda path: path.replace("{", "~"))
        rest = sorted((path for path in plain if "{endpoint}" in path), key=len, reverse=True)
        self._patterns = [
            *((_pattern(path, loose=False), self._paths[path]) for path in plain),
            *((_pattern(path, loose=True), self._paths[path]) for path in rest),
        ]

    def find(self, path: str) -> tuple[Mapping[str, Endpoint], dict[str, str]]:
        """The endpoints at `path` (as it came, percent-encoded) by method, and its parameters.

        Both are empty where there is nothing.
        """
        for pattern, methods in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                try:
                    found = {
                        name: unquote(text, errors="strict")
                        for name, text in match.groupdict().items()
                    }
                except UnicodeDecodeError:
                    return {}, {}
                return methods, found
        return {}, {}


def _pattern(path: str, *, loose: bool) -> re.Pattern[str]:
    """What matches a path; `loose` where a proxy has taken the encoding from a slash."""

    def group(match: re.Match[str]) -> str:
        anything = ".+" if loose and match[1] == "endpoint" else "[^/]+"
        return f"(?P<{match[1]}>{anything})"

    return re.compile(_PARAMETER.sub(group, path))
