"""Breakers: losses and shocks trip one step over their limit, and deposits are no profit."""

from __future__ import annotations

import pytest

from risk.breakers import LossBreakers, Reading, ShockBreaker
from risk.intent import BUY, SELL
from risk.judge import Judge
from risk.trading_state import TradingState, Transition
from tests.risk_builders import (
    BTC,
    DAY,
    ETH,
    SECOND,
    T0,
    D,
    fill,
    make_judge,
    make_limits,
    make_order,
    tell_price,
)

WIDE = {
    "unrealized_loss_ratio_alarm": 1,
    "unrealized_loss_ratio_max": 1,
    "daily_loss_ratio_max": 1,
    "drawdown_ratio_max": 1,
    "price_move_bps_max": 100_000,
}


def hold(side: int = BUY, qty: object = 1, balance: object = 100, **limits: object) -> Judge:
    """Return a judge with a position opened at 100, and only the given limits in reach."""
    judge = make_judge(balance=balance, **(WIDE | limits))
    fill(judge, make_order(side, qty))
    return judge


def causes(judge: Judge) -> list[str]:
    return [cause.split(":", 1)[0] for cause in judge.state.causes]


# -- unrealized loss ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "at_limit", "over"), [(BUY, 60, "59.9"), (SELL, 140, "140.1")])
def test_an_unrealized_loss_trips_one_step_over_its_share_of_equity(
    side: int, at_limit: object, over: object
) -> None:
    # A loss of 40 leaves an equity of 160: a quarter.
    judge = hold(
        side,
        balance=200,
        unrealized_loss_ratio_max=D("0.25"),
        unrealized_loss_ratio_alarm=D("0.25"),
    )

    tell_price(judge, at_limit)
    assert judge.state.state is TradingState.ACTIVE

    tell_price(judge, over)
    assert judge.state.state is TradingState.REDUCING
    assert causes(judge) == ["UNREALIZED_LOSS"]


def test_the_alarm_is_told_once_each_time_its_level_is_passed() -> None:
    judge = hold(balance=200, unrealized_loss_ratio_alarm=D("0.25"))
    told: list[tuple[int, str]] = []
    judge.on_alarm = lambda ts_ns, text: told.append((ts_ns, text))

    for ts_ns, price in enumerate((60, 59, 58, 60, 59)):
        tell_price(judge, price, now_ns=T0 + ts_ns)

    assert [ts_ns for ts_ns, _ in told] == [T0 + 1, T0 + 4]
    assert told[0][1].startswith("UNREALIZED_LOSS_ALARM: observed=0.2578")
    assert judge.alarms == told
    assert judge.state.state is TradingState.ACTIVE


def test_the_start_of_a_day_does_not_swallow_an_alarm() -> None:
    judge = hold(balance=200, unrealized_loss_ratio_alarm=D("0.25"))
    tell_price(judge, 60)
    judge.account.balance = D(100)  # a withdrawal: 40 of 60 is more than a quarter

    judge.on_funding(D(0), T0 + DAY)

    assert len(judge.alarms) == 1


@pytest.mark.parametrize("balance", [40, 30])
def test_a_loss_on_no_equity_is_a_total_one(balance: object) -> None:
    judge = hold(balance=balance)
    tell_price(judge, 60)

    assert causes(judge)[0] == "UNREALIZED_LOSS"


# -- the day -----------------------------------------------------------------------------------------


def test_a_daily_loss_counts_realized_unrealized_fees_and_funding() -> None:
    judge = hold(qty=2, balance=100, daily_loss_ratio_max=D("0.10"))
    exit_order = make_order(SELL, 1)
    fill(judge, exit_order, px=97, fee_usdt=1)  # 3 realized, 1 fee, and 3 unrealized at 97
    tell_price(judge, 97)
    judge.on_funding(D(-3), T0)
    assert judge.state.state is TradingState.ACTIVE

    judge.on_funding(D("-0.01"), T0)
    assert causes(judge) == ["DAILY_LOSS"]


def test_funding_received_is_a_gain() -> None:
    judge = hold(balance=100, daily_loss_ratio_max=D("0.10"))
    judge.on_funding(D(5), T0)
    tell_price(judge, 85)
    assert judge.state.state is TradingState.ACTIVE

    tell_price(judge, "84.9")
    assert causes(judge) == ["DAILY_LOSS"]


def test_a_new_utc_day_measures_from_its_own_start() -> None:
    judge = hold(balance=100, daily_loss_ratio_max=D("0.10"))
    tell_price(judge, 92, now_ns=T0 + DAY - 1)
    tell_price(judge, 92, now_ns=T0 + DAY)  # 8 lost yesterday; equity 92 today

    tell_price(judge, "82.8", now_ns=T0 + DAY + 1)
    assert judge.state.state is TradingState.ACTIVE

    tell_price(judge, "82.7", now_ns=T0 + DAY + 2)
    assert causes(judge) == ["DAILY_LOSS"]


def test_a_day_ends_at_midnight_utc_and_not_before() -> None:
    judge = hold(balance=100, daily_loss_ratio_max=D("0.10"))
    tell_price(judge, 92, now_ns=T0)
    tell_price(judge, "89.9", now_ns=T0 + DAY - 1)

    assert causes(judge) == ["DAILY_LOSS"]


def test_what_is_told_late_about_yesterday_does_not_begin_a_day() -> None:
    judge = hold(balance=100, daily_loss_ratio_max=D("0.10"))
    tell_price(judge, 92, now_ns=T0 + 1)

    judge.on_funding(D(0), T0 - 1)
    tell_price(judge, "89.9", now_ns=T0 + 2)

    assert causes(judge) == ["DAILY_LOSS"]


def test_the_first_fill_of_a_day_counts_to_that_day() -> None:
    judge = make_judge(balance=100, **(WIDE | {"daily_loss_ratio_max": D("0.10")}))
    judge.look_at_losses(T0)
    fill(judge, make_order(), fee_usdt=11, now_ns=T0 + DAY)

    assert causes(judge) == ["DAILY_LOSS"]


def test_a_deposit_does_not_hide_a_daily_loss() -> None:
    judge = hold(balance=100, daily_loss_ratio_max=D("0.10"))
    assert judge.account.balance is not None
    judge.account.balance += 50

    tell_price(judge, "89.9")

    assert causes(judge) == ["DAILY_LOSS"]


def test_a_withdrawal_is_no_loss() -> None:
    judge = hold(balance=100, daily_loss_ratio_max=D("0.10"), drawdown_ratio_max=D("0.10"))
    judge.account.balance = D(20)

    tell_price(judge, 100)

    assert judge.state.state is TradingState.ACTIVE


# -- drawdown ----------------------------------------------------------------------------------------


def test_a_drawdown_is_measured_from_the_peak() -> None:
    judge = hold(balance=100, drawdown_ratio_max=D("0.20"))
    tell_price(judge, 150, now_ns=T0)  # the peak: 150
    tell_price(judge, 120, now_ns=T0 + 2 * DAY)
    assert judge.state.state is TradingState.ACTIVE

    tell_price(judge, "119.9", now_ns=T0 + 4 * DAY)
    assert causes(judge) == ["DRAWDOWN"]


def test_a_deposit_neither_makes_a_peak_nor_hides_a_drawdown() -> None:
    judge = hold(balance=100, drawdown_ratio_max=D("0.20"))
    assert judge.account.balance is not None
    judge.account.balance += 100
    tell_price(judge, 60)  # 40 of 200: a fifth
    assert judge.state.state is TradingState.ACTIVE

    tell_price(judge, "59.9")
    assert causes(judge) == ["DRAWDOWN"]


# -- resuming ----------------------------------------------------------------------------------------


def test_a_person_who_resumes_takes_the_loss_as_given() -> None:
    judge = hold(balance=100, daily_loss_ratio_max=D("0.10"), drawdown_ratio_max=D("0.10"))
    tell_price(judge, 85)
    assert causes(judge) == ["DAILY_LOSS", "DRAWDOWN"]

    judge.resume(by="ann", reason="a fair loss", now_ns=T0)
    tell_price(judge, 85)
    assert judge.state.state is TradingState.ACTIVE

    tell_price(judge, "76.5")  # a further tenth of 85
    assert judge.state.state is TradingState.ACTIVE
    tell_price(judge, "76.4")
    assert causes(judge) == ["DAILY_LOSS", "DRAWDOWN"]


def test_a_resume_from_a_kill_gives_no_new_allowance_for_losses() -> None:
    judge = hold(balance=100, daily_loss_ratio_max=D("0.10"), drawdown_ratio_max=D("0.10"))
    tell_price(judge, 91)
    assert judge.state.state is TradingState.ACTIVE

    judge.trip(TradingState.HALTED, "KILLED_HALT: observed=ann, limit=no pull", T0)
    judge.resume(by="ann", reason="only a drill", now_ns=T0)
    tell_price(judge, 89)

    assert causes(judge) == ["DAILY_LOSS", "DRAWDOWN"]


def test_a_loss_that_goes_on_trips_once() -> None:
    judge = hold(balance=100, daily_loss_ratio_max=D("0.10"))
    told: list[Transition] = []
    judge.on_transition = told.append

    for price in (85, 84, 83):
        tell_price(judge, price)

    assert len(told) == 1
    row = next(row for row in judge.report() if row["key"] == "daily_loss")
    assert row["denied"] == 1


# -- what is unknown ---------------------------------------------------------------------------------


def test_equity_that_cannot_be_known_trips_like_a_loss() -> None:
    judge = hold()
    judge.account.symbol(ETH).position_qty = D(1)  # no price for it

    tell_price(judge, 100)

    assert causes(judge) == ["EQUITY_MISSING"]
    assert judge.state.state is TradingState.REDUCING


def test_an_account_that_has_not_reported_yet_trips_nothing() -> None:
    judge = make_judge(balance=None)
    fill(judge, make_order())

    assert judge.state.state is TradingState.ACTIVE


def test_every_loss_can_be_read_as_it_stands_without_tripping_anything() -> None:
    judge = hold(balance=200)
    tell_price(judge, 120)  # The peak: a gain of 20.
    tell_price(judge, 78)

    readings = judge.losses()

    # Equity is 178 after a peak of 220 and a day that began at 200.
    assert readings is not None
    assert [(r.key, r.observed, r.limit) for r in readings] == [
        ("unrealized_loss", D(22) / 178, D(1)),
        ("daily_loss", D(22) / 200, D(1)),
        ("drawdown", D(42) / 220, D(1)),
    ]
    assert judge.state.state is TradingState.ACTIVE


def test_a_gain_is_read_as_a_loss_of_zero() -> None:
    judge = hold(balance=200)

    tell_price(judge, 120)

    assert [r.observed for r in judge.losses() or []] == [D(0)] * 3


def test_losses_cannot_be_read_without_equity() -> None:
    judge = hold(balance=200)
    judge.account.balance = None

    assert judge.losses() is None


def test_a_look_without_equity_says_so() -> None:
    judge = make_judge(balance=None)

    assert LossBreakers(judge.limits.losses).look(judge.account, T0) is None


# -- price shock -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at_limit", "over"), [(105, "105.001"), (95, "94.999")])
def test_a_shock_trips_one_step_over_its_move(at_limit: object, over: object) -> None:
    judge = make_judge(price_move_bps_max=500, price_move_window_sec=60)
    tell_price(judge, 100, now_ns=T0)

    tell_price(judge, at_limit, now_ns=T0 + 30 * SECOND)
    assert judge.state.state is TradingState.ACTIVE

    tell_price(judge, over, now_ns=T0 + 59 * SECOND)
    assert causes(judge) == ["PRICE_SHOCK"]
    assert judge.state.state is TradingState.REDUCING


def test_a_slow_move_is_no_shock() -> None:
    judge = make_judge(price_move_bps_max=500, price_move_window_sec=60)
    tell_price(judge, 100, now_ns=T0)
    tell_price(judge, 106, now_ns=T0 + 60 * SECOND)

    assert judge.state.state is TradingState.ACTIVE


def test_symbols_are_not_compared_with_each_other() -> None:
    judge = make_judge(price_move_bps_max=500)
    tell_price(judge, 100)
    tell_price(judge, 200, instrument_id=ETH)

    assert judge.state.state is TradingState.ACTIVE


def test_a_shock_within_one_bar_is_seen() -> None:
    judge = make_judge(price_move_bps_max=500)
    judge.on_price(BTC, T0, low=1_000, high=1_051, last=D(100))

    assert causes(judge) == ["PRICE_SHOCK"]


def test_only_what_is_news_is_told() -> None:
    breaker = ShockBreaker(make_limits(price_move_bps_max=500).shock)
    looks = [breaker.look(BTC, T0, 100, 100), *(breaker.look(BTC, T0, p, p) for p in (102, 101))]

    assert [look.observed if look else None for look in looks] == [0, 200, None]


def test_a_reading_at_its_limit_is_not_tripped() -> None:
    assert not Reading("k", "C", D(5), D(5)).is_tripped
    assert Reading("k", "C", D("5.01"), D(5)).is_tripped
    assert Reading("k", "C", D(6), D(5), BTC).text == (f"C: observed=6, limit=5, instrument={BTC}")
