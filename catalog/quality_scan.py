"""Run series of the catalog past the rules and count by the day what they find."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from nautilus_trader.model.data import (
    Bar,
    BarType,
    FundingRateUpdate,
    MarkPriceUpdate,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)
from numpy.typing import NDArray

from catalog import quality_rules as rules
from catalog.quality_read import SeriesReader, Span
from catalog.quality_rules import DAY_NS, MINUTE_NS, Chunk, Flaw, Floats, Kind, Times

# Silence beyond this is a gap. Bars have a measure of their own, their interval; mark prices
# come at any pace, so theirs is the usual step around.
_SILENCE_MINUTES_MAX: dict[type, int] = {
    QuoteTick: rules.GAP_MINUTES_MAX,
    TradeTick: rules.TRADE_SILENCE_MINUTES_MAX,
    OrderBookDelta: rules.GAP_MINUTES_MAX,
    FundingRateUpdate: rules.FUNDING_GAP_MINUTES_MAX,
}


@dataclass(kw_only=True)
class Tally:
    """How often a flaw was met on a day, where first, how large it was at most and in sum."""

    count: int
    first_ns: int
    size_max: float
    size_sum: float


@dataclass(kw_only=True)
class Scan:
    """What a series was found to hold: rows and flaws, by the day (days since 1970)."""

    rows: dict[int, int] = field(default_factory=dict)
    rows_with_mark: dict[int, int] = field(default_factory=dict)
    flaws: dict[int, dict[Kind, Tally]] = field(default_factory=dict)

    def add(self, day: int, kind: Kind, found: Tally) -> None:
        """Count *found* on *day*."""
        known = self.flaws.setdefault(day, {}).setdefault(kind, found)
        if known is not found:
            known.count += found.count
            known.first_ns = min(known.first_ns, found.first_ns)
            known.size_max = max(known.size_max, found.size_max)
            known.size_sum += found.size_sum


def scan_series(reader: SeriesReader, span: Span) -> Scan:
    """Return what a series holds in *span*."""
    scan = Scan()
    # Where the series reaches over an edge of the span, nothing may be missing at the edge.
    day_before = Span(start_ns=span.start_ns - DAY_NS, end_ns=span.start_ns)
    day_after = Span(start_ns=span.end_ns, end_ns=span.end_ns + DAY_NS)
    previous = span.start_ns - reader.interval_ns if reader.has_rows(day_before) else None
    following = span.end_ns if reader.has_rows(day_after) else None
    known_silence_ns = _SILENCE_MINUTES_MAX.get(reader.data_cls, 0) * MINUTE_NS
    silence_ns = known_silence_ns
    rule = _Rules(reader, span)
    for chunk in reader.chunks(span):
        opened = chunk.ts - reader.interval_ns
        fresh = opened[chunk.seen :]
        silence_ns = known_silence_ns or _usual_silence_ns(fresh)
        times = fresh if previous is None else np.append(previous, fresh)
        _count_gaps(scan, times, reader.interval_ns, silence_ns)
        previous = int(fresh[-1])
        _count_rows(scan.rows, fresh)
        _count_rows(scan.rows_with_mark, fresh[rule.has_mark(chunk)])
        for flaw in rule.flaws(chunk):
            _count_flaw(scan, flaw, opened)
    if previous is not None and following is not None:
        _count_gaps(scan, np.array([previous, following]), reader.interval_ns, silence_ns)
    return scan


class _Rules:
    """The rules of a series' data class, with the marks that bars are compared with."""

    def __init__(self, reader: SeriesReader, span: Span) -> None:
        self._reader = reader
        self._interval_ns = reader.interval_ns
        self._marks: tuple[Times, Floats] = (np.empty(0, np.int64), np.empty(0))
        if reader.data_cls is Bar:
            instrument_id = str(BarType.from_str(reader.identifier).instrument_id)
            wider = Span(
                start_ns=span.start_ns - self._interval_ns, end_ns=span.end_ns + self._interval_ns
            )
            self._marks = _marks(reader, instrument_id, wider)

    def flaws(self, chunk: Chunk) -> Iterator[Flaw]:
        data_cls, fields = self._reader.data_cls, chunk.fields
        is_ts_unique = data_cls in (Bar, MarkPriceUpdate, FundingRateUpdate)
        yield from rules.order_flaws(chunk, is_ts_unique=is_ts_unique)
        if data_cls is Bar:
            yield from rules.bar_flaws(chunk, self._interval_ns)
            yield rules.mark_flaw(chunk, *self._marks, self._interval_ns)
            for flaw in rules.bar_doubts(chunk, self._interval_ns):
                yield self._without_witness(flaw, chunk)
        elif data_cls is QuoteTick:
            yield from rules.quote_flaws(chunk)
        elif data_cls is TradeTick:
            yield from rules.trade_flaws(chunk)
        elif data_cls is MarkPriceUpdate:
            yield rules.non_positive_flaw(chunk, fields["value"])
        elif data_cls is FundingRateUpdate:
            yield rules.funding_flaw(chunk)

    def has_mark(self, chunk: Chunk) -> NDArray[np.bool_]:
        ts = chunk.ts[chunk.seen :]
        return rules.marks_at(ts, *self._marks, self._interval_ns)[0]

    def _without_witness(self, flaw: Flaw, chunk: Chunk) -> Flaw:
        """Return *flaw* without the rows in which the mark or another contract moved too."""
        if not len(flaw.rows):
            return flaw
        ts = chunk.ts[flaw.rows]
        moved = rules.mark_moves(ts, *self._marks, self._interval_ns)
        around = Span(start_ns=int(ts.min()) - 3 * self._interval_ns, end_ns=int(ts.max()) + 1)
        for other in _others(self._reader):
            moved = np.maximum(moved, rules.bar_moves(ts, *other.whole(around)))
        alone = moved < rules.CONFIRMING_SHARE_MIN * flaw.sizes
        return Flaw(kind=flaw.kind, rows=flaw.rows[alone], sizes=flaw.sizes[alone])


def _others(reader: SeriesReader) -> Iterator[SeriesReader]:
    """Yield the bars of the same kind of every other instrument in the catalog."""
    own = BarType.from_str(reader.identifier)
    for identifier in reader.store.identifiers(Bar):
        if identifier != reader.identifier and BarType.from_str(identifier).spec == own.spec:
            yield SeriesReader(reader.store, Bar, identifier)


def _marks(reader: SeriesReader, instrument_id: str, span: Span) -> tuple[Times, Floats]:
    if instrument_id not in reader.store.identifiers(MarkPriceUpdate):
        return np.empty(0, np.int64), np.empty(0)
    ts, fields = SeriesReader(reader.store, MarkPriceUpdate, instrument_id).whole(span)
    return ts, fields["value"]


def _usual_silence_ns(times: Times) -> int:
    """Return the silence that is a gap in a series without a known pace."""
    # Not the median: a mark kline gives two prices, its open and, just before the next, its close.
    usual = int(np.quantile(np.diff(times), 0.75)) if len(times) > 1 else 0
    return max(usual * 3 // 2, rules.GAP_MINUTES_MAX * MINUTE_NS)


def _count_rows(rows: dict[int, int], times: Times) -> None:
    for day, count in zip(*np.unique(times // DAY_NS, return_counts=True), strict=True):
        rows[int(day)] = rows.get(int(day), 0) + int(count)


def _count_flaw(scan: Scan, flaw: Flaw, opened: Times) -> None:
    times = opened[flaw.rows]
    for day in np.unique(times // DAY_NS):
        on_day = times // DAY_NS == day
        sizes = flaw.sizes[on_day]
        found = Tally(
            count=int(on_day.sum()),
            first_ns=int(times[on_day].min()),
            size_max=float(sizes.max()),
            size_sum=float(sizes.sum()),
        )
        scan.add(int(day), flaw.kind, found)


def _count_gaps(scan: Scan, times: Times, interval_ns: int, silence_ns: int) -> None:
    """
    Count what is missing between *times* on every day it touches; sizes are in minutes.

    A hole with whole days in it lies between two files, each of which may begin and end at any
    time of day: then only the whole days count, as absent.
    """
    steps = np.diff(times)
    for at in np.flatnonzero(steps > (interval_ns or silence_ns)):
        # What is missing begins where the bar before ended, or with the silence itself.
        begin_ns, end_ns = int(times[at]) + interval_ns, int(times[at + 1])
        absent = range(-(-begin_ns // DAY_NS), end_ns // DAY_NS)
        touched = absent or range(begin_ns // DAY_NS, (end_ns - 1) // DAY_NS + 1)
        for day in touched:
            first_ns, last_ns = max(begin_ns, day * DAY_NS), min(end_ns, (day + 1) * DAY_NS)
            found = Tally(
                count=-(-(last_ns - first_ns) // interval_ns) if interval_ns else 1,
                first_ns=first_ns,
                # The whole gap, on either side of midnight: halves of it are no better.
                size_max=(end_ns - begin_ns) / MINUTE_NS,
                size_sum=(last_ns - first_ns) / MINUTE_NS,
            )
            scan.add(day, Kind.ABSENT if absent else Kind.GAP, found)
