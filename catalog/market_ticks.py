"""Draw the quotes and trades of some hours from a path, and build the bars from the trades."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from catalog.market import (
    MINUTE_NS,
    STEP_NS,
    STEPS,
    Bars,
    Contract,
    Floats,
    Path,
    Timeline,
    on_grid,
)

MS_NS = 1_000_000
QUOTES_PER_MINUTE = 150.0
QUOTES_PER_MINUTE_MIN, QUOTES_PER_MINUTE_MAX = 60, 1_500
TRADE_SHARE = 0.4  # of quote changes that a trade answers
LEAN_HORIZON_QUOTES = 10  # how far ahead the book's lean knows a little


@dataclass(frozen=True, kw_only=True)
class Quotes:
    """Best bid and ask after each change; ``ts_ns`` is strictly increasing."""

    ts_ns: NDArray[np.int64]
    bid_price: Floats
    ask_price: Floats
    bid_size: Floats
    ask_size: Floats


@dataclass(frozen=True, kw_only=True)
class Trades:
    """Trades at the bid or the ask of their time; ``is_buyer`` is the aggressor's side."""

    ts_ns: NDArray[np.int64]
    price: Floats
    size: Floats
    is_buyer: NDArray[np.bool_]
    trade_id: NDArray[np.int64]


def draw_ticks(
    contract: Contract, path: Path, timeline: Timeline, rng: np.random.Generator
) -> tuple[Quotes, Trades]:
    """
    Return the quotes and trades of the timeline's tick hours.

    The mid price passes through the path's own steps, so that the bars of these hours join
    their neighbors. The sizes lean a little to the side the price will move to, as those of
    real books do; that lean, and no more, is what an imbalance strategy can earn from.
    """
    hours = _Hours.of(path, timeline)
    ts_ns = hours.begin_ns + MS_NS * _event_ms(hours.sigma, rng)
    sigma = hours.sigma[hours.minute_of(ts_ns)]

    mid = _mid(path, timeline, ts_ns, sigma, rng)
    event_sigma = sigma * mid / np.sqrt(QUOTES_PER_MINUTE)
    ahead = np.append(mid[LEAN_HORIZON_QUOTES:], np.repeat(mid[-1], LEAN_HORIZON_QUOTES)) - mid
    lean = np.tanh(ahead / (event_sigma * np.sqrt(LEAN_HORIZON_QUOTES)))

    tick = float(contract.price_tick)
    spread = 1 + np.floor(rng.exponential(0.15 * event_sigma / tick))
    bid = np.floor(mid / tick - spread / 2)
    depth = contract.quantity_per_minute / 20
    bid_size = depth * rng.lognormal(0, 0.8, len(mid)) * np.exp(0.6 * lean)
    ask_size = depth * rng.lognormal(0, 0.8, len(mid)) * np.exp(-0.6 * lean)
    quotes = Quotes(
        ts_ns=ts_ns,
        bid_price=on_grid(bid * tick, contract.price_tick),
        ask_price=on_grid((bid + spread) * tick, contract.price_tick),
        bid_size=on_grid(bid_size, contract.quantity_step),
        ask_size=on_grid(ask_size, contract.quantity_step),
    )
    return quotes, _trades(contract, hours, quotes, lean, rng)


def bars_of_trades(trades: Trades, contract: Contract) -> Bars:
    """Return the one-minute bars of *trades*, for every minute in which something traded."""
    minute_ns = trades.ts_ns - trades.ts_ns % MINUTE_NS
    open_ns, first = np.unique(minute_ns, return_index=True)
    last = np.append(first[1:], len(minute_ns)) - 1
    return Bars(
        open_ns=open_ns,
        open=trades.price[first],
        high=np.maximum.reduceat(trades.price, first),
        low=np.minimum.reduceat(trades.price, first),
        close=trades.price[last],
        volume=on_grid(np.add.reduceat(trades.size, first), contract.quantity_step),
    )


def with_bars(bars: Bars, better: Bars) -> Bars:
    """Return *bars* with those of the minutes in *better* replaced by the latter's."""
    rows = np.searchsorted(bars.open_ns, better.open_ns)
    replaced = {}
    for name in ("open_ns", "open", "high", "low", "close", "volume"):
        column = getattr(bars, name).copy()
        column[rows] = getattr(better, name)
        replaced[name] = column
    return Bars(**replaced)


@dataclass(frozen=True, kw_only=True)
class _Hours:
    """The tick hours of a path: their span and each minute's sigma and quantity."""

    begin_ns: int
    end_ns: int
    sigma: Floats
    quantity: Floats

    @classmethod
    def of(cls, path: Path, timeline: Timeline) -> Self:
        begin, end = timeline.ticks_minute, timeline.ticks_minute + timeline.ticks_minutes
        return cls(
            begin_ns=timeline.start_ns + begin * MINUTE_NS,
            end_ns=timeline.start_ns + end * MINUTE_NS,
            sigma=path.sigma[begin:end],
            quantity=path.quantity[begin:end],
        )

    def minute_of(self, ts_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        return (ts_ns - self.begin_ns) // MINUTE_NS


def _event_ms(sigma: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the milliseconds, from the first minute on, at which the best quote changes."""
    rush = np.sqrt(sigma / np.median(sigma))
    counts = rng.poisson(QUOTES_PER_MINUTE * rush)
    counts = np.clip(counts, QUOTES_PER_MINUTE_MIN, QUOTES_PER_MINUTE_MAX)
    minute = np.repeat(np.arange(len(sigma)), counts)
    return np.unique(minute * 60_000 + rng.integers(0, 60_000, len(minute)))


def _mid(
    path: Path,
    timeline: Timeline,
    ts_ns: NDArray[np.int64],
    sigma: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Return the mid price at each time: the path's steps, joined by Brownian bridges."""
    before, after = timeline.ticks_minute - 1, timeline.ticks_minute + timeline.ticks_minutes
    knots = np.log(path.mid[before:after].ravel())
    knot_ns = timeline.start_ns + before * MINUTE_NS + STEP_NS * np.arange(1, len(knots) + 1)
    assert len(knots) == (timeline.ticks_minutes + 1) * STEPS

    elapsed = np.diff(ts_ns, prepend=ts_ns[0]) / MINUTE_NS
    walk = np.cumsum(rng.normal(0, 1, len(ts_ns)) * sigma * np.sqrt(elapsed))
    bridge = walk - np.interp(ts_ns, knot_ns, np.interp(knot_ns, ts_ns, walk))
    return np.exp(np.interp(ts_ns, knot_ns, knots) + bridge)


def _trades(
    contract: Contract, hours: _Hours, quotes: Quotes, lean: Floats, rng: np.random.Generator
) -> Trades:
    """Return trades between quote changes, each at the bid or ask that stands at its time."""
    minute = hours.minute_of(quotes.ts_ns)
    # The first change of a minute is always answered: no minute of these hours is empty.
    taken = (rng.random(len(lean)) < TRADE_SHARE) | (np.diff(minute, prepend=-1) > 0)
    gap_ns = np.diff(quotes.ts_ns, append=hours.end_ns)[taken]
    ts_ns = quotes.ts_ns[taken] + gap_ns // 2 // MS_NS * MS_NS
    is_buyer = rng.random(taken.sum()) < 0.5 + 0.3 * lean[taken]
    weight = rng.pareto(1.8, len(ts_ns)) + 0.05
    total = np.bincount(minute[taken], weight)
    size = hours.quantity[minute[taken]] * weight / total[minute[taken]]
    return Trades(
        ts_ns=ts_ns,
        price=np.where(is_buyer, quotes.ask_price[taken], quotes.bid_price[taken]),
        size=on_grid(size, contract.quantity_step),
        is_buyer=is_buyer,
        trade_id=np.arange(1, len(ts_ns) + 1),
    )
