# SPDX-License-Identifier: BSD-3-Clause
"""What a channel is told, and what kinds of channel there are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pyaiot.errors import InvalidValue
from pyaiot.messages.types import Severity
from pyaiot.recorder.alert import Cleared, OpenAlert

MAX_LINES: Final = 10
"""Alerts that one summary names."""

REFUSED: Final = frozenset(
    {
        # These reach programs, devices and sessions of the machine that sends.
        "blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows",
        # Sends from a thread of its own, by a library that looks up where to by itself.
        "xmpp", "xmpps",
        # Attachments and lists of channels, in files or elsewhere.
        "file", "config",
    }
)  # fmt: skip
"""Schemes of apprise, and of what is none, that no channel may have."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to a person."""

    title: str
    body: str
    severity: Severity | None = None
    """None: all is well again, or was never otherwise."""

    @classmethod
    def raised(cls, rule: str, alert: OpenAlert) -> "Notice":
        """That something is wrong; `rule` is the name of the rule."""
        title = f"{alert.severity.value.capitalize()}: {rule}"
        return cls(title, f"{alert.text}, at {_time(alert.raised)}.", alert.severity)

    @classmethod
    def cleared(cls, rule: str, effect: Cleared) -> "Notice":
        """That it is no longer so."""
        return cls(f"Cleared: {rule}", f"{effect.text}, at {_time(effect.time)}.")

    @classmethod
    def summary(cls, held: Sequence["Notice"], lost: int) -> "Notice":
        """One for many that there was no time for; of `lost` nothing more is known."""
        worst = max((_WORSE.index(each.severity) for each in held), default=0)
        lines = [f"{each.title}. {each.body}" for each in held[-MAX_LINES:]]
        more = len(held) + lost - len(lines)
        if more:
            lines.insert(0, f"{more} more before these.")
        return cls(f"{len(held) + lost} alerts", "\n".join(lines), _WORSE[worst])

    @classmethod
    def test(cls, channel: str) -> "Notice":
        """A message that only shows that the channel `channel` works."""
        return cls("Test", f"The channel '{channel}' works.")


_WORSE: Final = (None, Severity.INFO, Severity.WARNING, Severity.CRITICAL)


def scheme_of(url: str) -> str:
    """What kind of channel an address is of. Raises InvalidValue where it may be none."""
    scheme, separator, rest = url.partition("://")
    scheme = scheme.strip().lower()
    if not separator or not rest.strip() or not scheme.isascii() or not scheme.isalnum():
        raise InvalidValue("The address of a channel has the form scheme://...")
    if not url.isprintable():
        raise InvalidValue("The address of a channel must not hold control characters.")
    if scheme in REFUSED:
        raise InvalidValue(f"Channels of the kind '{scheme}' are not allowed.")
    return scheme


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
