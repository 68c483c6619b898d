# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.dashboard.policy import content_security_policy


def test_the_page_runs_its_own_scripts_and_connects_where_it_must() -> None:
    policy = content_security_policy(("ws://b:1", "http://b:1"), ("http://camera",))
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' http://camera",
        "connect-src": "'self' ws://b:1 http://b:1",
        "require-trusted-types-for": "'script'",
        "trusted-types": "vue",
    }
    assert "unsafe" not in policy
