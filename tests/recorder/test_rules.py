# SPDX-License-Identifier: BSD-3-Clause
"""Rules, led through hours of readings in milliseconds."""

from dataclasses import replace

import pytest

from pyaiot.messages.types import MAX_TEXT, Finding, Severity
from pyaiot.model.condition import Condition
from pyaiot.model.node import Availability
from pyaiot.recorder.alert import Cleared, Raised, Why
from pyaiot.recorder.judge import SETTLING
from pyaiot.recorder.rules import MAX_SERIES
from pyaiot.recorder.watch import LONGEST, MAX_OPEN
from tests.recorder.travelling import NOON, Sees, Traveller, reading, rule, said

HOT = rule("above", high=30.0, resource="temperature", owner="ann", severity=Severity.CRITICAL)
SILENT = rule("silent", seconds=60)
OFFLINE = rule("offline")

UP = ["+n1/temperature"]
DOWN = ["-n1/temperature"]


def test_raises_and_clears() -> None:
    world = Traveller(HOT)
    world.sight.names["n1"] = "Kitchen"
    assert said(world.read(29.0)) == []
    (raised,) = world.read(31.5, unit="°C")
    assert isinstance(raised, Raised)
    assert raised.rule == HOT
    assert raised.alert.text == "temperature of Kitchen is 31.5°C, above 30"
    assert (raised.alert.value, raised.alert.severity) == ("31.5°C", Severity.CRITICAL)
    assert raised.alert.finding == Finding(Condition.ABOVE, "31.5°C", high=30.0)
    assert raised.alert.raised == pytest.approx(NOON)
    assert said(world.read(35.0)) == []
    world.wait(10)
    (cleared,) = world.read(29.0)
    assert isinstance(cleared, Cleared)
    assert (cleared.alert, cleared.why) == (raised.alert, Why.RIGHT)
    assert cleared.text == "temperature of Kitchen is 29, no longer above 30"
    assert cleared.time == pytest.approx(NOON + 10)
    assert said(world.read(29.0)) == []
    assert said(world.read(31.0)) == UP


def test_hysteresis() -> None:
    world = Traveller(replace(HOT, hysteresis=2.0))
    course = [29.0, 30.0, 31.0, 30.0, 28.5, 30.5, 28.0, 29.5, 30.0, 30.1]
    words = []
    for value in course:
        world.wait(1)
        words += [f"{value:g}{word[0]}" for word in said(world.read(value))]
    assert words == ["31+", "28-", "30.1+"]


def test_duration_by_readings_that_keep_coming() -> None:
    world = Traveller(replace(HOT, seconds=60.0))
    raised = []
    for second in range(120):
        # Too hot for 59 s, right for a second, and then too hot again.
        value = 29.0 if second == 59 else 31.0
        raised += [(second, effect) for effect in world.read(value)]
        world.wait(1, step=1)
    # Whether the reading or the clock is first says nothing about when it began.
    ((_, effect),) = raised or [(0, world.effects[0])]
    assert isinstance(effect, Raised)
    assert effect.alert.raised == pytest.approx(NOON + 120)


def test_a_value_holds_until_the_next() -> None:
    world = Traveller(replace(HOT, seconds=60.0))
    world.read(31.0)
    assert said(world.wait(59)) == []
    (raised,) = world.wait(2)
    assert raised.alert.raised == pytest.approx(NOON + 60)
    assert said(world.wait(3600, step=10)) == []
    assert said(world.read(29.0)) == DOWN


@pytest.mark.parametrize("end", ["offline", "gone", "reset"])
def test_no_longer_than_its_node_is_there(end: str) -> None:
    world = Traveller(replace(HOT, seconds=60.0))
    world.available("online")
    world.read(31.0)
    world.wait(30)
    if end == "offline":
        world.available("offline")
    elif end == "gone":
        world.gone()
    else:
        world.engine.reset("n1")
    assert said(world.wait(600, step=5)) == []
    world.available("online")
    assert said(world.wait(600, step=5)) == []
    world.read(31.0)
    assert said(world.wait(61)) == UP


def test_an_open_alert_outlives_its_node() -> None:
    world = Traveller(HOT)
    world.read(31.0)
    world.engine.reset("n1")
    assert said(world.gone()) == []
    world.wait(600, step=5)
    world.available("online")
    assert said(world.read(29.0)) == DOWN


def test_spooled_readings_are_judged_by_their_own_times() -> None:
    world = Traveller(replace(HOT, seconds=60.0))
    world.read(20.0)
    world.wait(3600, step=60)
    # The gateway was cut off for an hour: too hot from minute 10 to 20, and for 30 s at minute 40.
    spool = [
        reading(31.0 if 600 <= second < 1200 or 2400 <= second < 2430 else 20.0, NOON + second)
        for second in range(1, 3600)
    ]
    world.take(*spool[:1000])
    assert said(world.wait(1)) == []
    world.take(*spool[1000:])
    raised, cleared = world.effects
    assert raised.alert.raised == pytest.approx(NOON + 660)
    assert isinstance(cleared, Cleared)
    assert cleared.time == pytest.approx(NOON + 1200)


def test_a_spooled_excess_is_not_taken_for_one_that_lasts() -> None:
    world = Traveller(replace(HOT, seconds=60.0))
    # Ten minutes old; those that follow say that it was over at once, but they are still to come.
    world.read(31.0, ago=600)
    assert said(world.wait(5)) == []
    world.read(20.0, ago=604)
    assert said(world.wait(600, step=5)) == []


def test_late_readings_do_not_change_the_present() -> None:
    world = Traveller(HOT)
    world.wait(100)
    assert said(world.read(31.0)) == UP
    assert said(world.take(*[reading(20.0, world.wall - age) for age in (50, 40, 30)])) == []
    assert said(world.read(20.0)) == DOWN
    world.wait(1)
    assert said(world.read(31.0, ago=5)) == []


def test_what_was_cleared_late_was_not_cleared_before_it_was_raised() -> None:
    world = Traveller(replace(HOT, seconds=60.0))
    world.read(31.0)
    assert said(world.wait(90)) == UP
    # It was right again after 30 s, as turns out now.
    (cleared,) = world.read(20.0, ago=60)
    assert isinstance(cleared, Cleared)
    assert cleared.time == cleared.alert.raised


@pytest.mark.parametrize("step", [3600.0, -3600.0])
@pytest.mark.parametrize("whose", ["ours", "all"])
def test_a_clock_is_put_right(step: float, whose: str) -> None:
    world = Traveller(replace(HOT, seconds=60.0), rule("silent", "r2", seconds=100))
    theirs = 0.0
    words = []
    for second in range(200):
        if second == 30:
            world.wall += step
            theirs = step if whose == "all" else 0.0
        words += said(world.take(reading(31.0, NOON + second + theirs)))
        words += said(world.wait(1))
    assert words == UP
    raised = next(iter(world.open.values())).raised
    assert raised - NOON - step == pytest.approx(60, abs=4) or whose == "ours"


def test_a_clock_that_was_wrong_for_good() -> None:
    # A gateway that does not know the time at all.
    for error in (-1e9, 1e9):
        world = Traveller(HOT)
        for value in (20.0, 31.0, 20.0, 31.0):
            world.take(reading(value, world.wall + error))
            world.wait(1)
        assert said(world.effects) == [*UP, *DOWN, *UP]
        assert next(iter(world.open.values())).raised <= world.wall


def test_rate() -> None:
    world = Traveller(rule("rate", low=-0.5, high=0.5))
    words = []
    for value in (20, 20.4, 20.8, 21.6, 22.4, 22.5, 22.5, 21.0):
        words.append("".join(word[0] for word in said(world.read(value))))
        world.wait(1)
    assert words == ["", "", "", "+", "", "-", "", "+"]
    assert world.effects[0].alert.text == (
        "temperature of n1 changes by 0.8 a second, outside -0.5 to 0.5 a second"
    )
    finding = world.effects[0].alert.finding
    assert finding is not None
    assert (finding.condition, finding.low, finding.high) == (Condition.RATE, -0.5, 0.5)
    cleared = world.effects[1]
    assert isinstance(cleared, Cleared)
    assert cleared.text == "temperature of n1 changes as it should again"


def test_rate_over_a_while_and_through_noise() -> None:
    world = Traveller(rule("rate", high=0.5, seconds=3))
    value = 0.0
    for _ in range(3):
        world.read(value)
        world.wait(1)
        value += 1
    # Nobody knows how it goes on where nothing comes.
    assert said(world.wait(60)) == []
    world.read("broken")
    world.read(value)
    for _ in range(5):
        # Two readings so close together are no more than noise.
        world.read(value + 0.1)
        world.wait(0.01)
        world.read(value)
        world.wait(1)
        value += 1
    assert said(world.effects) == UP


def test_of_long_texts_the_end_is_let_go_of() -> None:
    world = Traveller(rule("equals", text="open", resource="door"))
    assert said(world.read("open" + " " * 9000, resource="door")) == ["+n1/door"]
    (cleared,) = world.read("x" * 9000, resource="door")
    assert isinstance(cleared, Cleared)
    assert cleared.text.startswith("door of n1 is xxx")
    (series,) = world.engine._nodes["n1"].series.values()
    assert series.text == "x" * LONGEST
    assert said(world.read("open", resource="door")) == ["+n1/door"]


def test_equals_and_paths() -> None:
    world = Traveller(
        rule("equals", resource="door", text="open"), rule("above", "r2", path="acc.x", high=1)
    )
    assert said(world.read("open", resource="door")) == ["+n1/door"]
    assert said(world.read("closed", resource="door")) == ["-n1/door"]
    assert world.effects[0].alert.text == "door of n1 is open"
    cleared = world.effects[1]
    assert isinstance(cleared, Cleared)
    assert cleared.text == "door of n1 is closed"
    assert said(world.read(2, resource="imu", path="acc.y")) == []
    (raised,) = world.read(2, resource="imu", path="acc.x")
    assert raised.alert.text == "imu.acc.x of n1 is 2, above 1"
    assert raised.alert.finding == Finding(Condition.ABOVE, "2", high=1, path="acc.x")


def test_silence_of_a_node() -> None:
    world = Traveller(SILENT)
    for _ in range(10):
        world.wait(30)
        assert said(world.read(1.0)) == []
    assert said(world.wait(59)) == []
    world.read(1.0, resource="light")
    assert said(world.wait(59)) == []
    (raised,) = world.wait(2)
    assert raised.alert.text == "n1 has reported nothing for 60 s"
    assert raised.alert.finding == Finding(Condition.SILENT, seconds=60)
    assert raised.alert.resource == ""
    assert raised.alert.raised == pytest.approx(world.wall, abs=1.1)
    after = Traveller(SILENT, alerts=world.open.values())
    assert said(after.wait(100)) == []
    # What is a minute old says nothing about now, and what is older still less.
    assert said(world.read(1.0, ago=60.5)) == []
    assert said(world.read(1.0, ago=600)) == []
    assert said(world.wait(600, step=5)) == []
    (cleared,) = world.read(1.0)
    assert isinstance(cleared, Cleared)
    assert cleared.text == "n1 reports again"
    assert said(world.wait(61)) == ["+n1/"]


def test_a_slow_clock_is_no_silence() -> None:
    world = Traveller(rule("silent", "r2", seconds=60), HOT)
    words = []
    for second in range(300):
        # Sent at once, by a gateway whose clock is an hour slow.
        words += said(world.read(31.0 if second == 200 else 20.0, ago=3600 + second % 2 / 10))
        words += said(world.wait(1))
    assert words == [*UP, *DOWN]
    assert said(world.wait(61)) == ["+n1/"]


def test_silence_of_resources() -> None:
    world = Traveller(
        rule("silent", seconds=60, resource="te*"),
        rule("silent", "r2", seconds=90, resource="light"),
    )
    # Nothing is known of a resource before it was heard, but of one that is named.
    world.available("online")
    assert said(world.wait(100)) == ["+n1/light"]
    assert world.effects[0].alert.text == "n1 has reported no light for 90 s"
    assert said(world.read("12lx", resource="light")) == ["-n1/light"]
    cleared = world.effects[1]
    assert isinstance(cleared, Cleared)
    assert cleared.text == "n1 reports light again"
    world.read(1.0, path="x")
    world.read(1.0, path="y")
    assert said(world.wait(61)) == UP
    assert said(world.read(1.0, path="x")) == DOWN


def test_offline() -> None:
    world = Traveller(OFFLINE, rule("offline", "r2", seconds=60))
    world.available("online")
    assert said(world.available("late")) == []
    (raised,) = world.available("offline")
    assert raised.alert.text == "n1 is offline"
    assert raised.alert.finding == Finding(Condition.OFFLINE)
    assert said(world.available("offline")) == []
    assert said(world.wait(59)) == []
    assert said(world.wait(2)) == ["+n1/"]
    assert said(world.available("late")) == ["-n1/", "-n1/"]
    cleared = world.effects[-1]
    assert isinstance(cleared, Cleared)
    assert cleared.text == "n1 is back"
    assert said(world.gone()) == ["+n1/"]
    assert said(world.gone("stranger")) == []
    assert said(world.available("online")) == ["-n1/"]
    assert said(world.wait(120)) == []


def test_while_the_broker_is_away_silence_means_nothing() -> None:
    world = Traveller(SILENT, rule("above", "r2", high=30, seconds=60))
    world.read(31.0)
    world.engine.deaf()
    assert said(world.wait(600, step=5)) == []
    world.engine.listening(world.now)
    assert said(world.wait(SETTLING / 2)) == []
    world.read(20.0)
    assert said(world.wait(59)) == []
    assert said(world.wait(2)) == ["+n1/"]


def test_patterns_and_names() -> None:
    sight = Sees()
    sight.names = {"uid-1": "Kitchen", "uid-2": "Bath [2]", "uid-3": ""}

    def hot(node: str, resource: str = "*") -> list[str]:
        world = Traveller(replace(HOT, node=node, resource=resource), sight=sight)
        return [
            f"{uid[-1]}{name[0]}"
            for uid in sight.names
            for name in ("temperature", "Temperature")
            if world.read(31.0, node=uid, resource=name)
        ]

    assert hot("*") == ["1t", "1T", "2t", "2T", "3t", "3T"]
    assert hot("uid-1") == ["1t", "1T"]
    assert hot("Kitchen") == ["1t", "1T"]
    assert hot("kitchen") == []
    assert hot("K*n") == ["1t", "1T"]
    assert hot("uid-?") == hot("*")
    assert hot("Bath [2]") == ["2t", "2T"]
    assert hot("Bath [?]") == ["2t", "2T"]
    assert hot("[KB]*") == []
    assert hot("*", "temp*") == ["1t", "2t", "3t"]
    assert hot("*", "?emperature") == hot("*")
    assert hot("*", "temperature") == ["1t", "2t", "3t"]
    assert hot("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b") == []


def test_what_a_node_is_called_changes() -> None:
    world = Traveller(replace(HOT, node="Kitchen"))
    assert said(world.read(31.0)) == []
    world.sight.names["n1"] = "Kitchen"
    (raised,) = world.access_changed("n1", "stranger")
    assert raised.alert.text == "temperature of Kitchen is 31, above 30"
    assert said(world.access_changed()) == []
    world.sight.names["n1"] = "Bath"
    (cleared,) = world.access_changed()
    assert isinstance(cleared, Cleared)
    assert (cleared.why, cleared.quiet) == (Why.UNWATCHED, False)
    # Rules that come later find it by the new name.
    world.change(replace(HOT, node="Bath"))
    assert said(world.effects[-1:]) == UP
    assert said(world.change(replace(HOT, node="Kitchen"))) == DOWN


def test_a_node_that_people_call_nothing_is_called_by_its_own_word_and_uid() -> None:
    world = Traveller(HOT)
    world.called(' Lamp "A"\n of\u202e ' + "x" * 99)
    (raised,) = world.read(31.0)
    assert raised.alert.text == (f"temperature of \"Lamp 'A' of {'x' * 35}…\" (n1) is 31, above 30")
    world.read(20.0)
    for word, title in (("Lamp", '"Lamp" (n1)'), ("\u202e", "n1"), ("n1", "n1"), ("", "n1")):
        world.called(word)
        (raised,) = world.read(31.0)
        assert raised.alert.text == f"temperature of {title} is 31, above 30"
        (cleared,) = world.read(20.0)
        assert isinstance(cleared, Cleared)
        assert title in cleared.text
    world.called("Lamp")
    world.sight.names["n1"] = "Kitchen"
    world.access_changed()
    (raised,) = world.read(31.0)
    assert "of Kitchen is" in raised.alert.text


def test_only_what_its_owner_may_see() -> None:
    sight = Sees()
    sight.hidden.add(("ann", "n1"))
    world = Traveller(HOT, replace(HOT, id="r2", owner="bob"), sight=sight)
    assert [effect.rule for effect in world.read(31.0) if effect.rule] == [world.rules[1]]
    sight.hidden = {("bob", "n1")}
    changes = world.access_changed("n1")
    assert said(changes) == ["-.n1/temperature", *UP]
    cleared = changes[0]
    assert isinstance(cleared, Cleared)
    assert cleared.why is Why.UNSEEN
    assert said(world.read(20.0)) == DOWN


def test_a_rule_finds_what_is_wrong_already() -> None:
    world = Traveller(replace(HOT, id="other", high=1000.0))
    world.read(31.0)
    world.available("offline", "n2")
    world.read(31.0, node="n2")
    world.wait(10)
    # But not in nodes that are not there.
    assert said(world.change(HOT)) == UP
    assert said(world.change()) == DOWN
    assert said(world.change(replace(HOT, seconds=60.0))) == []
    assert said(world.wait(61)) == UP


def test_a_changed_rule_keeps_what_is_still_wrong() -> None:
    world = Traveller(HOT)
    world.read(35.0)
    world.read(31.0, node="n2")
    assert said(world.alter(name="Other", channels=("c",), severity=Severity.INFO)) == []
    assert said(world.alter(high=33.0)) == ["-n2/temperature"]
    assert said(world.alter(high=40.0)) == DOWN
    assert said(world.alter(high=30.0)) == [*UP, "+n2/temperature"]
    (gone, _) = world.change()
    assert isinstance(gone, Cleared)
    assert (gone.why, gone.rule is not None) == (Why.UNWATCHED, True)


def test_mute() -> None:
    world = Traveller(replace(HOT, muted_until=NOON + 600))
    assert said(world.read(31.0)) == ["+.n1/temperature"]
    assert said(world.read(20.0)) == ["-.n1/temperature"]
    assert said(world.read(31.0)) == ["+.n1/temperature"]
    assert said(world.read(31.0, node="n2")) == ["+.n2/temperature"]
    assert said(world.wait(599)) == []
    assert said(world.read(20.0, node="n2")) == ["-.n2/temperature"]
    # What is still wrong in the end is told then.
    assert said(world.wait(2)) == ["!n1/temperature"]
    assert said(world.wait(60)) == []
    # An alert that was told before is told to be over, muted or not.
    world.alter(muted_until=world.wall + 1e9)
    assert said(world.read(20.0)) == DOWN
    assert said(world.read(31.0)) == ["+.n1/temperature"]
    world.alter(high=30.5)
    assert said(world.wait(10)) == []
    world.alter(muted_until=None)
    assert said(world.wait(1)) == ["!n1/temperature"]


def test_restart() -> None:
    before = Traveller(HOT, rule("offline", "r2"))
    before.read(31.0)
    before.read(31.0, node="n2")
    before.read(31.0, node="n3")
    before.available("offline", "n4")
    assert len(before.open) == 4
    after = Traveller(*before.rules, alerts=before.open.values())
    assert said(after.effects) == []
    # What was stored and not judged before the end is judged now.
    latest = [
        reading(31.0, NOON - 5),
        reading(20.0, NOON - 5, node="n2"),
        reading(31.0, NOON - 5, node="n5"),
        reading(31.0, NOON - 5, node="n6"),
    ]
    after = Traveller(sight=before.sight)
    after.rules, after.open, after.keys = before.rules, dict(before.open), set(before.keys)
    nodes = [("n4", Availability.OFFLINE), ("n6", Availability.OFFLINE), ("n7", None)]
    assert sorted(said(after.begin(nodes, latest))) == [
        "+n5/temperature",
        "+n6/",
        "-n2/temperature",
    ]
    assert said(after.take(*latest)) == ["+n6/temperature"]
    assert said(after.read(31.0)) == []
    assert said(after.read(31.0, node="n3")) == []
    assert said(after.read(20.0, node="n3")) == ["-n3/temperature"]
    assert said(after.available("online", "n4")) == ["-n4/"]


def test_alerts_whose_rule_is_gone_are_cleared_at_the_start() -> None:
    before = Traveller(HOT)
    before.read(31.0)
    after = Traveller(alerts=before.open.values())
    (cleared,) = after.effects
    assert isinstance(cleared, Cleared)
    assert (cleared.rule, cleared.why) == (None, Why.UNWATCHED)


def test_no_rule_floods_the_place() -> None:
    world = Traveller(HOT)
    for number in range(MAX_OPEN + 10):
        world.read(31.0, node=f"n{number}")
    assert (len(world.open), world.engine.refused) == (MAX_OPEN, 10)
    world.read(20.0, node="n5")
    world.wait(2)
    # There is room for one more, which comes with its next reading, and within a minute anyway.
    assert said(world.read(31.0, node=f"n{MAX_OPEN + 1}")) == [f"+n{MAX_OPEN + 1}/temperature"]
    world.read(20.0, node="n6")
    assert len(said(world.wait(61))) == 1
    # Nor one that flickers.
    for _ in range(3 * MAX_OPEN):
        world.read(20.0, node="n7")
        world.read(31.0, node="n7")
    assert len(world.effects) < 3 * MAX_OPEN


def test_a_node_that_was_forgotten_begins_anew() -> None:
    world = Traveller(HOT, rule("offline", "r2"))
    assert said(world.read(31.0)) == UP
    world.available("online")
    world.gone()
    effects = world.note(world.engine.forget("n1", world.now))
    assert said(effects) == ["-.n1/temperature", "-.n1/"]
    assert world.engine.forget("n1", world.now) == []
    assert world.wait(60) == []
    assert said(world.read(31.0)) == UP


def test_what_cannot_be_watched_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Traveller(HOT)
    for number in range(MAX_SERIES + 3):
        world.read(1.0, resource=f"x{number}")
    assert world.engine.overlooked == 3
    monkeypatch.setattr("pyaiot.recorder.rules.MAX_NODES", 3)
    world.sight.names["n2"] = "Two"
    world.read(31.0, node="n2")
    world.sight.names["n3"] = "Two"
    world.available("online", "n3")
    world.read(1.0, node="n4")
    world.available("online", "n4")
    assert world.engine.overlooked == 4
    # Nodes that are gone make room, unless an alert of them is open.
    world.gone("n2")
    world.read(1.0, node="n4")
    assert world.engine.overlooked == 5
    world.read(1.0, node="n2")
    world.read(1.0, node="n4")
    assert world.engine.overlooked == 5
    assert said(world.read(31.0, node="n4")) == ["+n4/temperature"]
    monkeypatch.setattr("pyaiot.recorder.rules.MAX_NODES", 0)
    assert said(Traveller(HOT).begin([("n4", Availability.OFFLINE)])) == []


def test_texts_are_one_short_line() -> None:
    world = Traveller(rule("equals", text="x", resource="door"), rule("above", "r2", high=1))
    world.sight.names["n1"] = "N" * 64
    for effect in (
        *world.read("x\r\n" + " " * 300 + "y", resource="door"),
        *world.read(2.0, resource="r" * 128, path="", unit="u" * 16),
    ):
        assert len(effect.alert.text) <= MAX_TEXT
        assert "\n" not in effect.alert.text + effect.alert.value


def test_thousands_of_rules_cost_a_reading_nothing() -> None:
    rules = [
        replace(
            HOT, id=f"r{number}", node=f"n{number % 100}", owner=f"u{number}", resource=resource
        )
        for number in range(4000)
        for resource in (["temperature", "light", "hum*"][number % 3],)
    ]
    rules += [
        replace(HOT, id=f"p{number}", node=f"*{number}x", owner="ann") for number in range(1000)
    ]
    world = Traveller(*rules)
    for _ in range(2):
        for number in range(100):
            world.read(20.0, node=f"n{number}")
    asked = world.sight.asked
    # 40 rules mean each node; none of those that mean another was looked at.
    assert asked == 4000
    world.take(*[reading(20.0, NOON, node=f"n{number % 100}") for number in range(2_000)])
    assert world.sight.asked == asked
    (node,) = [each for each in world.engine._nodes.values() if each.uid == "n5"]
    assert sum(len(series.watches) for series in node.series.values()) < 20


def test_a_rule_that_is_edited_often_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.recorder.judge.ROOM", 16)
    world = Traveller(replace(HOT, seconds=1e6))
    world.engine._judge._room = 16
    world.read(31.0)
    for number in range(500):
        world.alter(seconds=1e6 + number)
    assert len(world.engine._judge._due) <= 20


def test_hours_of_a_busy_house_take_no_time() -> None:
    world = Traveller(
        replace(HOT, seconds=300.0, hysteresis=1.0),
        rule("silent", "r2", seconds=120),
    )
    for minute in range(6 * 60):
        for node in range(10):
            if node == 3 and 100 <= minute < 110:
                continue
            hot = minute % 60 >= 50 and node == 5
            world.read(31.0 if hot else 20.0, node=f"n{node}")
        world.wait(60, step=30)
    assert said(world.effects).count("+n5/temperature") == 6
    assert said(world.effects).count("-n5/temperature") == 5
    assert [word for word in said(world.effects) if "n3" in word] == ["+n3/", "-n3/"]
