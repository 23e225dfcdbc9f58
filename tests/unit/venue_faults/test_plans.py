"""What a scenario may say, and how it is told what is wrong."""

from decimal import Decimal

import pytest

from venue.faults.arguments import FaultError
from venue.faults.plan import parse_plan
from venue.faults.registry import FAULTS, table
from venue.faults.scenario import load_scenario


def parsed(name, **entry):
    return parse_plan({"name": name} | entry)


@pytest.mark.parametrize(
    ("text", "ms"), [("500ms", 500), ("30s", 30_000), ("1.5s", 1_500), ("2m", 120_000), (7, 7)]
)
def test_times_are_durations_with_a_unit_or_milliseconds(text, ms):
    assert parsed("freeze", at=text).at_ms == ms


@pytest.mark.parametrize(
    ("name", "entry", "told"),
    [
        ("no_such", {}, "no fault is called 'no_such'"),
        ("freeze", {"when": 1}, "fault freeze: no key 'when'; there are: name, at"),
        ("freeze", {"at": "30"}, "at is '30', not a duration such as 500ms"),
        ("freeze", {"at": -1}, "at is -1, not a duration"),
        ("freeze", {"for": 0}, "for is 0, not above 0"),
        ("freeze", {"args": 3}, "args is 3, not a table"),
        ("freeze", {"args": {"x": 1}}, "no argument 'x'; there are: none"),
        ("freeze", {"every": "5s", "for": "5s"}, "every is '5s', not above for"),
        ("reply_lost", {"every": "5s"}, "every is for a fault that is done at a time"),
        ("freeze", {"every": "5s", "on": "order"}, "every is for a fault that is done at a time"),
        ("freeze", {"on": "stream:bookTicker"}, "a stream sets nothing off"),
        ("reply_lost", {"probability": 0}, "probability is 0, not above 0 and up to 1"),
        ("reply_lost", {"probability": 1.01}, "probability is 1.01, not above 0 and up to 1"),
        ("reply_lost", {"probability": True}, "probability is True, not above 0 and up to 1"),
        ("reply_lost", {"count": 0}, "count is 0, not a whole number from 1"),
        ("reply_lost", {"account": ""}, "account is '', not the name of an account"),
        ("reply_lost", {"on": "ordr"}, "on is 'ordr', which begins with none of any, event"),
        ("reply_lost", {"on": "order::BUY"}, "with an empty word"),
        ("reply_lost", {"on": "event"}, "on is 'event', which is no request"),
        ("event_dropped", {"on": "order"}, r"on is 'order', not event\[:WORD...\]"),
        ("stale_mark", {"on": "event"}, r"on is 'event', not stream\[:WORD...\]"),
        ("slow_reply", {"args": {"min_ms": "x"}}, "min_ms is 'x', not a duration"),
        ("slow_reply", {"args": {"max_ms": 600_001}}, r"max_ms is 600001, not in 0\.\.600000"),
        ("clock_skew", {"args": {"skew_ms": "-2h"}}, r"skew_ms is -2h, not in -3600000\.\."),
        ("flash_crash", {"args": {"to": "much"}}, "to is 'much', not a number"),
        ("flash_crash", {"args": {"to": "NaN"}}, "to is 'NaN', not a number"),
        ("flash_crash", {"args": {"to": True}}, "to is True, not a number"),
        ("flash_crash", {"args": {"to": 0}}, "to is 0, not in 0.01"),
        ("flash_crash", {"args": {"has_mark": 1}}, "has_mark is 1, not true or false"),
        ("leverage_changed", {"args": {"leverage": 126}}, r"leverage is 126, not in 1\.\.125"),
        ("leverage_changed", {"args": {"leverage": "5"}}, "leverage is '5', not a whole number"),
        ("empty_book", {"args": {"sides": "left"}}, "sides is 'left', not one of bid, ask, both"),
        ("foreign_order", {"args": {"symbol": ""}}, "symbol is '', not a text"),
    ],
)
def test_what_cannot_be_is_named_with_key_value_and_rule(name, entry, told):
    with pytest.raises(FaultError, match=told):
        parsed(name, **entry)


def test_a_clock_may_run_behind():
    assert parsed("clock_skew", args={"skew_ms": "-1.5s"}).fault.skew_ms == -1_500
    assert parsed("clock_skew", args={"skew_ms": -20}).fault.skew_ms == -20


def test_numbers_are_taken_exactly():
    assert parsed("gap", args={"to": 0.97}).fault.to == Decimal("0.97")


def test_a_thing_is_done_once_and_what_passes_is_met_without_end():
    assert parsed("freeze").count == 1
    assert parsed("freeze", every="1m").count is None
    assert parsed("reply_lost").count is None
    assert parsed("reply_lost", count=2).count == 2


def test_a_scenario_arms_its_faults_in_order(tmp_path):
    path = tmp_path / "chaos.toml"
    path.write_text(
        """
        seed = 4
        [[fault]]
        name = "reply_lost"
        on = "order:BUY"
        probability = 0.5
        [[fault]]
        name = "freeze"
        at = "30s"
        for = "2s"
        """,
    )

    book = load_scenario(path)

    assert [row["name"] for row in book.listing()] == ["reply_lost", "freeze"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[fault]]\nname = 'freeze'\n[[fault]]\nname = 'x'", "fault 2: no fault is called 'x'"),
        ("[[fault]]\nname = 'freeze'\nat = 'x'", "fault 1 freeze: at is 'x'"),
        ("sead = 1", "no key 'sead'; there are: seed, fault"),
        ("seed = 'x'", "seed is 'x', not a whole number"),
        ("fault = 3", r"fault is not a list of tables: write \[\[fault\]\]"),
        ("fault =", "not TOML"),
    ],
)
def test_a_wrong_scenario_names_file_and_entry(tmp_path, text, told):
    path = tmp_path / "chaos.toml"
    path.write_text(text)

    with pytest.raises(FaultError, match=f"chaos.toml: {told}"):
        load_scenario(path)


def test_a_scenario_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FaultError, match=r"none\.toml: No such file"):
        load_scenario(tmp_path / "none.toml")


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_says_what_happens_where_it_is_known_from_and_can_be_armed(name):
    fault = FAULTS[name]

    assert fault.name == name
    assert fault.__doc__ != fault.__mro__[1].__doc__
    assert fault.source
    assert parsed(name).fault == fault()
    assert f"| `{name}` |" in table()
