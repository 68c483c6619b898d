# SPDX-License-Identifier: BSD-3-Clause
"""Rules: when somebody wants to be told that something is wrong."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.cursor import cursor_of, place_of
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.past import past_of
from pyaiot.dashboard.api.problem import not_found
from pyaiot.errors import InvalidValue
from pyaiot.model.rule import Rule
from pyaiot.model.samples import microseconds
from pyaiot.recorder.preview import Previewed, preview
from pyaiot.store.rules import RuleRecord

_BAD_RULE: Final = (
    f"{forms.BAD_NAME}; a rule without what its condition needs, or with a `low` that is not below"
    " its `high`; channels that its owner does not have"
)

_BESIDES: Final = ("name", "enabled")
"""What of a rule is kept in columns of its own."""


async def rules(call: Call[forms.Paging, None]) -> forms.Page[forms.Rule]:
    """The rules that the asker looks after, the oldest first."""
    limit = call.query.limit
    after = place_of(call.query.cursor, tuple[int, str])
    owners = None if call.who.unlimited else call.owners
    found = await call.services.store.alerts.rules(limit + 1, after, owners)
    shown, last = found[:limit], None
    if len(found) > limit:
        last = cursor_of((shown[-1].created, shown[-1].id))
    return forms.Page(await _all_told(call, shown), last)


async def add(call: Call[NoQuery, forms.RuleForm]) -> forms.Rule:
    """A new rule of whoever asks; of nobody, where they have no account."""
    form, owner = call.body, call.who.id or None
    await _check_channels(call, form, owner)
    made = await call.services.store.alerts.add_rule(
        owner, form.name, _kept(form), call.actor, enabled=form.enabled
    )
    return await _told(call, made)


async def show(call: Call[NoQuery, None]) -> forms.Rule:
    """One rule."""
    return await _told(call, await _own(call))


async def change(call: Call[NoQuery, forms.RuleForm]) -> forms.Rule:
    """Let a rule say something else."""
    form, before = call.body, await _own(call)
    call.expect(await _told(call, before))
    await _check_channels(call, form, before.owner)
    changed = await call.services.store.alerts.change_rule(
        before.id, form.name, _kept(form), call.actor, enabled=form.enabled
    )
    return await _told(call, changed)


async def remove(call: Call[NoQuery, None]) -> None:
    """Forget a rule, and its alerts."""
    rule = await _own(call)
    await call.services.store.alerts.remove_rule(rule.id, call.actor)


async def mute(call: Call[NoQuery, forms.Mute]) -> forms.Rule:
    """Tell nobody of a rule's alerts for some time."""
    rule, until = await _own(call), call.body.until
    moment = None if until is None else microseconds(until)
    await call.services.store.alerts.mute(rule.id, moment, call.actor)
    return await _told(call, await _own(call))


async def try_out(call: Call[NoQuery, forms.PreviewWanted]) -> forms.Preview:
    """When a rule would have raised alerts, had it been there."""
    wanted = call.body
    if not wanted.start < wanted.end <= call.now.wall + 1:
        raise InvalidValue("`from` must be before `to`, and `to` not in the future.")
    form, now = wanted.rule, call.services.clock().wall
    record = RuleRecord("preview", None, form.name, True, _kept(form), None, 0, 0)
    rule = record.as_rule()
    services = call.services
    with services.previews.reading(call.who.id, call.asker.address):
        async with services.previewing:
            found, complete = await _previewed(call, rule, wanted.start, min(wanted.end, now))
    return forms.Preview(
        tuple(
            forms.Fired(
                each.alert.node, each.alert.resource, each.alert.raised, each.cleared,
                each.alert.text,
            )
            for each in found.fired
        ),
        found.readings,
        found.complete and complete,
    )  # fmt: skip


async def _previewed(
    call: Call[Any, Any], rule: Rule, start: float, end: float
) -> tuple[Previewed, bool]:
    """What the rule would have done, and whether all was looked at."""
    past = await past_of(call, rule, start, end)
    # Many readings take a moment, in which others are to be answered.
    found = await asyncio.to_thread(preview, rule, past.facts, past.names, start, end)
    return found, past.complete


async def _own(call: Call[Any, Any]) -> RuleRecord:
    """The rule in the path; one of others is as if it were not there."""
    rule = await call.services.store.alerts.rule(call.params["id"])
    if rule is None or not (call.who.unlimited or rule.owner in call.owners):
        raise not_found("rule")
    return rule


async def _check_channels(call: Call[Any, Any], form: forms.RuleForm, owner: str | None) -> None:
    """Raise InvalidValue for channels that are not the rule's owner's."""
    if form.channels:
        if owner is None:
            raise InvalidValue("A rule of nobody has no channels: these need an account.")
        channels = await call.services.store.alerts.channels(owner=owner)
        theirs = {each.id for each in channels}
        if not theirs.issuperset(form.channels):
            raise InvalidValue("In `channels` is one that the rule's owner does not have.")


def _kept(form: forms.RuleForm) -> dict[str, Any]:
    kept: dict[str, Any] = msgspec.to_builtins(form)
    for name in _BESIDES:
        del kept[name]
    return kept


async def _told(call: Call[Any, Any], rule: RuleRecord) -> forms.Rule:
    (told,) = await _all_told(call, (rule,))
    return told


async def _all_told(call: Call[Any, Any], rules: Sequence[RuleRecord]) -> tuple[forms.Rule, ...]:
    names = await call.services.store.accounts.called({each.owner or "" for each in rules})
    return tuple(
        forms.Rule(
            id=each.id,
            rule=msgspec.convert(
                {**each.rule, "name": each.name, "enabled": each.enabled}, forms.RuleForm
            ),
            owner=names.get(each.owner or ""),
            mine=each.owner == (call.who.id or None),
            muted_until=None if each.muted_until is None else each.muted_until / 1e6,
            created=each.created / 1e6,
            changed=each.changed / 1e6,
            raised=each.raised,
        )
        for each in rules
    )


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/rules", Who.KEEPER, rules,
        "One's own rules for alerts, the oldest first; for administrators those of all. Whoever may"
        " control nodes without an account gets, and looks after, those that belong to nobody.",
        query=forms.Paging, answer=forms.Page[forms.Rule],
    ),
    Endpoint(
        "POST", "/rules", Who.KEEPER, add,
        "Make a rule. It is about nodes that its owner may see, now or later; one of nobody is"
        " about nodes that are everybody's.",
        body=forms.RuleForm, answer=forms.Rule, status=201, problems=(429,),
        refuses=_BAD_RULE,
    ),
    Endpoint(
        "POST", "/rules/preview", Who.KEEPER, try_out,
        "When a rule would have raised alerts, by what is stored of nodes that the asker sees.",
        body=forms.PreviewWanted, answer=forms.Preview, problems=(503,),
        refuses=f"{_BAD_RULE}; `from` not before `to`, or `to` in the future",
    ),
    Endpoint(
        "GET", "/rules/{id}", Who.KEEPER, show,
        "One rule.",
        answer=forms.Rule, problems=(404,),
    ),
    Endpoint(
        "PUT", "/rules/{id}", Who.KEEPER, change,
        "Let a rule say something else.",
        body=forms.RuleForm, answer=forms.Rule, problems=(404,), match=True,
        refuses=_BAD_RULE,
    ),
    Endpoint(
        "DELETE", "/rules/{id}", Who.KEEPER, remove,
        "Remove a rule, with its alerts.",
        problems=(404,),
    ),
    Endpoint(
        "POST", "/rules/{id}/mute", Who.KEEPER, mute,
        "Tell nobody of a rule's alerts until then; null to tell again.",
        body=forms.Mute, answer=forms.Rule, problems=(404,),
    ),
)  # fmt: skip
