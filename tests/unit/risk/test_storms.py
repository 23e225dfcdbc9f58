"""Storms of denials and rejections: they trip one over their limit, and quietness trips nothing."""

from __future__ import annotations

import pytest

from risk.decision import Denial, DenyReason, is_told_by_us
from risk.judge import Judge
from risk.kills import Kill, KillLevel, Scope
from risk.report import controls
from risk.storms import CLOSED_DOOR
from risk.trading_state import TradingState
from tests.risk_builders import BTC, DAY, ETH, SECOND, T0, make_judge

MOST = 3
STORMS = {"denials_max": MOST, "rejects_max": MOST, "window_sec": 60}
TOO_FAR = Denial(DenyReason.STOP_LOSS_TOO_FAR, 600, 500)


def stormy(**limits: object) -> Judge:
    return make_judge(storms=STORMS | limits)


def deny(judge: Judge, times: int, *, denial: Denial = TOO_FAR, now_ns: int = T0) -> None:
    for _ in range(times):
        judge.on_denied(denial, BTC, now_ns)


def reject(judge: Judge, times: int, *, ts_ns: int = T0, now_ns: int = T0) -> None:
    for _ in range(times):
        judge.on_rejected(BTC, ts_ns, now_ns)


STORM = pytest.mark.parametrize(
    ("come", "cause"), [(deny, "DENIAL_STORM"), (reject, "REJECT_STORM")]
)


@STORM
def test_as_many_as_the_limit_trip_nothing_and_one_more_trips_reducing(come, cause) -> None:
    judge = stormy()

    come(judge, MOST)
    assert judge.state.state is TradingState.ACTIVE

    come(judge, 1)
    assert judge.state.state is TradingState.REDUCING
    assert judge.state.causes == [f"{cause}: observed=4, limit=3, instrument={BTC}"]


@STORM
def test_those_that_are_as_old_as_the_window_count_no_more(come, cause) -> None:
    judge, late = stormy(), T0 + 60 * SECOND

    come(judge, MOST)
    judge.on_denied(TOO_FAR, BTC, late)
    judge.on_rejected(BTC, late, late)
    assert judge.state.state is TradingState.ACTIVE

    younger = stormy()
    come(younger, MOST)
    younger.on_denied(TOO_FAR, BTC, late - 1)
    younger.on_rejected(BTC, late - 1, late - 1)
    assert [c.split(":")[0] for c in younger.state.causes] == [cause]


def test_denials_and_rejections_are_counted_apart() -> None:
    judge = stormy()

    deny(judge, MOST)
    reject(judge, MOST)

    assert judge.state.state is TradingState.ACTIVE


def test_all_symbols_count_together() -> None:
    judge = stormy()
    deny(judge, MOST)

    judge.on_denied(TOO_FAR, ETH, T0)

    assert judge.state.causes == [f"DENIAL_STORM: observed=4, limit=3, instrument={ETH}"]


@pytest.mark.parametrize("reason", sorted(CLOSED_DOOR, key=lambda r: r.code), ids=lambda r: r.code)
def test_whoever_knocks_at_a_closed_door_makes_no_storm(reason: DenyReason) -> None:
    judge = stormy()

    deny(judge, 100 * MOST, denial=Denial(reason, "seen", "allowed"))

    assert judge.state.state is TradingState.ACTIVE


def test_a_strategy_that_is_killed_by_itself_does_not_close_the_door_for_others() -> None:
    judge = stormy()
    judge.kill(Kill(KillLevel.REDUCE, Scope("strategy", "S-1"), "test", "test", "test", T0))

    deny(judge, 100, denial=Denial(DenyReason.TRADING_REDUCING, "killed", "ACTIVE"))

    assert judge.state.state is TradingState.ACTIVE


@pytest.mark.parametrize("age_ns", [60 * SECOND, DAY])
def test_rejections_that_are_told_late_are_no_storm_of_now(age_ns: int) -> None:
    judge = stormy()

    reject(judge, 100, ts_ns=T0 - age_ns)
    assert judge.state.state is TradingState.ACTIVE

    reject(judge, MOST + 1, ts_ns=T0 - 60 * SECOND + 1)
    assert judge.state.state is TradingState.REDUCING


def test_a_person_who_resumes_lets_the_count_begin_anew() -> None:
    judge = stormy()
    deny(judge, MOST + 1)
    judge.resume(by="ada", reason="mended", now_ns=T0)

    deny(judge, MOST)
    assert judge.state.state is TradingState.ACTIVE

    deny(judge, 1)
    assert judge.state.state is TradingState.REDUCING


def test_a_backtest_which_has_no_such_limits_knows_no_storm() -> None:
    judge = make_judge()

    deny(judge, 10_000)
    reject(judge, 10_000)

    assert judge.state.state is TradingState.ACTIVE
    assert {row["key"] for row in controls(judge)}.isdisjoint({"denial_storm", "reject_storm"})


def test_the_report_has_the_limit_and_the_closest_approach() -> None:
    judge = stormy(denials_max=4)
    deny(judge, 3)
    reject(judge, MOST + 1)

    rows = {row["key"]: row for row in controls(judge)}

    denials, rejects = rows["denial_storm"], rows["reject_storm"]
    assert (denials["limit"], denials["evaluated"], denials["denied"]) == ("4", 3, 0)
    assert denials["closest"]["ratio"] == 0.75
    assert (rejects["limit"], rejects["evaluated"], rejects["denied"]) == ("3", 4, 1)
    assert rejects["closest"]["instrument_id"] == BTC


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        ("APPROVAL_MISSING: observed=POST, limit=approved", True),
        ("{'code': -2010, 'msg': 'TRADING_HALTED: observed=x, limit=y'}", True),
        ("AMENDMENT_OVERTAKEN: one before it changes what it leaves out", True),
        ("UNRESOLVED_NOT_FOUND: timeout", True),
        ("Margin is insufficient.", False),
        ("{'code': -2019, 'msg': 'Margin is insufficient.'}", False),
        ("FILTER FAILURE: MIN_NOTIONAL", False),
        ("", False),
    ],
)
def test_our_own_refusals_are_not_taken_for_the_venues(text: str, is_ours: bool) -> None:
    assert is_told_by_us(text) is is_ours
