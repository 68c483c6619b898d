# SPDX-License-Identifier: BSD-3-Clause
"""Every error that pyaiot raises on purpose.

::

    PyaiotError
    ├── InvalidInput
    │   ├── InvalidMessage         a frame that is no message of the protocol
    │   ├── InvalidContent         a known type of message with members that cannot be used
    │   ├── InvalidValue           an identifier, value or payload that cannot be used
    │   └── MessageTooLarge        a frame, body or nesting beyond the limit
    ├── AuthenticationFailed
    │   ├── InvalidToken           not made with a key this service holds
    │   ├── ExpiredToken           good until a moment ago
    │   ├── StaleToken             made too long ago, or in the future
    │   ├── ReplayedToken          used before
    │   ├── WrongPassword          another one holds meanwhile
    │   └── InvalidSignature       a message altered, replayed, reordered or forged
    ├── PermissionDenied
    │   └── OriginRefused          a web page of another site
    ├── LimitExceeded
    │   ├── RateExceeded           more messages than one peer may send
    │   ├── TooManyConnections
    │   └── QueueFull              more work waiting than may wait
    ├── CommandFailed              the node refused, or could not be reached
    │   ├── CommandTimeout         no answer before the deadline
    │   └── UnknownNode            no gateway holds that node
    ├── LinkFailed                 the broker cannot be reached, or refuses this service
    ├── StoreFailed                what was asked of the store did not happen
    │   └── StoreConflict          it would have broken a rule of the store
    ├── NameTaken                  somebody or something else goes by that name
    ├── NotFound                   what was asked for is not there
    ├── LastAdmin                  somebody must be left who may do everything
    ├── SettingsInvalid            an option, a variable or a file that cannot be used
    │   └── KeyFileInvalid
    └── StartFailed                a service cannot start: file not readable, certificates no good
        ├── ListenFailed           where it is to listen it cannot: port taken, no such address
        ├── StoreMissing           there is no such store yet
        └── StoreAway              the store cannot be reached now, perhaps later

A peer sees `code`, which never changes between releases, and the reason. ``close_code`` is the
websocket close code (RFC 6455 section 7.4) used where the connection must end.
"""

from typing import ClassVar, Final

MAX_CLOSE_REASON: Final = 123
"""Bytes of UTF-8 that fit a websocket close frame beside its code (RFC 6455 section 5.5)."""


class PyaiotError(Exception):
    """Base of all errors raised on purpose; `str()` is the reason, fit to be shown to the peer."""

    code: ClassVar[str] = "error"
    close_code: ClassVar[int] = 1011

    @property
    def reason(self) -> str:
        """What went wrong, in one sentence."""
        return str(self)


class InvalidInput(PyaiotError):
    code = "invalid"
    close_code = 1003


class InvalidMessage(InvalidInput):
    code = "invalid_message"


class InvalidContent(InvalidInput):
    """The connection goes on: the original ignores such messages (WIRE.md section 3.1)."""

    code = "invalid_content"


class InvalidValue(InvalidInput):
    code = "invalid_value"


class MessageTooLarge(InvalidInput):
    code = "too_large"
    close_code = 1009


class AuthenticationFailed(PyaiotError):
    code = "unauthenticated"
    close_code = 1008


class InvalidToken(AuthenticationFailed):
    code = "invalid_token"


class StaleToken(AuthenticationFailed):
    """A token outside its time.

    `age` is the broker's clock minus the time in the token, in seconds.
    """

    code = "stale_token"

    def __init__(self, reason: str, age: float) -> None:
        super().__init__(reason)
        self.age = age


class ExpiredToken(AuthenticationFailed):
    code = "expired_token"


class ReplayedToken(AuthenticationFailed):
    code = "replayed_token"


class WrongPassword(AuthenticationFailed):
    code = "wrong_password"


class InvalidSignature(AuthenticationFailed):
    code = "invalid_signature"


class PermissionDenied(PyaiotError):
    code = "denied"
    close_code = 1008


class OriginRefused(PermissionDenied):
    code = "origin_refused"


class LimitExceeded(PyaiotError):
    code = "limit_exceeded"
    close_code = 1008


class RateExceeded(LimitExceeded):
    """`retry_after`: when to come back, in seconds, where that is known."""

    code = "rate_exceeded"

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class TooManyConnections(LimitExceeded):
    code = "too_many_connections"
    close_code = 1013


class QueueFull(LimitExceeded):
    code = "queue_full"


class CommandFailed(PyaiotError):
    code = "failed"


class CommandTimeout(CommandFailed):
    code = "timeout"


class UnknownNode(CommandFailed):
    code = "unknown_node"


class LinkFailed(PyaiotError):
    code = "link_failed"


class StoreFailed(PyaiotError):
    """All or nothing: a transaction that failed left no trace."""

    code = "store_failed"


class StoreConflict(StoreFailed):
    """Two of what may be there once, or something that belongs to what is not there."""

    code = "store_conflict"


class NameTaken(PyaiotError):
    code = "name_taken"


class NotFound(PyaiotError):
    code = "not_found"


class LastAdmin(PyaiotError):
    code = "last_admin"


class SettingsInvalid(PyaiotError):
    code = "invalid_settings"


class KeyFileInvalid(SettingsInvalid):
    code = "invalid_key_file"


class StartFailed(PyaiotError):
    code = "start_failed"


class ListenFailed(StartFailed):
    code = "listen_failed"


class StoreMissing(StartFailed):
    """There is no such file yet, and nobody asked for it to be made."""

    code = "store_missing"


class StoreAway(StartFailed):
    """Not reachable, or locked by another program; trying again may help."""

    code = "store_away"


def close_reason(text: str) -> str:
    """`text` cut to what a close frame can carry, at a character boundary."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= MAX_CLOSE_REASON:
        return raw.decode()
    return raw[:MAX_CLOSE_REASON].decode("utf-8", "ignore")
