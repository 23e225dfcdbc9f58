"""A false panic is as bad as a missed one: what must trip nothing, each beside the twin that must."""

from __future__ import annotations

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.data import Bar, BarType, MarkPriceUpdate, QuoteTick
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
        self.cache = Cache()
        self.feed = SymbolFeed(self.judge, self.cache, ID, use_bars=True)

    def quote(self, bid: str, ask: str, ts_ns: int = T0, arrived_ns: int | None = None) -> None:
        size = Quantity.from_str("1")
        prices = Price.from_str(bid), Price.from_str(ask)
        tick = QuoteTick(ID, *prices, size, size, ts_ns, arrived_ns or ts_ns)
        self.cache.add_quote_tick(tick)
        self.feed.on_quote(tick)

    def bar(self, close: str, ts_ns: int, of: str = "LAST", arrived_ns: int | None = None) -> None:
        flat = [Price.from_str(close)] * 4
        bar_type = BarType.from_str(f"{BTC}-1-MINUTE-{of}-EXTERNAL")
        self.feed.on_bar(Bar(bar_type, *flat, Quantity.from_str("1"), ts_ns, arrived_ns or ts_ns))

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


def test_a_bar_without_a_price_is_left_out_and_the_next_one_is_compared_with_the_one_before() -> (
    None
):
    fed = Fed(**SHOCK)
    fed.bar("100.0", T0)

    fed.bar("0.0", T0 + SECOND)
    assert (fed.causes, fed.judge.account.symbol(BTC).ref_px) == ([], 100)

    fed.bar("94.0", T0 + 2 * SECOND)
    assert fed.causes == ["PRICE_SHOCK"]


@pytest.mark.parametrize("low", [0, -1])
def test_a_price_of_nothing_is_neither_a_shock_nor_a_loss(low) -> None:
    fed = Fed(**(SHOCK | LOSS))
    fed.quote("100.0", "100.0")

    fed.judge.on_price(BTC, T0 + SECOND, low=low, high=1, last=D(0))

    assert (fed.causes, fed.judge.account.symbol(BTC).ref_px) == ([], 100)


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
    fed.feed.now()  # the newest quote to come is the old one

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


# -- stamps that are wrong ---------------------------------------------------------------------------

HOUR = 3_600 * SECOND


@pytest.mark.parametrize("ahead_ns", [10 * SECOND, HOUR, 2 * DAY], ids=["10 s", "1 h", "2 d"])
@pytest.mark.parametrize(
    ("limits", "cause"), [(SHOCK, "PRICE_SHOCK"), (LOSS, "UNREALIZED_LOSS")], ids=["shock", "loss"]
)
def test_a_quote_stamped_ahead_of_the_clock_blinds_nothing(ahead_ns, limits, cause) -> None:
    fed = Fed(**limits)
    fed.quote("100.0", "100.0", T0 + ahead_ns, arrived_ns=T0)

    fed.quote("88.0", "88.0", T0 + 2 * SECOND, arrived_ns=T0 + 3 * SECOND)

    assert fed.causes == [cause]


def test_a_quote_stamped_ahead_counts_when_it_comes_and_not_later() -> None:
    fed = Fed(**SHOCK)
    fed.quote("100.0", "100.0", T0 + 30 * SECOND, arrived_ns=T0)

    fed.quote("94.0", "94.0", T0 + 60 * SECOND)

    assert fed.causes == []


def test_a_quote_stamped_ahead_begins_no_day() -> None:
    fed = Fed(daily_loss_ratio_max=D("0.10"))
    fed.quote("92.0", "92.0", T0)
    fed.quote("92.0", "92.0", T0 + 2 * DAY, arrived_ns=T0 + 2 * SECOND)

    fed.quote("89.9", "89.9", T0 + 4 * SECOND)

    assert fed.causes == ["DAILY_LOSS"]


def test_quotes_of_an_outage_that_come_all_at_once_are_as_far_apart_as_they_were() -> None:
    fed = Fed(**SHOCK)

    for minute in range(11):  # 1 % a minute, told within ten seconds
        price, told_ns = f"{100 - minute}.0", T0 + (600 + minute) * SECOND
        fed.quote(price, price, T0 + 60 * minute * SECOND, arrived_ns=told_ns)

    assert fed.causes == []


def test_a_quote_that_lags_behind_the_clock_is_seen_all_the_same() -> None:
    fed = Fed(**SHOCK)
    fed.quote("100.0", "100.0", T0, arrived_ns=T0 + HOUR)

    fed.quote("94.0", "94.0", T0 + 30 * SECOND, arrived_ns=T0 + HOUR + 30 * SECOND)

    assert fed.causes == ["PRICE_SHOCK"]


def test_the_same_quote_told_again_is_no_news() -> None:
    fed = Fed(**SHOCK)
    fed.quote("100.0", "100.0")
    fed.quote("95.0", "95.0", T0 + 2 * SECOND)

    for seconds in (3, 61, 62):  # 5 % down, said again and again
        fed.quote("95.0", "95.0", T0 + seconds * SECOND)
        fed.feed.now()

    assert fed.causes == []


def test_the_first_quotes_of_a_run_are_no_shock_however_far_from_the_entry() -> None:
    fed = Fed(**SHOCK)

    fed.quote("50.0", "50.0", T0 + 2 * SECOND)

    assert fed.causes == []
    assert fed.judge.breakers(T0 + 2 * SECOND)[3].observed == 0


def test_a_bar_stamped_ahead_of_the_clock_blinds_nothing() -> None:
    fed = Fed(**SHOCK)
    fed.bar("100.0", T0 + HOUR, arrived_ns=T0)

    fed.bar("94.0", T0 + 59 * SECOND)

    assert fed.causes == ["PRICE_SHOCK"]


# -- prices of another kind --------------------------------------------------------------------------


@pytest.mark.parametrize(("of", "causes"), [("MARK", []), ("LAST", ["PRICE_SHOCK"])])
def test_a_bar_of_mark_prices_is_not_compared_with_one_of_trades(of, causes) -> None:
    fed = Fed(**SHOCK)
    fed.bar("100.0", T0)

    fed.bar("94.0", T0 + SECOND, of=of)

    assert fed.causes == causes


@pytest.mark.parametrize("mark", ["50.0", "200.0"])
def test_a_mark_price_far_away_is_neither_a_shock_nor_a_loss(mark) -> None:
    fed = Fed(**(SHOCK | LOSS))
    fed.quote("100.0", "100.0")

    fed.cache.add_mark_price(MarkPriceUpdate(ID, Price.from_str(mark), T0 + 1, T0 + 1))
    fed.feed.now()
    fed.quote("100.0", "100.0", T0 + 2 * SECOND)

    assert fed.causes == []


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


@pytest.mark.parametrize(("balance", "causes"), [("50", []), ("49.9", ["DRAWDOWN"]), ("1000", [])])
def test_a_drawdown_is_a_share_of_the_peak_in_todays_money(balance, causes) -> None:
    # 10 lost, and money paid out: with a balance of 50 they are a fifth of the peak, 40 and 10.
    judge = make_judge(**({"balance": 100} | WIDE | {"drawdown_ratio_max": D("0.20")}))
    fill(judge, make_order())
    tell_price(judge, 90)

    judge.account.balance = D(balance)
    judge.look_at_losses(T0)

    assert names(judge) == causes


@pytest.mark.parametrize("balance", ["30", "1000"])
def test_a_daily_loss_is_a_share_of_the_days_first_equity_whatever_is_paid_out(balance) -> None:
    judge = make_judge(**({"balance": 100} | WIDE | {"daily_loss_ratio_max": D("0.10")}))
    fill(judge, make_order())
    tell_price(judge, 90)

    judge.account.balance = D(balance)
    judge.look_at_losses(T0)

    assert names(judge) == []
