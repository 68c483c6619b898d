# SPDX-License-Identifier: BSD-3-Clause
"""Whether all parts are well."""

import asyncio
import json
from typing import Any, Final

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from pyaiot import __version__
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.forms import Health, Part
from pyaiot.errors import StoreFailed
from pyaiot.model.access import Role

PATIENCE: Final = 2.0
"""Seconds that a part may take to say how it is."""
MAX_REPORT: Final = 65_536


async def health(call: Call[NoQuery, None]) -> Health:
    services = call.services
    parts = [await _store(call), _broker(call)]
    if services.recorder_health:
        parts.append(await _recorder(services.recorder_health))
    if call.who.role is not Role.ADMIN:
        # Others need not know where things are, nor how many.
        parts = [Part(each.name, each.well) for each in parts]
    return Health(all(each.well for each in parts), __version__, tuple(parts), call.now.wall)


async def _store(call: Call[NoQuery, None]) -> Part:
    try:
        async with asyncio.timeout(PATIENCE):
            version = await call.services.store.versions.get("access")
    except (StoreFailed, TimeoutError) as exc:
        return Part("store", well=False, reason=str(exc) or "no answer in time")
    return Part("store", well=True, facts={"version": version})


def _broker(call: Call[NoQuery, None]) -> Part:
    live, directory = call.services.live, call.services.directory
    facts = {
        "nodes": len(live.mirror.nodes),
        "directory": directory.connected_to_broker,
        "readers": len(call.services.readers),
    }
    return Part("broker", not live.trouble, live.trouble, facts)


async def _recorder(url: str) -> Part:
    client = AsyncHTTPClient(
        force_instance=True, max_body_size=MAX_REPORT, defaults={"request_timeout": PATIENCE}
    )
    try:
        # One that is not well says so with a status of its own.
        answer = await client.fetch(url, follow_redirects=False, raise_error=False)
        if answer.error is not None and not answer.body:
            raise answer.error
        report: Any = json.loads(answer.body)
        if not isinstance(report, dict):
            return Part("recorder", well=False, reason="its answer is no report")
        well = report.get("status") == "ok"
        reason = report.get("reason") or f"broker {report.get('broker', 'unknown')}"
        return Part("recorder", well, "" if well else str(reason), report)
    except (HTTPClientError, OSError, ValueError) as exc:
        return Part("recorder", well=False, reason=str(exc) or type(exc).__name__)
    finally:
        client.close()


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/health", Who.VISITOR, health,
        "Whether all parts are well; more of it for administrators", answer=Health,
    ),
)  # fmt: skip
