# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.errors import InvalidValue
from pyaiot.messages.types import Severity
from pyaiot.recorder.alert import Cleared, OpenAlert, Why
from pyaiot.recorder.notice import MAX_LINES, Notice, scheme_of

ALERT = OpenAlert("a", "r", "n", "t", Severity.CRITICAL, "t of n is 31, above 30", "31", 1.7e9)


def test_what_is_said() -> None:
    assert Notice.raised("Too hot", ALERT) == Notice(
        "Critical: Too hot",
        "t of n is 31, above 30, at 2023-11-14 22:13:20 UTC.",
        Severity.CRITICAL,
    )
    cleared = Cleared(ALERT, None, 1.7e9 + 60, "t of n is 29, no longer above 30", Why.RIGHT)
    assert Notice.cleared("Too hot", cleared) == Notice(
        "Cleared: Too hot", "t of n is 29, no longer above 30, at 2023-11-14 22:14:20 UTC."
    )
    assert "'mine'" in Notice.test("mine").body


def test_a_summary_tells_how_many_and_how_bad() -> None:
    held = [Notice(f"T{number}", "b", Severity.INFO) for number in range(MAX_LINES + 2)]
    held[0] = Notice("T0", "b", Severity.WARNING)
    summary = Notice.summary(held, lost=5)
    assert (summary.title, summary.severity) == ("17 alerts", Severity.WARNING)
    assert summary.body.splitlines()[:2] == ["7 more before these.", "T2. b"]
    assert Notice.summary([Notice("T", "b")], 0) == Notice("1 alerts", "T. b")


@pytest.mark.parametrize("url", ["mailto://a:b@c.de", "JSONS://host/x", "mqtt://h/t"])
def test_schemes(url: str) -> None:
    assert scheme_of(url) == url.partition(":")[0].lower()


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "json:/x", "json://", "://x", "a b://x", "json://h\n/x", "file:///etc/passwd"),
        *("syslog://", "syslog://x", "dbus://x", "Windows://x", "xmpp://a:b@c", "qt://x"),
    ],
)
def test_what_no_channel_can_be(url: str) -> None:
    with pytest.raises(InvalidValue):
        scheme_of(url)
