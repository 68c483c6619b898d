# SPDX-License-Identifier: BSD-3-Clause
"""The words of a request, read as the structures that endpoints declare. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from pyaiot.dashboard.api.endpoint import Endpoint
from pyaiot.dashboard.api.problem import NotJson
from pyaiot.errors import InvalidInput, InvalidValue, MessageTooLarge
from pyaiot.messages.codec import check_depth
from pyaiot.model.node import checked_endpoint, checked_uid

MAX_FIELDS: Final = 32
"""Members of a query."""

MAX_PARAMETER: Final = 256
"""Characters of what stands in the path, where it is not known better."""

# The escape of NUL, but not an escaped backslash before the same letters.
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def query_of(endpoint: Endpoint, text: str) -> Any:
    """What stands behind the ``?``, as the endpoint's structure. Raises InvalidValue."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as exc:
        raise InvalidValue("The query cannot be read.") from exc
    given = dict(pairs)
    if len(given) < len(pairs):
        raise InvalidValue("A name stands in the query twice.")
    known = {each.encode_name for each in msgspec.structs.fields(endpoint.query)}
    unknown = sorted(given.keys() - known)
    if unknown:
        words = ", ".join(sorted(known)) or "nothing"
        raise InvalidValue(f"The query may hold {words}; not '{unknown[0][:64]}'.")
    if any("\0" in value for value in given.values()):
        raise InvalidValue("The query holds a NUL.")
    try:
        query = msgspec.convert(given, endpoint.query, strict=False)
    except msgspec.ValidationError as exc:
        raise InvalidValue(f"In the query: {exc}.") from exc
    for each in msgspec.structs.fields(endpoint.query):
        if getattr(query, each.name) is None and each.encode_name in given:
            raise InvalidValue(f"In the query: '{each.encode_name}' is nothing; leave it out.")
    return query


def check_params(params: Mapping[str, str]) -> None:
    """Raise InvalidValue for what stands in the path and can be the name of nothing."""
    for name, value in params.items():
        if "\0" in value or len(value) > MAX_PARAMETER:
            raise InvalidValue(f"This is no {name}.")
        if name == "uid":
            checked_uid(value)
        elif name == "endpoint":
            checked_endpoint(value)


def body_of(endpoint: Endpoint, content_type: str, raw: bytes) -> Any:
    """What the body says, as the endpoint's structure. Raises InvalidInput.

    Only JSON is taken: a page of another site cannot send that without being asked whether it may.
    """
    if endpoint.body is None:
        if raw:
            raise InvalidInput("There is to be no body here.")
        return None
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise NotJson("Send the body as application/json.")
    try:
        body = msgspec.json.decode(raw, type=endpoint.body)
    except msgspec.ValidationError as exc:
        raise InvalidValue(f"In the body: {exc}.") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise InvalidInput("The body is no JSON.") from exc
    except RecursionError:
        raise InvalidInput("The body nests too deep.") from None
    if _NUL.search(raw):
        raise InvalidValue("The body holds a NUL.")
    _check_depth(body)
    return body


def _check_depth(body: Any) -> None:
    """Raise InvalidValue where what may be any JSON nests deeper than others could read."""
    for name in getattr(body, "__struct_fields__", ()):
        value = getattr(body, name)
        if isinstance(value, dict):
            try:
                check_depth(value)
            except MessageTooLarge as exc:
                raise InvalidValue(f"In the body: {exc.reason} - at `$.{name}`.") from exc
