# SPDX-License-Identifier: BSD-3-Clause
"""What went wrong, as it is told: ``application/problem+json`` (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec

from pyaiot.dashboard.api.forms import Problem
from pyaiot.errors import (
    AuthenticationFailed,
    CommandFailed,
    CommandTimeout,
    InvalidInput,
    LastAdmin,
    LimitExceeded,
    LinkFailed,
    MessageTooLarge,
    NameTaken,
    NotFound,
    PermissionDenied,
    PyaiotError,
    StoreConflict,
    StoreFailed,
    TooManyConnections,
    UnknownNode,
)

CONTENT_TYPE: Final = "application/problem+json"

_CODES: Final[Mapping[int, str]] = {
    400: "invalid",
    404: "not_found",
    405: "method_not_allowed",
    500: "internal",
}
"""Codes of what the server itself refuses."""

_WORDS: Final[Mapping[int, str]] = {
    400: "This request cannot be understood.",
    404: "There is nothing at this address.",
    405: "This cannot be done with what is at this address.",
    500: "Something went wrong here; the server's log says what.",
}


class Refused(PyaiotError):
    """A request that is understood and cannot be granted, for a reason that HTTP has a status for.

    `code` is its own: programs can rely on it.
    """

    code = "refused"

    def __init__(self, status: HTTPStatus, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.own_code = code


class NotJson(InvalidInput):
    """The body is of a type that is not taken."""

    code = "not_json"


_STATUS: Final[tuple[tuple[type[PyaiotError], HTTPStatus], ...]] = (
    (MessageTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (NotJson, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (InvalidInput, HTTPStatus.BAD_REQUEST),
    (AuthenticationFailed, HTTPStatus.UNAUTHORIZED),
    (PermissionDenied, HTTPStatus.FORBIDDEN),
    (TooManyConnections, HTTPStatus.SERVICE_UNAVAILABLE),
    (LimitExceeded, HTTPStatus.TOO_MANY_REQUESTS),
    (UnknownNode, HTTPStatus.NOT_FOUND),
    (CommandTimeout, HTTPStatus.GATEWAY_TIMEOUT),
    (CommandFailed, HTTPStatus.BAD_GATEWAY),
    (LinkFailed, HTTPStatus.SERVICE_UNAVAILABLE),
    (NameTaken, HTTPStatus.CONFLICT),
    (LastAdmin, HTTPStatus.CONFLICT),
    (NotFound, HTTPStatus.NOT_FOUND),
    (StoreConflict, HTTPStatus.CONFLICT),
    (StoreFailed, HTTPStatus.SERVICE_UNAVAILABLE),
)


def not_found(what: str) -> Refused:
    """There is no such thing, or the asker may not know of it; the same for both."""
    return Refused(HTTPStatus.NOT_FOUND, "not_found", f"There is no such {what}.")


def conflict(code: str, reason: str) -> Refused:
    """It cannot be done as things are."""
    return Refused(HTTPStatus.CONFLICT, code, reason)


def problem_of(error: PyaiotError) -> Problem:
    """What is told about an error."""
    if isinstance(error, Refused):
        return _problem(error.status, error.own_code, error.reason)
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return _problem(status, error.code, error.reason)
    return problem_of_status(HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_of_status(status: int) -> Problem:
    """What is told where there is nothing but a status."""
    known = HTTPStatus(status)
    code = _CODES.get(status, known.name.lower())
    return _problem(known, code, _WORDS.get(status, known.description))


def encoded(problem: Problem) -> bytes:
    """The body of the answer."""
    return msgspec.json.encode(problem)


def _problem(status: HTTPStatus, code: str, reason: str) -> Problem:
    return Problem(status.phrase, int(status), code, reason)
