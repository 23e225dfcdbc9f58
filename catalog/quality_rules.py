"""Judge market data row by row: pure functions from columns of numbers to flawed rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
DAY_NS = 1440 * MINUTE_NS

# The thresholds. Figures about real data are of 18 one-minute and five-minute files of USD-M
# perpetuals, 2023 to 2025, with two crashes of 20 % and more in an hour in them.

# A gap that no stop could be watched in: five minutes move a price no more than slippage does
# on a usual day. A day is also bad when 1 % of it is missing in smaller pieces.
GAP_MINUTES_MAX = 5
MISSING_MINUTES_MAX = 15
# Trades may pause where quotes may not: a small contract has minutes without one.
TRADE_SILENCE_MINUTES_MAX = 30
# The venue settles at least every eight hours; settlement times carry some jitter.
FUNDING_GAP_MINUTES_MAX = 8 * 60 + 5

# A lone spike stands out from both neighbors by this share of the price and by this many
# usual ranges of a bar, on less than this multiple of the usual volume. Real wicks beyond the
# first two (up to 3.7 %) came with over 10 times the usual volume; a wrong print brings
# no volume. Below 1 % a wrong print cannot be told from a thin book, and does little.
SPIKE_RATIO_MIN = 0.01
SPIKE_RANGES_MIN = 5.0
SPIKE_VOLUMES_MIN = 5.0
# In trades an order that sweeps a thin book is such a spike too; it is many usual sizes large.
SWEEP_SIZES_MIN = 50.0
# What counts as usual: the median of this many rows on either side.
USUAL_ROWS = 30
# A bar opens where the last one closed (real data: within 0.44 %, in the worst crash).
JUMP_RATIO_MIN = 0.02
# Another contract confirms a move if it went this share of it in the same bar.
CONFIRMING_SHARE_MIN = 0.25
# The last price leaves the mark by more than this in no healthy series for long: in a crash
# for a minute or two, in data of another contract or another hour all day.
MARK_RATIO_MAX = 0.05
MARK_BARS_MAX = 4
# Best bids at or above the ask: a recorder's slip now and then, above this share a fault.
CROSSED_SHARE_MAX = 0.001
# The widest cap or floor of any contract's funding rate.
FUNDING_RATE_MAX = 0.03


class Kind(StrEnum):
    """What can be wrong with a day of data."""

    ABSENT = "absent"
    GAP = "gap"
    DISORDER = "disorder"
    DUPLICATE = "duplicate"
    NON_POSITIVE = "non-positive"
    OHLC = "ohlc"
    MOVE_WITHOUT_VOLUME = "move without volume"
    NO_TRADES = "no trades"
    SPIKE = "spike"
    JUMP = "jump"
    OFF_MARK = "off mark"
    CROSSED = "crossed"
    FUNDING_RATE = "funding rate"


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """
    Consecutive rows of one series.

    ``ts`` is the time that orders the rows, Unix nanoseconds; ``fields`` the columns as
    floats; the first ``seen`` rows were in the chunk before and serve as context only.
    ``ids`` are the trades' numbers.
    """

    ts: Times
    fields: dict[str, Floats]
    seen: int
    ids: NDArray[np.int64] | None = None


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """Rows with one kind of flaw; ``sizes`` says how bad each is, in the kind's own measure."""

    kind: Kind
    rows: NDArray[np.int64]
    sizes: Floats


def order_flaws(chunk: Chunk, *, is_ts_unique: bool) -> Iterator[Flaw]:
    """Yield rows that go back in time and rows that are there twice."""
    steps = np.diff(chunk.ts, prepend=chunk.ts[:1] - 1)
    yield _flaw(chunk, Kind.DISORDER, steps < 0, -steps / SECOND_NS)
    if is_ts_unique:
        yield _flaw(chunk, Kind.DUPLICATE, steps == 0)
    elif chunk.ids is not None:
        yield _flaw(chunk, Kind.DUPLICATE, _repeats(chunk.ids))


def bar_flaws(chunk: Chunk, interval_ns: int) -> Iterator[Flaw]:
    """Yield what is wrong within single bars of last prices, and bars that nobody traded."""
    o, h, lo, c, volume = (chunk.fields[n] for n in ("open", "high", "low", "close", "volume"))
    lowest, highest = np.minimum(o, c), np.maximum(o, c)
    is_empty = np.minimum(np.minimum(lowest, lo), h) <= 0
    yield _flaw(chunk, Kind.NON_POSITIVE, is_empty | (volume < 0))
    yield _flaw(chunk, Kind.OHLC, (h < np.maximum(highest, lo)) | (lo > lowest))
    yield _flaw(chunk, Kind.MOVE_WITHOUT_VOLUME, (volume == 0) & (h > lo), _ratio(h, lo))
    row = np.arange(len(chunk.ts))
    last_traded = np.maximum.accumulate(np.where(volume > 0, row, 0))
    quiet_minutes = (row - last_traded) * (interval_ns / MINUTE_NS)
    is_quiet = (volume == 0) & (quiet_minutes >= TRADE_SILENCE_MINUTES_MAX)
    yield _flaw(chunk, Kind.NO_TRADES, is_quiet, quiet_minutes)


def bar_doubts(chunk: Chunk, interval_ns: int) -> Iterator[Flaw]:
    """
    Yield bars whose prices look like wrong ones, if nothing outside the series speaks for them.

    A jump is a bar that opens far from the close of the bar right before. A spike stands out
    from both neighbors: prices that come out of nowhere and go back at once. A crash goes on,
    or leaves a trace in the bar after, or comes with volume; a wrong print does neither.
    """
    jump = np.abs(_ratio(chunk.fields["open"][1:], chunk.fields["close"][:-1]))
    is_jump = (jump > JUMP_RATIO_MIN) & (np.diff(chunk.ts) == interval_ns)
    yield _flaw(chunk, Kind.JUMP, np.append(False, is_jump), np.append(0.0, jump))
    high, low, volume = (chunk.fields[name] for name in ("high", "low", "volume"))
    rows, sizes = _spikes(high, low, chunk.seen)
    lone = volume[rows] < SPIKE_VOLUMES_MIN * _usual(volume, rows)
    yield Flaw(kind=Kind.SPIKE, rows=rows[lone], sizes=sizes[lone])


def quote_flaws(chunk: Chunk) -> Iterator[Flaw]:
    """Yield quotes that are empty, whose bid is at or above the ask, or that stand out."""
    bid, ask = chunk.fields["bid_price"], chunk.fields["ask_price"]
    least = np.minimum(chunk.fields["bid_size"], chunk.fields["ask_size"])
    yield _flaw(chunk, Kind.NON_POSITIVE, (np.minimum(bid, ask) <= 0) | (least <= 0))
    yield _flaw(chunk, Kind.CROSSED, (bid >= ask) & (ask > 0), _ratio(bid, ask))
    rows, sizes = _spikes((bid + ask) / 2, (bid + ask) / 2, chunk.seen)
    yield Flaw(kind=Kind.SPIKE, rows=rows, sizes=sizes)


def trade_flaws(chunk: Chunk) -> Iterator[Flaw]:
    """Yield trades without a price or a size, and lone prices; trades of one instant are one."""
    price, size = chunk.fields["price"], chunk.fields["size"]
    yield _flaw(chunk, Kind.NON_POSITIVE, np.minimum(price, size) <= 0)
    _, first, instant = np.unique(chunk.ts, return_index=True, return_inverse=True)
    high, low = np.maximum.reduceat(price, first), np.minimum.reduceat(price, first)
    total = np.add.reduceat(size, first)
    seen = int(instant[chunk.seen - 1]) + 1 if chunk.seen else 0
    rows, sizes = _spikes(high, low, seen)
    lone = total[rows] < SWEEP_SIZES_MIN * _usual(total, rows)
    yield Flaw(kind=Kind.SPIKE, rows=first[rows[lone]], sizes=sizes[lone])


def non_positive_flaw(chunk: Chunk, values: Floats) -> Flaw:
    """Return rows whose value is not above zero."""
    return _flaw(chunk, Kind.NON_POSITIVE, values <= 0)


def funding_flaw(chunk: Chunk) -> Flaw:
    """Return funding rates that no contract may have."""
    rate = np.abs(chunk.fields["rate"])
    return _flaw(chunk, Kind.FUNDING_RATE, rate > FUNDING_RATE_MAX, rate)


def mark_flaw(chunk: Chunk, mark_ts: Times, mark: Floats, age_ns_max: int) -> Flaw:
    """Return bars that close away from the mark price of their time."""
    has_mark, mark = marks_at(chunk.ts, mark_ts, mark, age_ns_max)
    away = np.abs(_ratio(chunk.fields["close"], mark))
    return _flaw(chunk, Kind.OFF_MARK, has_mark & (away > MARK_RATIO_MAX), away)


def marks_at(
    ts: Times, mark_ts: Times, mark: Floats, age_ns_max: int
) -> tuple[NDArray[np.bool_], Floats]:
    """Return for each time whether a mark price younger than *age_ns_max* is known, and it."""
    if not len(mark):
        return np.zeros(len(ts), dtype=bool), np.zeros(len(ts))
    at = np.searchsorted(mark_ts, ts, side="right") - 1
    has_mark = (at >= 0) & (ts - mark_ts[at] < age_ns_max)
    return has_mark, np.where(has_mark, mark[at], 0.0)


def mark_moves(ts: Times, mark_ts: Times, mark: Floats, interval_ns: int) -> Floats:
    """Return how far the mark price moved in the bars that close at *ts*, 0 where unknown."""
    knew_end, end = marks_at(ts, mark_ts, mark, interval_ns)
    knew_begin, begin = marks_at(ts - interval_ns, mark_ts, mark, interval_ns)
    return np.where(knew_begin & knew_end, np.abs(_ratio(end, begin)), 0.0)


def bar_moves(ts: Times, bar_ts: Times, fields: dict[str, Floats]) -> Floats:
    """Return how far another contract's price went in the bars that close at *ts*, else 0."""
    if len(bar_ts) < 2:
        return np.zeros(len(ts))
    at = np.clip(np.searchsorted(bar_ts, ts), 1, len(bar_ts) - 1)
    before = fields["close"][at - 1]
    up, down = _ratio(fields["high"][at], before), _ratio(fields["low"][at], before)
    return np.where(bar_ts[at] == ts, np.maximum(np.abs(up), np.abs(down)), 0.0)


def _spikes(high: Floats, low: Floats, seen: int) -> tuple[NDArray[np.int64], Floats]:
    """
    Return the rows that stand out from both neighbors, and by which share of the price.

    The last row of a chunk has no neighbor yet; it is judged with the next chunk.
    """
    if len(high) < 3:
        return np.empty(0, np.int64), np.empty(0)
    above = _ratio(high[1:-1], np.maximum(high[:-2], high[2:]))
    below = -_ratio(low[1:-1], np.minimum(low[:-2], low[2:]))
    excess = np.concatenate(([0.0], np.maximum(above, below), [0.0]))
    rows = np.flatnonzero(excess > SPIKE_RATIO_MIN)
    rows = rows[rows >= seen - 1]
    rows = rows[excess[rows] > SPIKE_RANGES_MIN * _usual(_ratio(high, low), rows)]
    return rows, excess[rows]


def _usual(values: Floats, rows: NDArray[np.int64]) -> Floats:
    """Return the median of *values* around each row."""
    around = (slice(max(row - USUAL_ROWS, 0), row + USUAL_ROWS + 1) for row in rows)
    return np.array([np.median(values[near]) for near in around], dtype=np.float64)


def _flaw(chunk: Chunk, kind: Kind, flawed: NDArray[np.bool_], sizes: Floats | None = None) -> Flaw:
    rows = np.flatnonzero(flawed)
    rows = rows[rows >= chunk.seen]
    return Flaw(kind=kind, rows=rows, sizes=np.ones(len(rows)) if sizes is None else sizes[rows])


def _ratio(value: Floats, base: Floats) -> Floats:
    """Return ``value / base - 1``, and 0 where the base is no price (judged elsewhere)."""
    return np.divide(value, base, out=np.ones_like(value), where=base > 0) - 1


def _repeats(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    repeats = np.ones(len(ids), dtype=bool)
    repeats[np.unique(ids, return_index=True)[1]] = False
    return repeats
