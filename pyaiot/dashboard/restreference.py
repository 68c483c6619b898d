# SPDX-License-Identifier: BSD-3-Clause
"""The reference page of the REST API, made from its endpoints and their structures.

``python -m pyaiot.dashboard.restreference`` writes ``docs/reference/rest.md`` in a checkout. With
``--check`` nothing is written; the exit status says whether the file is fresh.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from msgspec import Struct

from pyaiot.dashboard import typescript
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, refused
from pyaiot.dashboard.api.openapi import statuses
from pyaiot.dashboard.api.table import TABLE

REFERENCE: Final = Path(__file__).parents[2] / "docs" / "reference" / "rest.md"

_HEAD: Final = """\
# REST API

<!-- made by python -m pyaiot.dashboard.restreference; do not edit -->

Below `/api/v1/` of the dashboard. A browser shows all of it there, to try out; `/api/v1/openapi.json` describes it for
programs (OpenAPI 3.1). How to use it: [use the REST API](../howto/use-the-rest-api.md).

* **Who asks** is known by `Authorization: Bearer TOKEN`, or by the cookie that logging in sets. With the cookie, whatever
  changes something needs the header `Pyaiot-Request: 1`, and comes from a page of the same site. *anyone*: no matter who;
  *visitor*: an account, or nobody where `--anonymous` lets strangers see something; *keeper*: an account, or nobody where it
  lets strangers control nodes; *user*, *operator*, *admin*: an account of at least that role. Nodes are looked at one by
  one besides: one that you may not see is not there.
* **Errors** are `application/problem+json` (RFC 9457), each with a `code` that stays the same, and a `detail` for people.
* **Lists** hold `items`, and in `next` the `cursor` for those after, or null. `limit` is at most 1000.
* **Times** are seconds since the epoch. In a body that changes something, what is missing stays as it is.
* **ETags** come with every answer to GET: `If-None-Match` gets 304 while nothing is new. `If-Match` with PATCH and DELETE
  changes only what is still as it was seen; else 412, `changed`.
* **Bounds**: bodies of 64 KiB (512 KiB to set a resource), 50 requests a second and 200 at once from one asker: then 429
  with `Retry-After`. A `/` within a name in the path is written `%2F`.
"""  # noqa: E501 - lines of the page

_CODES: Final = """\
## Codes

| status | `code` |
| --- | --- |
| 400 | `invalid`: not JSON, or a body where there is to be none; `invalid_value`: something in the request cannot be used |
| 401 | `unauthenticated`: log in; `invalid_token`; `stale_token`: expired, or ended; `wrong_password` |
| 403 | `denied`; `origin_refused`: another site's page, or `Pyaiot-Request` is missing; `wrong_password` |
| 404 | `not_found`: not there, or not for you |
| 405, 413, 415 | `method_not_allowed`, `too_large`, `not_json` |
| 409 | `name_taken`, `last_admin`, `unknown_node`: no gateway holds the node now |
| 412 | `changed` |
| 429 | `rate_exceeded`, `queue_full`, `limit_exceeded` |
| 502, 504 | `failed`: the node refused, or could not be reached; `timeout`: no result in time |
| 503 | `broker_unreachable`, `store_failed`, `too_many_connections` |
"""  # noqa: E501 - likewise


def text() -> str:
    """The page."""
    shown = [each for each in TABLE if not each.hidden]
    parts = [_HEAD]
    # Those of one kind stand together, in the order in which the kinds come.
    kinds = list(dict.fromkeys(map(_kind, shown)))
    ordered = sorted(shown, key=lambda each: kinds.index(_kind(each)))
    for kind, endpoints in groupby(ordered, _kind):
        parts.append(f"## Endpoints: {kind}\n")
        parts += map(_endpoint, endpoints)
    parts.append(_structures(shown))
    parts.append(_CODES)
    return "\n".join(parts)


def _kind(endpoint: Endpoint) -> str:
    return endpoint.path.split("/")[1]


def _endpoint(endpoint: Endpoint) -> str:
    lines = [f"### `{endpoint.method} {endpoint.path}`\n", f"{endpoint.summary.rstrip('.')}.\n"]
    lines.append(f"* who: {endpoint.who}")
    if endpoint.query is not NoQuery:
        lines.append(f"* query: {', '.join(_members(endpoint.query, sent=True))}")
    if endpoint.body is not None:
        lines.append(f"* body: {_link(endpoint.body)}")
    lines.append(f"* answer: {_answer(endpoint)}")
    general = {400, 401, 403, 413, 415, 429, 503} | ({412} if endpoint.match else set())
    own = [str(each) for each in statuses(endpoint) if each not in general]
    if own:
        lines.append(f"* may also say: {', '.join(own)}")
    if refused(endpoint):
        lines.append(f"* refuses: {refused(endpoint)}")
    if endpoint.match:
        lines.append("* takes `If-Match`")
    return "\n".join([*lines, ""])


def _answer(endpoint: Endpoint) -> str:
    if endpoint.stream:
        return ", ".join(f"`{each}`" for each in endpoint.stream)
    if endpoint.answer is None:
        return "204"
    also = "".join(f" or {each}" for each in endpoint.also)
    what = _link(endpoint.answer) if endpoint.name != "get_openapi_json" else "the description"
    return f"{endpoint.status}{also}, {what}"


def _link(kind: Any) -> str:
    """What a structure is called, and where it is shown."""
    inner = get_args(kind)
    if inner:
        name = inner[0].__name__
        linked = _link(inner[0]) if issubclass(inner[0], Struct) else f"`{name}`"
        return f"a page of {linked}"
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def _structures(shown: list[Endpoint]) -> str:
    used: list[Any] = []
    for each in shown:
        for kind in (each.body, each.answer):
            inner = get_args(kind) or (kind,)
            used += [one for one in inner if isinstance(one, type) and issubclass(one, Struct)]
    known = [each for each in typescript.structs(dict.fromkeys(used)) if get_origin(each) is None]
    lines = ["## What is sent\n"]
    for struct in sorted(known, key=lambda struct: struct.__name__):
        lines.append(f"### {struct.__name__}\n")
        words = inspect.cleandoc(vars(struct).get("__doc__") or "").replace("``", "`")
        if words:
            lines.append(" ".join(words.split()) + "\n")
        lines += [f"* {member}" for member in _members(struct, sent=False)]
        lines.append("")
    return "\n".join(lines)


def _members(struct: Any, *, sent: bool) -> Iterator[str]:
    for each in typescript.fields_of(struct).fields:
        kind = re.sub(r"\breadonly ", "", typescript.written(each.type))
        if sent:
            kind = kind.removesuffix(" | null")
        mark = "" if each.required else "?"
        yield f"`{each.encode_name}{mark}: {kind}`"


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` only compare; returns the exit status."""
    return typescript.write(REFERENCE, text(), arguments, __spec__.name)


if __name__ == "__main__":  # pragma: no cover - `main` is what there is to test
    sys.exit(main(sys.argv[1:]))
