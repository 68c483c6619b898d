# SPDX-License-Identifier: BSD-3-Clause
import logging

import pytest

from pyaiot.gateway.coap.quiet import LINES_AT_ONCE, Quiet

LOGGER = logging.getLogger("tests.quiet")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_few_lines_at_a_time(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = Quiet(LOGGER, clock)
    for number in range(50):
        log.warning("number %d", number)
    assert len(caplog.records) == LINES_AT_ONCE
    clock.now += 1
    log.error("later")
    assert caplog.messages[-2:] == ["(45 similar messages left out)", "later"]
    assert caplog.records[-1].levelno == logging.ERROR


def test_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    log = Quiet(LOGGER, Clock())
    log.error("failed", exc_info=ValueError("inner"))
    log.warning("failed again", stack_info=True)
    assert caplog.messages == ["failed", "failed again"]
    assert not any(record.exc_info or record.stack_info for record in caplog.records)


def test_what_aiocoap_tells_itself_is_apart(caplog: pytest.LogCaptureFixture) -> None:
    log = Quiet(LOGGER, Clock())
    caplog.set_level(logging.DEBUG, logger=LOGGER.name)
    log.info("not now")
    assert not caplog.records
    caplog.set_level(logging.DEBUG, logger="aiocoap")
    log.debug("now %d", 1)
    assert caplog.record_tuples == [("aiocoap", logging.DEBUG, "now 1")]


def test_fits_an_adapter() -> None:
    assert Quiet(LOGGER, Clock()).process("text", {}) == ("text", {})
