"""The kill switch as facts: its grammar, its scopes, and what a machine that was killed still allows."""

from __future__ import annotations

import itertools
import json

import pytest

from risk.kills import (
    ACCOUNT,
    TEXT_LENGTH_MAX,
    Kill,
    KillError,
    KillLevel,
    Scope,
    aimed,
    parse_kill,
    plain_words,
    switch_text,
)
from risk.latch import Latch, LatchError, LatchView
from risk.state_machine import SAME_PULL_NS, StateMachine
from risk.trading_state import TradingState
from tests.risk_builders import BTC, ETH, T0, make_judge, make_market, make_order, make_stop

ACTIVE, REDUCING, HALTED = TradingState
REDUCE, HALT, FLATTEN = KillLevel
ON_BTC, ON_ONE = Scope("symbol", BTC), Scope("strategy", "ONE-001")


def kill(level: KillLevel = HALT, scope: Scope = ACCOUNT, ts_ns: int = T0) -> Kill:
    return Kill(level, scope, "ann", "news", "command", ts_ns)


def parsed(text: str | None, default: KillLevel = FLATTEN) -> Kill | None:
    return parse_kill(text, default=default, source="redis", by="redis", ts_ns=T0)


# -- grammar ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [None, "", "0", " 0 ", "\n"])
def test_what_nobody_has_pulled_is_no_kill(text: str | None) -> None:
    assert parsed(text) is None


@pytest.mark.parametrize("default", list(KillLevel))
def test_a_bare_pull_means_the_level_of_the_profile(default: KillLevel) -> None:
    assert parsed("1\n", default) == Kill(default, ACCOUNT, "redis", "no reason given", "redis", T0)


@pytest.mark.parametrize(
    ("text", "level", "reason"),
    [
        ("HALT", HALT, "no reason given"),
        ("halt", HALT, "no reason given"),
        ("reduce the news", REDUCE, "the news"),
        ("FLATTEN: price is wild", FLATTEN, "price is wild"),
        ("HALT\nat  once", HALT, "at once"),
    ],
)
def test_a_level_may_be_followed_by_a_reason(text: str, level: KillLevel, reason: str) -> None:
    found = parsed(text)

    assert found is not None
    assert (found.level, found.scope, found.reason) == (level, ACCOUNT, reason)


def test_json_says_as_much_as_it_likes() -> None:
    text = json.dumps({"level": "halt", "scope": f"symbol:{BTC}", "by": "ann", "reason": "news"})

    assert parsed(text) == Kill(HALT, ON_BTC, "ann", "news", "redis", T0)
    assert parsed("{}") == Kill(FLATTEN, ACCOUNT, "redis", "no reason given", "redis", T0)


@pytest.mark.parametrize(
    "text",
    [
        "yes", "true", "kill it", "HALTED", "2", "[1]", '{"scope": "symbol:"}', '{"scope": 7}',
        "{broken", "{" * 4_000,
    ],
)  # fmt: skip
def test_whatever_else_stands_there_pulls_for_the_whole_account_at_the_default_level(
    text: str,
) -> None:
    found = parsed(text)

    assert found is not None
    assert (found.level, found.scope) == (FLATTEN, ACCOUNT)


def test_an_unknown_level_in_json_is_the_default_one_and_keeps_the_scope() -> None:
    found = parsed(json.dumps({"level": "STOP", "scope": f"symbol:{BTC}"}))

    assert found is not None
    assert (found.level, found.scope) == (FLATTEN, ON_BTC)


def test_a_scope_that_is_none_is_the_account_at_the_level_that_is_said() -> None:
    found = parsed(json.dumps({"level": "HALT", "scope": "symbl:BTCUSDT", "by": "ann"}))

    assert found == Kill(
        HALT, ACCOUNT, "ann", "no reason given (scope: symbl:BTCUSDT)", "redis", T0
    )


def test_a_text_without_end_is_cut_off() -> None:
    found = parsed("HALT " + "x" * 100_000)

    assert found is not None
    assert found.level is HALT
    assert len(found.reason) < TEXT_LENGTH_MAX


# -- scopes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "expected"),
    [(ACCOUNT, [True] * 4), (ON_BTC, [True, True, False, False]), (ON_ONE, [True, False] * 2)],
)
def test_a_scope_covers_its_own_and_nothing_else(scope: Scope, expected: list[bool]) -> None:
    orders = itertools.product((BTC, ETH), ("ONE-001", "TWO-001"))

    assert [scope.covers(symbol, strategy) for symbol, strategy in orders] == expected


@pytest.mark.parametrize("scope", [ACCOUNT, ON_BTC, ON_ONE])
def test_a_scope_reads_as_it_is_written(scope: Scope) -> None:
    assert Scope.parse(str(scope)) == scope


@pytest.mark.parametrize("text", ["", "symbol", "symbol:", "account:x", "trader:x", "strategy:"])
def test_a_scope_that_names_nothing_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(KillError, match="must be account, symbol:ID or strategy:ID"):
        Scope.parse(text)


# -- what a killed machine says -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "state"), [(REDUCE, REDUCING), (HALT, HALTED), (FLATTEN, HALTED)]
)
def test_a_kill_of_the_account_trips_its_state(level: KillLevel, state: TradingState) -> None:
    machine = StateMachine()

    told = machine.kill(kill(level))

    assert told is not None
    assert (machine.state, told.previous, told.state) == (state, ACTIVE, state)
    assert machine.causes == [kill(level).cause]


def test_a_kill_of_a_symbol_leaves_the_account_and_governs_its_own() -> None:
    machine = StateMachine()

    machine.kill(kill(HALT, ON_BTC))

    assert machine.state is ACTIVE
    assert machine.governing(BTC, "ONE-001") == (HALTED, kill(HALT, ON_BTC).cause)
    assert machine.governing(ETH, "ONE-001") == (ACTIVE, "")


def test_the_tighter_of_account_symbol_and_strategy_governs() -> None:
    machine = StateMachine()
    machine.kill(kill(HALT, ON_BTC))
    machine.kill(kill(REDUCE, ON_ONE))
    machine.trip(REDUCING, cause="LOSS: observed=1, limit=0", by="breaker", ts_ns=T0)

    assert machine.governing(BTC, "TWO-001")[0] is HALTED
    assert machine.governing(ETH, "ONE-001")[0] is REDUCING
    assert machine.governing(ETH, "TWO-001") == (REDUCING, "LOSS: observed=1, limit=0")


def test_only_a_flatten_that_covers_them_flattens_symbol_and_strategy() -> None:
    machine = StateMachine()
    machine.kill(kill(HALT))
    machine.kill(kill(FLATTEN, ON_BTC))

    assert machine.is_flattening(BTC, "ONE-001")
    assert not machine.is_flattening(ETH, "ONE-001")


@pytest.mark.parametrize("scope", [ACCOUNT, ON_BTC, ON_ONE])
@pytest.mark.parametrize(("first", "second"), list(itertools.product(KillLevel, KillLevel)))
def test_pulling_again_at_once_does_something_only_when_it_is_harder(
    first: KillLevel, second: KillLevel, scope: Scope
) -> None:
    machine = StateMachine()
    machine.kill(kill(first, scope))

    told = machine.kill(kill(second, scope, T0 + SAME_PULL_NS - 1))

    assert (told is not None) == (second > first)
    assert [k.level for k in machine.kills] == [max(first, second)]


@pytest.mark.parametrize("scope", [ACCOUNT, ON_BTC, ON_ONE])
def test_pulling_again_renews_who_pulled_it_why_and_when(scope: Scope) -> None:
    machine = StateMachine()
    machine.kill(kill(HALT, scope))
    again = Kill(HALT, scope, "carl", "second", "signal", T0 + SAME_PULL_NS)

    told = machine.kill(again)

    assert told is not None
    assert (told.previous, told.state, told.by) == (machine.state, machine.state, "carl")
    assert machine.kills == [again]
    assert machine.causes == ([] if scope.name else [again.cause])
    assert machine.kill(again) is None  # as the latch tells it once more


def test_a_gentler_pull_is_told_and_leaves_the_harder_kill_as_it_is() -> None:
    machine = StateMachine()
    machine.kill(kill(FLATTEN))
    gentler = kill(HALT, ts_ns=T0 + SAME_PULL_NS)

    told = machine.kill(gentler)

    assert told is not None
    assert told.cause == gentler.cause
    assert (machine.kills, machine.causes) == ([kill(FLATTEN)], [kill(FLATTEN).cause])


def test_a_storm_of_pulls_is_told_ten_times_a_second_at_most() -> None:
    machine = StateMachine()
    told = [
        machine.kill(kill(level, ts_ns=T0 + ms * 1_000_000))
        for ms in range(1_001)
        for level in (HALT, REDUCE)
    ]

    assert len([each for each in told if each is not None]) == 11


def test_a_resume_of_one_scope_leaves_the_others() -> None:
    machine = StateMachine()
    for scope in (ACCOUNT, ON_BTC, ON_ONE):
        machine.kill(kill(HALT, scope))

    machine.resume(by="ann", reason="looked", ts_ns=T0, scopes=[ON_BTC])

    assert [k.scope for k in machine.kills] == [ACCOUNT, ON_ONE]
    assert machine.state is HALTED


def test_a_resume_without_a_scope_takes_everything_back() -> None:
    machine = StateMachine()
    for each in (ACCOUNT, ON_BTC, ON_ONE):
        machine.kill(kill(FLATTEN, each))

    machine.resume(by="ann", reason="looked", ts_ns=T0)

    assert (machine.state, machine.kills, machine.causes) == (ACTIVE, [], [])
    assert not machine.is_flattening(BTC, "ONE-001")


def test_a_resume_of_the_account_takes_what_tripped_it_and_leaves_symbols_and_strategies() -> None:
    machine = StateMachine()
    machine.trip(REDUCING, cause="LOSS: observed=1, limit=0", by="breaker", ts_ns=T0)
    for each in (ACCOUNT, ON_BTC, ON_ONE):
        machine.kill(kill(FLATTEN, each))

    told = machine.resume(by="ann", reason="looked", ts_ns=T0, scopes=[ACCOUNT])

    assert told.cause == "RESUMED account: looked"
    assert (machine.state, machine.causes) == (ACTIVE, [])
    assert [k.scope for k in machine.kills] == [ON_BTC, ON_ONE]
    assert machine.is_flattening(BTC, "ONE-001")


def test_a_resume_of_an_account_that_is_active_is_refused() -> None:
    machine = StateMachine()
    machine.kill(kill(HALT, ON_BTC))

    with pytest.raises(ValueError, match="no kill of account is open"):
        machine.resume(by="ann", reason="looked", ts_ns=T0, scopes=[ACCOUNT])


def test_a_resume_of_what_is_not_killed_is_refused() -> None:
    machine = StateMachine()
    machine.kill(kill(HALT, ON_BTC))

    with pytest.raises(ValueError, match=f"no kill of {ON_ONE} is open"):
        machine.resume(by="ann", reason="looked", ts_ns=T0, scopes=[ON_ONE])


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (ON_BTC, "TRADING_REDUCING"),
        (Scope("symbol", ETH), None),
        (Scope("strategy", make_order().strategy_id), "TRADING_REDUCING"),
        (ON_ONE, None),
    ],
)
def test_the_gate_denies_by_scope_and_lets_the_rest_pass(
    scope: Scope, expected: str | None
) -> None:
    judge, entry = make_judge(), make_order()
    judge.kill(kill(REDUCE, scope))

    denial = judge.submit((entry, make_stop(entry)), {BTC: make_market()}, T0)

    assert (None if denial is None else denial.reason.code) == expected


# -- on disk ------------------------------------------------------------------------------------


def test_kills_come_back_from_disk_as_they_were(tmp_path) -> None:
    kills = (kill(FLATTEN), kill(HALT, ON_BTC), kill(REDUCE, ON_ONE))
    latch = Latch(tmp_path / "latch.json")

    latch.write(HALTED, ["X: observed=1, limit=0"], by="ann", reason="r", ts_ns=T0, kills=kills)

    assert Latch(latch.path).read() == LatchView(
        HALTED, ("X: observed=1, limit=0",), "ann", "r", kills, ts_ns=T0
    )


@pytest.mark.parametrize("damage", ['"level": "STOP"', '"level": 2', '"scope": "all"'])
def test_a_latch_with_a_kill_that_cannot_be_read_is_no_latch(tmp_path, damage: str) -> None:
    latch = Latch(tmp_path / "latch.json")
    latch.write(HALTED, [], by="ann", reason="r", ts_ns=T0, kills=(kill(),))
    part, value = damage.split(": ")
    before = f'"level": "{HALT.name}"' if part == '"level"' else '"scope": "account"'
    text = latch.path.read_text()
    assert before in text
    latch.path.write_text(text.replace(before, f"{part}: {value}"))

    with pytest.raises(LatchError, match="counts as HALTED"):
        Latch(latch.path).read()


def test_a_kill_is_written_in_beside_what_a_latch_holds(tmp_path) -> None:
    latch = Latch(tmp_path / "latch.json")
    latch.write(REDUCING, ["LOSS: observed=1, limit=0"], by="breaker", reason="r", ts_ns=T0)

    latch.add_kill(kill(HALT, ON_BTC))
    latch.add_kill(kill(FLATTEN))
    latch.add_kill(kill(HALT))

    view = Latch(latch.path).read()
    assert (view.state, view.kills) == (HALTED, (kill(HALT, ON_BTC), kill(FLATTEN)))
    assert view.causes == ("LOSS: observed=1, limit=0", kill(FLATTEN).cause)


def test_a_kill_is_written_over_what_is_no_latch_which_is_kept_aside(tmp_path) -> None:
    latch = Latch(tmp_path / "latch.json")
    latch.path.write_text("{")

    latch.add_kill(kill(REDUCE))

    view = Latch(latch.path).read()
    assert (view.state, view.kills) == (HALTED, (kill(REDUCE),))
    assert [path.read_text() for path in tmp_path.glob("*.bad-*")] == ["{"]


@pytest.mark.parametrize("level", [HALT, REDUCE])
def test_a_pull_that_stops_nothing_more_shows_in_the_latch_of_a_node_that_is_away(
    tmp_path, level: KillLevel
) -> None:
    latch = Latch(tmp_path / "latch.json")
    latch.add_kill(kill(HALT))
    before = latch.read()

    latch.add_kill(kill(level, ts_ns=T0 + SAME_PULL_NS))

    assert latch.read() != before
    assert latch.read().kills[0].level is HALT


# -- aim ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["BTCUSDT", "btcusdt", "BTCUSDT-PERP", BTC])
def test_a_symbol_may_be_written_as_the_venue_does(name: str) -> None:
    found = aimed(kill(scope=Scope("symbol", name)), (BTC, "ETHUSDT-PERP.BINANCE"), ())

    assert found == kill(scope=ON_BTC)


@pytest.mark.parametrize("text", ["symbol:BTCUSD", "strategy:BTCUSDT", "strategy:ONE-002"])
def test_a_scope_that_names_nothing_here_is_none(text: str) -> None:
    assert aimed(kill(scope=Scope.parse(text)), (BTC,), ("ONE-001",)) is None


def test_a_symbol_that_could_be_two_instruments_is_neither() -> None:
    both = (BTC, "BTCUSDT.BINANCE")

    assert aimed(kill(scope=Scope("symbol", "BTCUSDT")), both, ()) is None


def test_the_account_and_a_known_strategy_are_what_they_are() -> None:
    for scope in (ACCOUNT, Scope("strategy", "ONE-001")):
        assert aimed(kill(scope=scope), (BTC,), ("ONE-001",)) == kill(scope=scope)


@pytest.mark.parametrize(
    "reason", ["\ud800 half a letter", "x" * 9_000, "\U0001f525" * 9_000, "\0"]
)
def test_whatever_a_reason_holds_it_can_be_written_and_read_back_as_the_same_kill(
    reason: str,
) -> None:
    one = kill(REDUCE, ON_BTC)._replace(
        by=plain_words(reason), reason=plain_words(reason) or "none"
    )

    found = parse_kill(switch_text(one, "T-1"), default=FLATTEN, source="command", by="x", ts_ns=T0)

    assert found is not None
    assert found._replace(by=one.by) == one
    assert found.cause.encode()


def test_half_a_letter_in_json_hinders_no_journal() -> None:
    found = parsed('{"level": "HALT", "by": "\\ud800", "reason": "\\udfff"}')

    assert found is not None
    assert found.cause.encode()
