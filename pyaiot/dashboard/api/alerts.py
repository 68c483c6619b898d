# SPDX-License-Identifier: BSD-3-Clause
"""What is out of bounds, or was."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET

from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.cursor import cursor_of, place_of
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.problem import not_found
from pyaiot.messages.types import Alert, AlertState
from pyaiot.store.alerts import AlertRecord

STATES: Final[Mapping[str, tuple[AlertState, ...]]] = {
    "open": (AlertState.RAISED, AlertState.ACKNOWLEDGED),
    "raised": (AlertState.RAISED,),
    "acknowledged": (AlertState.ACKNOWLEDGED,),
    "cleared": (AlertState.CLEARED,),
    "all": tuple(AlertState),
}


async def alerts(call: Call[forms.AlertsWanted, None]) -> forms.Page[forms.Alert]:
    """Alerts that the asker may see, the newest first."""
    query, book = call.query, call.services.store.alerts
    common = None
    if not call.who.unlimited:
        common = {uid for uid in await book.common_nodes() if call.sees(uid)}
    found = await book.alerts(
        query.limit + 1,
        place_of(query.cursor, tuple[int, str]),
        owner=call.who.id or None,
        common=common,
        states=STATES[query.state],
        node=query.uid,
    )
    shown, last = found[: query.limit], None
    if len(found) > query.limit:
        last = cursor_of((shown[-1].raised, shown[-1].id))
    return forms.Page(tuple(_told(each) for each in shown), last)


async def acknowledge(call: Call[NoQuery, None]) -> forms.Alert:
    """Say that somebody has seen to it; everybody who sees the alert is told."""
    book = call.services.store.alerts
    alert = await book.alert(call.params["id"])
    if alert is None or not _sees(call, alert):
        raise not_found("alert")
    news = await book.acknowledge(alert.id, call.actor)
    alert = await book.alert(alert.id)
    if alert is None:
        raise not_found("alert")
    if news:
        call.services.directory.alert(_message(alert, call.now.wall))
    return _told(alert)


def _sees(call: Call[Any, Any], alert: AlertRecord) -> bool:
    if call.who.unlimited or (alert.owner is not None and alert.owner == call.who.id):
        return True
    return alert.owner is None and call.sees(alert.node)


def _message(alert: AlertRecord, now: float) -> Alert:
    """What the broker tells of it."""
    time = now if alert.acknowledged is None else alert.acknowledged / 1e6
    return Alert(
        alert.id, alert.rule, alert.node, alert.resource, alert.severity,
        AlertState.ACKNOWLEDGED, time, alert.text,
        UNSET if alert.owner is None else (alert.owner,),
        UNSET if alert.finding is None else alert.finding,
    )  # fmt: skip


def _told(alert: AlertRecord) -> forms.Alert:
    return forms.Alert(
        id=alert.id,
        rule=alert.rule,
        rule_name=alert.rule_name,
        uid=alert.node,
        endpoint=alert.resource,
        severity=alert.severity,
        state=alert.state,
        text=alert.text,
        finding=alert.finding,
        value=alert.value,
        raised=alert.raised / 1e6,
        acknowledged=_seconds(alert.acknowledged),
        acknowledged_by=alert.acknowledged_by,
        cleared=_seconds(alert.cleared),
    )


def _seconds(micro: int | None) -> float | None:
    return None if micro is None else micro / 1e6


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/alerts", Who.VISITOR, alerts,
        "Alerts of one's own rules, the newest first; for administrators those of all. Strangers"
        " get those of rules that belong to nobody, about nodes that they see.",
        query=forms.AlertsWanted, answer=forms.Page[forms.Alert],
    ),
    Endpoint(
        "POST", "/alerts/{id}/acknowledge", Who.KEEPER, acknowledge,
        "Say that somebody has seen to an alert.",
        answer=forms.Alert, problems=(404,),
    ),
)  # fmt: skip
