"""The drawn market has the habits of real ones, and is the same for everybody with a seed."""

from decimal import Decimal

import numpy as np
import pytest

from catalog import market, market_ticks
from catalog.market import Bars, Contract, Path, Timeline

CRASH_MINUTE = 3 * 1440
TIMELINE = Timeline(
    start_ns=1_767_225_600_000_000_000,
    minutes=10 * 1440,
    crash_minute=CRASH_MINUTE,
    outage_minute=5 * 1440,
    outage_minutes=47,
    ticks_minute=CRASH_MINUTE - 30,
    ticks_minutes=60,
)


def contract(symbol: str, *, beta: float, crash_depth: float) -> Contract:
    return Contract(
        symbol=symbol,
        price_start=1000.0,
        price_tick=Decimal("0.05"),
        quantity_step=Decimal("0.1"),
        quantity_per_minute=500.0,
        beta=beta,
        own_sigma=0.0002,
        crash_depth=crash_depth,
    )


CONTRACTS = (
    contract("AUSDT", beta=1.0, crash_depth=0.06),
    contract("BUSDT", beta=1.5, crash_depth=0.09),
)
A = CONTRACTS[0]


@pytest.fixture(scope="module")
def paths() -> dict[str, Path]:
    return market.draw_paths(CONTRACTS, TIMELINE, np.random.default_rng(7))


def minute_returns(path: Path) -> np.ndarray:
    """Return the minutes' log returns, without the days of the crash and the one after it."""
    close = np.delete(path.mid[:, -1], slice(CRASH_MINUTE - 1, CRASH_MINUTE + 2 * 1440))
    return np.diff(np.log(close))


def autocorrelation(values: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])


def test_the_same_seed_draws_the_same_market() -> None:
    once = market.draw_paths(CONTRACTS, TIMELINE, np.random.default_rng(1))
    again = market.draw_paths(CONTRACTS, TIMELINE, np.random.default_rng(1))
    other = market.draw_paths(CONTRACTS, TIMELINE, np.random.default_rng(2))

    assert np.array_equal(once["AUSDT"].mid, again["AUSDT"].mid)
    assert not np.array_equal(once["AUSDT"].mid, other["AUSDT"].mid)


def test_returns_have_fat_tails(paths: dict[str, Path]) -> None:
    returns = minute_returns(paths["AUSDT"])

    kurtosis = np.mean((returns - returns.mean()) ** 4) / returns.var() ** 2

    # A normal distribution has 3; clusters of volatility alone would give 8 here.
    assert kurtosis > 10


def test_volatility_and_volume_come_in_clusters(paths: dict[str, Path]) -> None:
    path = paths["AUSDT"]
    size = np.abs(minute_returns(path))

    assert autocorrelation(size, 1) > 0.1
    assert autocorrelation(size, 30) > 0.05
    assert autocorrelation(minute_returns(path), 1) == pytest.approx(0, abs=0.05)
    assert autocorrelation(np.log(path.quantity), 30) > 0.2


def test_volume_comes_with_movement(paths: dict[str, Path]) -> None:
    path = paths["AUSDT"]
    moved = np.abs(np.diff(np.log(path.mid[:, -1])))

    assert np.corrcoef(np.log(path.quantity[1:]), np.log(moved + 1e-6))[0, 1] > 0.15


def test_contracts_move_together(paths: dict[str, Path]) -> None:
    together = np.corrcoef(minute_returns(paths["AUSDT"]), minute_returns(paths["BUSDT"]))[0, 1]

    assert 0.7 < together < 0.99


@pytest.mark.parametrize("drawn", CONTRACTS, ids=lambda c: c.symbol)
def test_the_crash_falls_over_five_percent_in_one_minute_and_comes_back_in_part(
    paths: dict[str, Path], drawn: Contract
) -> None:
    bars = market.bars_of_path(drawn, paths[drawn.symbol], TIMELINE)
    before, low = bars.open[CRASH_MINUTE], bars.low[CRASH_MINUTE]
    later = np.mean(bars.close[CRASH_MINUTE + 25 : CRASH_MINUTE + 35])

    assert low / before - 1 < -0.05
    assert bars.close[CRASH_MINUTE] / before - 1 < -0.04
    assert 0.2 < (later - low) / (before - low) < 0.9


def test_bars_enclose_open_at_the_last_close_and_lie_on_the_tick(paths: dict[str, Path]) -> None:
    bars = market.bars_of_path(A, paths["AUSDT"], TIMELINE)

    assert np.array_equal(bars.open[1:], bars.close[:-1])
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    ticks = np.concatenate((bars.open, bars.high, bars.low, bars.close)) / 0.05
    assert np.allclose(ticks, np.round(ticks), atol=1e-6)
    assert (bars.volume >= 0.1).all()


def test_trades_happen_at_the_bid_or_ask_of_their_time(paths: dict[str, Path]) -> None:
    quotes, trades = market_ticks.draw_ticks(A, paths["AUSDT"], TIMELINE, np.random.default_rng(3))
    at = np.searchsorted(quotes.ts_ns, trades.ts_ns, side="right") - 1

    assert (quotes.bid_price < quotes.ask_price).all()
    assert (np.diff(quotes.ts_ns) > 0).all()
    assert np.array_equal(
        trades.price, np.where(trades.is_buyer, quotes.ask_price[at], quotes.bid_price[at])
    )
    assert len(np.unique(trades.trade_id)) == len(trades.trade_id)


def test_the_lean_of_the_book_and_the_takers_say_something_about_the_next_move(
    paths: dict[str, Path],
) -> None:
    quotes, trades = market_ticks.draw_ticks(A, paths["AUSDT"], TIMELINE, np.random.default_rng(3))
    lean = np.log(quotes.bid_size / quotes.ask_size)
    mid = (quotes.bid_price + quotes.ask_price) / 2
    ahead = np.sign(mid[10:] - mid[:-10])

    at = np.searchsorted(quotes.ts_ns, trades.ts_ns, side="right") - 1
    known = at < len(ahead)

    assert 0.4 < np.corrcoef(lean[:-10], ahead)[0, 1] < 0.6
    assert 0.2 < np.corrcoef(trades.is_buyer[known], ahead[at[known]])[0, 1] < 0.5


def test_tick_hours_join_the_bars_around_them(paths: dict[str, Path]) -> None:
    path = paths["AUSDT"]
    bars = market.bars_of_path(A, path, TIMELINE)
    _, trades = market_ticks.draw_ticks(A, path, TIMELINE, np.random.default_rng(3))
    hour = market_ticks.bars_of_trades(trades, A)
    inside = slice(TIMELINE.ticks_minute, TIMELINE.ticks_minute + TIMELINE.ticks_minutes)

    assert np.array_equal(hour.open_ns, TIMELINE.open_ns[inside])
    away = np.abs(hour.close / bars.close[inside] - 1)
    assert (away < 4 * path.sigma[inside]).all()
    whole = market_ticks.with_bars(bars, hour)
    assert np.array_equal(whole.close[inside], hour.close)
    assert np.array_equal(whole.close[: inside.start], bars.close[: inside.start])


def test_bars_of_trades_are_first_highest_lowest_last_and_sum() -> None:
    minute = market.MINUTE_NS
    trades = market_ticks.Trades(
        ts_ns=np.array([5, 9, minute - 1, minute, 3 * minute]),
        price=np.array([10.0, 12.0, 11.0, 9.0, 8.0]),
        size=np.array([1.0, 2.0, 0.5, 4.0, 7.0]),
        is_buyer=np.array([True] * 5),
        trade_id=np.arange(5),
    )

    bars = market_ticks.bars_of_trades(trades, A)

    assert columns(bars) == [
        (0, 10.0, 12.0, 10.0, 11.0, 3.5),
        (minute, 9.0, 9.0, 9.0, 9.0, 4.0),
        (3 * minute, 8.0, 8.0, 8.0, 8.0, 7.0),
    ]


def test_mark_prices_are_calmer_than_last_prices_and_stay_near(paths: dict[str, Path]) -> None:
    path = paths["AUSDT"]
    mark = market.draw_mark_prices(A, path, np.random.default_rng(3))
    last = path.mid[:, -1]

    assert np.diff(np.log(mark)).std() < np.diff(np.log(last)).std()
    assert np.abs(mark / last - 1).max() < 0.03


def test_funding_is_settled_every_eight_hours_with_some_milliseconds_of_jitter(
    paths: dict[str, Path],
) -> None:
    settled_ns, rates = market.draw_funding(paths["AUSDT"], TIMELINE, np.random.default_rng(3))
    late_ns = settled_ns - TIMELINE.start_ns - np.arange(30) * 8 * 3600 * 10**9

    assert len(settled_ns) == 30
    assert (late_ns >= 0).all()
    assert (late_ns < 20_000_000).all()
    assert np.abs(rates).max() <= 0.003
    assert rates.std() > 0


def columns(bars: Bars) -> list[tuple]:
    names = ("open_ns", "open", "high", "low", "close", "volume")
    return list(zip(*(getattr(bars, name).tolist() for name in names), strict=True))
