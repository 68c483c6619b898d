# SPDX-License-Identifier: BSD-3-Clause
"""The API as OpenAPI 3.1 describes one, made from the endpoints and their structures."""

import inspect
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from pyaiot.dashboard.api.endpoint import Endpoint, Who, refused
from pyaiot.dashboard.api.forms import UNSEEN, VISIBLE, Problem
from pyaiot.dashboard.api.guard import ACCESS
from pyaiot.dashboard.api.problem import CONTENT_TYPE

Json = dict[str, Any]

ABOUT: Final = (
    "Everything that the page can do. Errors are `application/problem+json` (RFC 9457), each with"
    " a stable `code`. Lists hold `items`, and in `next` the `cursor` for those after. Slashes"
    " within the name of a resource are written `%2F`. Whoever logs in with a cookie sends"
    " `Pyaiot-Request: 1` with all that changes something; programs send"
    " `Authorization: Bearer TOKEN`. No text may hold a NUL."
)

_REFERENCE: Final = "#/components/schemas/{name}"
_SECURE: Final[list[Json]] = [{"bearer": []}, {"cookie": []}]
_HEADERS: Final[dict[str, str]] = {
    "If-None-Match": "The `ETag` of what is known already: it is not sent again.",
    "If-Match": "The `ETag` of what is to be changed: another is not.",
    "Prefer": "`respond-async`: the result is not waited for.",
}
_PARAMETERS: Final[dict[str, Json]] = {
    "uid": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": VISIBLE},
    # One slash may lead it, and does not count.
    "endpoint": {
        "type": "string",
        "minLength": 1,
        "maxLength": 128,
        "pattern": rf"^(/?[^/{UNSEEN}][^{UNSEEN}]*|//[^{UNSEEN}]*)$",
    },
}
_TEXT: Final[Json] = {"type": "string"}
_STREAMED: Final[dict[str, Json]] = {
    # Each event, as OpenAPI before 3.2 has it.
    "text/event-stream": {
        "type": "object",
        "properties": {
            "event": {"enum": ["node", "reading", "reset", "out", "again"]},
            "data": {"type": "string", "contentMediaType": "application/json"},
            "retry": {"type": "integer"},
        },
    }
}
_ANY_PARAMETER: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 256}


def described(endpoints: Sequence[Endpoint], version: str) -> Json:
    """The whole description."""
    shown = [each for each in endpoints if not each.hidden]
    kinds = [kind for each in shown for kind in (each.query, each.body, each.answer) if kind]
    kinds = [*dict.fromkeys([*kinds, Problem])]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    by_kind = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, Json] = {}
    for each in shown:
        query = components.get(each.query.__name__, {})
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, by_kind, query)
    used = {each.query.__name__ for each in shown}
    return {
        "openapi": "3.1.0",
        "info": {"title": "pyaiot", "version": version, "description": ABOUT},
        # Where this description is, wherever a proxy has put that.
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {
            "schemas": {name: each for name, each in components.items() if name not in used},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": ACCESS},
            },
        },
    }


def statuses(endpoint: Endpoint) -> tuple[int, ...]:
    """With which statuses an endpoint may refuse."""
    found = {400, 429, *endpoint.problems}
    if endpoint.who is not Who.ANYONE:
        found.add(401)
    if endpoint.method != "GET" or endpoint.who in {Who.OPERATOR, Who.ADMIN}:
        found.add(403)
    if endpoint.body is not None:
        found |= {413, 415}
    if endpoint.match:
        found.add(412)
    return tuple(sorted({*found, 503}))


def _operation(endpoint: Endpoint, schemas: dict[Any, Json], query: Json) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary.rstrip("."),
        "tags": [endpoint.path.split("/")[1]],
        "parameters": [*_path(endpoint), *_query(query), *_headers(endpoint)],
        "responses": _responses(endpoint, schemas),
    }
    text = inspect.getdoc(endpoint.handle)
    if text:
        operation["description"] = text
    if endpoint.body is not None:
        content = {"application/json": {"schema": schemas[endpoint.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    anonymous: list[Json] = [{}] if endpoint.who in {Who.ANYONE, Who.VISITOR, Who.KEEPER} else []
    operation["security"] = [*anonymous, *_SECURE]
    return operation


def _path(endpoint: Endpoint) -> Iterable[Json]:
    for name in endpoint.parameters:
        schema = _PARAMETERS.get(name, _ANY_PARAMETER)
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query(query: Json) -> Iterable[Json]:
    needed = query.get("required", ())
    for name, schema in query.get("properties", {}).items():
        yield {"name": name, "in": "query", "required": name in needed, "schema": _plain(schema)}


def _plain(schema: Json) -> Json:
    """A schema without null: what is not there is left out of a query."""
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    rest = {name: each for name, each in schema.items() if name not in {"anyOf", "default"}}
    return {**kinds[0], **rest}


def _headers(endpoint: Endpoint) -> Iterable[Json]:
    names = []
    if endpoint.method == "GET" and not endpoint.stream:
        names.append("If-None-Match")
    if endpoint.match:
        names.append("If-Match")
    if 202 in endpoint.also:
        names.append("Prefer")
    for name in names:
        words = _HEADERS[name]
        yield {"name": name, "in": "header", "description": words, "schema": {"type": "string"}}


def _responses(endpoint: Endpoint, schemas: dict[Any, Json]) -> Json:
    responses: Json = {}
    if endpoint.stream:
        content: Json = {kind: {"schema": _STREAMED.get(kind, _TEXT)} for kind in endpoint.stream}
    elif endpoint.answer is not None:
        content = {"application/json": {"schema": schemas[endpoint.answer]}}
    else:
        content = {}
    successes = (endpoint.status if content else 204, *endpoint.also)
    for status in successes:
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            **({"content": content} if content else {}),
        }
    if endpoint.method == "GET" and not endpoint.stream:
        responses["304"] = {"description": HTTPStatus(304).phrase}
    problem = {CONTENT_TYPE: {"schema": schemas[Problem]}}
    for status in statuses(endpoint):
        words = HTTPStatus(status).phrase
        if status == HTTPStatus.BAD_REQUEST and refused(endpoint):
            words = f"{words}; besides what the schemas do not allow: {refused(endpoint)}"
        responses[str(status)] = {"description": words, "content": problem}
    return responses
