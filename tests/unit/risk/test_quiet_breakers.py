"""A false panic is as bad as a missed one: what must trip nothing, each beside the twin that must."""

from __future__ import annotations

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from risk.feed import SymbolFeed
from risk.intent import SELL
from risk.judge import Judge
from risk.trading_state import TradingState
from tests.risk_builders import BTC, DAY, SECOND, T0, D, fill, make_judge, make_order, tell_price

WIDE = {
    "unrealized_loss_ratio_alarm": 1,
    "unrealized_loss_ratio_max": 1,
    "daily_loss_ratio_max": 1,
    "drawdown_ratio_max": 1,
    "price_move_bps_max": 100_000,
}
ID = InstrumentId.from_str(BTC)


class Fed:
    """A judge with a long position of 1 from 100, that hears quotes and bars as a node does."""

    def __init__(self, **limits: object) -> None:
        self.judge = make_judge(**({"balance": 100} | WIDE | limits))
        fill(self.judge, make_order())
        self.feed = SymbolFeed(self.judge, Cache(), ID, use_bars=True)

    def quote(self, bid: str, ask: str, ts_ns: int = T0) -> None:
        size = Quantity.from_str("1")
        prices = Price.from_str(bid), Price.from_str(ask)
        self.feed.on_quote(QuoteTick(ID, *prices, size, size, ts_ns, ts_ns))

    def bar(self, close: str, ts_ns: int) -> None:
        flat = [Price.from_str(close)] * 4
        bar_type = BarType.from_str(f"{BTC}-1-MINUTE-LAST-EXTERNAL")
        self.feed.on_bar(Bar(bar_type, *flat, Quantity.from_str("1"), ts_ns, ts_ns))

    @property
    def causes(self) -> list[str]:
        return names(self.judge)


def names(judge: Judge) -> list[str]:
    return [cause.split(":", 1)[0] for cause in judge.state.causes]


LOSS = {"unrealized_loss_ratio_max": D("0.10"), "unrealized_loss_ratio_alarm": D("0.10")}
SHOCK = {"price_move_bps_max": 500, "price_move_window_sec": 60}

# -- prices that are none ----------------------------------------------------------------------------


@pytest.mark.parametrize(("bid", "ask"), [("0.0", "100.0"), ("100.0", "0.0"), ("0.0", "0.0")])
@pytest.mark.parametrize("limits", [LOSS, SHOCK], ids=["loss", "shock"])
def test_a_book_with_an_empty_side_is_neither_a_loss_nor_a_shock(bid, ask, limits) -> None:
    fed = Fed(**limits)
    fed.quote("100.0", "100.0")

    fed.quote(bid, ask, T0 + SECOND)

    assert fed.causes == []
    assert fed.judge.account.symbol(BTC).ref_px == 100


@pytest.mark.parametrize(
    ("limits", "cause"), [(LOSS, "UNREALIZED_LOSS"), (SHOCK, "PRICE_SHOCK")], ids=["loss", "shock"]
)
def test_the_same_fall_with_both_sides_of_the_book_trips(limits, cause) -> None:
    fed = Fed(**limits)
    fed.quote("100.0", "100.0")

    fed.quote("50.0", "50.0", T0 + SECOND)

    assert fed.causes == [cause]


# -- prices told late --------------------------------------------------------------------------------


def test_an_old_quote_that_comes_late_is_neither_a_shock_nor_a_loss() -> None:
    fed = Fed(**(SHOCK | LOSS))
    fed.quote("100.0", "100.0")
    fed.quote("112.0", "112.0", T0 + 120 * SECOND)  # slowly, over two minutes

    fed.quote("88.0", "88.0", T0 + 10 * SECOND)

    assert fed.causes == []
    assert fed.judge.account.symbol(BTC).ref_px == 112


def test_the_same_quote_told_in_time_is_a_shock() -> None:
    fed = Fed(**SHOCK)
    fed.quote("100.0", "100.0")

    fed.quote("88.0", "88.0", T0 + 10 * SECOND)

    assert fed.causes == ["PRICE_SHOCK"]


def test_an_old_bar_that_comes_late_is_no_shock_and_no_price() -> None:
    fed = Fed(**SHOCK)
    fed.bar("100.0", T0)
    fed.bar("112.0", T0 + 120 * SECOND)

    fed.bar("88.0", T0 + 60 * SECOND)

    assert fed.causes == []
    assert fed.feed.bar is not None
    assert fed.feed.bar.close == Price.from_str("112.0")


# -- a gap without data ------------------------------------------------------------------------------


@pytest.mark.parametrize(("gap_sec", "causes"), [(60, []), (59, ["PRICE_SHOCK"])])
def test_a_move_over_a_gap_is_a_shock_only_when_the_gap_is_shorter_than_the_window(
    gap_sec, causes
) -> None:
    fed = Fed(**SHOCK)
    fed.quote("100.0", "100.0")

    fed.quote("94.0", "94.0", T0 + gap_sec * SECOND)

    assert fed.causes == causes


# -- midnight ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ts_ns", "causes"),
    [(T0 + DAY - 1, ["DAILY_LOSS"]), (T0 + DAY, [])],
    ids=["a moment before", "at midnight"],
)
def test_funding_counts_to_the_day_in_which_it_is_settled(ts_ns, causes) -> None:
    # 8 are lost in the first day; 3 more break a tenth of 100, and no tenth of the 92 after it.
    judge = make_judge(**({"balance": 100} | WIDE | {"daily_loss_ratio_max": D("0.10")}))
    fill(judge, make_order())
    tell_price(judge, 92, now_ns=T0 + 1)

    judge.on_funding(D(-3), ts_ns)

    assert names(judge) == causes


@pytest.mark.parametrize(("fee", "causes"), [(2, []), ("2.01", ["DAILY_LOSS"])])
def test_a_fill_of_yesterday_that_comes_late_counts_to_today_and_opens_no_day(fee, causes) -> None:
    judge = make_judge(**({"balance": 100} | WIDE | {"daily_loss_ratio_max": D("0.10")}))
    fill(judge, make_order())
    tell_price(judge, 92, now_ns=T0)

    fill(judge, make_order(SELL), px=92, fee_usdt=fee, now_ns=T0 - 1)

    assert names(judge) == causes


# -- money that comes and goes -----------------------------------------------------------------------


@pytest.mark.parametrize("balance", [50, 1_000])
def test_money_paid_in_or_out_over_midnight_is_neither_profit_nor_loss(balance) -> None:
    judge = make_judge(**({"balance": 100} | WIDE | {"daily_loss_ratio_max": D("0.10")}))
    judge.look_at_losses(T0)

    judge.account.balance = D(balance)
    judge.look_at_losses(T0 + DAY - 1)
    judge.look_at_losses(T0 + DAY)

    assert judge.state.state is TradingState.ACTIVE


def test_a_loss_after_a_deposit_is_measured_from_the_days_first_equity() -> None:
    judge = make_judge(**({"balance": 100} | WIDE | {"daily_loss_ratio_max": D("0.10")}))
    fill(judge, make_order())
    judge.account.balance = D(1_000)

    tell_price(judge, 90)
    assert names(judge) == []

    tell_price(judge, "89.9")
    assert names(judge) == ["DAILY_LOSS"]
