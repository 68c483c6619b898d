# SPDX-License-Identifier: BSD-3-Clause
"""Whether a service is well, for those who look after it."""

import json
from dataclasses import dataclass
from typing import ClassVar

from pyaiot.model.moment import Moment


@dataclass(frozen=True, slots=True)
class Health:
    """What a service says of itself."""

    content_type: ClassVar[str] = "application/json"

    service: str
    version: str
    started: float
    """On the steady clock."""

    def report(self, now: Moment, **facts: float | str) -> str:
        """The service's health as JSON; `facts` are its own."""
        uptime = round(now.steady - self.started, 1)
        known = {"status": "ok", "service": self.service, "version": self.version}
        return json.dumps({**known, "uptime": uptime, **facts}) + "\n"
