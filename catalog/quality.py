"""Say which days of the catalog may drive a backtest, and what is wrong with the others."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from nautilus_trader.model.data import (
    Bar,
    BarType,
    FundingRateUpdate,
    MarkPriceUpdate,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.identifiers import InstrumentId

from catalog import quality_rules as rules
from catalog.quality_read import SeriesReader, Span
from catalog.quality_rules import DAY_NS, Kind
from catalog.quality_scan import Scan, Tally, scan_series
from catalog.store import Store

# The names that profiles use for the kinds of market data.
DATA_CLASSES: dict[str, type] = {
    "bars": Bar,
    "quotes": QuoteTick,
    "trades": TradeTick,
    "book": OrderBookDelta,
    "mark_prices": MarkPriceUpdate,
    "funding": FundingRateUpdate,
}
_EPOCH = date(1970, 1, 1)
# Flaws of which one row is enough. The others have a measure, in `_is_bad`.
_BAD_AT_ONCE = frozenset(Kind) - {Kind.ABSENT, Kind.GAP, Kind.OFF_MARK, Kind.CROSSED}
_SHARES = frozenset({Kind.MOVE_WITHOUT_VOLUME, Kind.SPIKE, Kind.JUMP, Kind.OFF_MARK, Kind.CROSSED})


@dataclass(frozen=True, kw_only=True)
class Finding:
    """
    One kind of flaw on one day.

    ``size_max`` is in the kind's own measure: minutes for a gap or for bars that nobody
    traded, seconds for disorder, a share of the price (0.05 is 5 %) for prices, the rate
    itself for funding. ``is_bad`` says that this finding alone makes the day a bad one.
    """

    kind: Kind
    count: int
    first_ns: int
    size_max: float
    is_bad: bool

    def __str__(self) -> str:
        if self.kind is Kind.ABSENT:
            return "no data"
        first = datetime.fromtimestamp(self.first_ns // 10**9, UTC)
        text = f"{self.kind} x{self.count}, first {first:%H:%M:%S}"
        if self.kind in _SHARES:
            return f"{text}, worst {self.size_max:.2%}"
        match self.kind:
            case Kind.GAP | Kind.NO_TRADES:
                return f"{text}, longest {self.size_max:g} min"
            case Kind.DISORDER:
                return f"{text}, worst {self.size_max:g} s back"
            case Kind.FUNDING_RATE:
                return f"{text}, worst {self.size_max:.4%}"
        return text


@dataclass(frozen=True, kw_only=True)
class DayReport:
    """One day (UTC) of one series; ``identifier`` is the bar type for bars."""

    data_type: str
    identifier: str
    instrument_id: str
    day: date
    rows: int
    findings: tuple[Finding, ...]

    @property
    def is_bad(self) -> bool:
        """Return whether this day must not drive a backtest unless a person waives it."""
        return any(finding.is_bad for finding in self.findings)


@dataclass(frozen=True, kw_only=True)
class BadDay:
    """A day of an instrument that a backtest must refuse; each reason names a series."""

    instrument_id: str
    day: date
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.day}: {'; '.join(self.reasons)}"


def check(
    store: Store,
    instrument_ids: Collection[InstrumentId] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    data_types: Collection[str] = tuple(DATA_CLASSES),
) -> Iterator[DayReport]:
    """
    Yield a report on every day of every series, day by day within a series.

    Parameters
    ----------
    store : Store
        The catalog.
    instrument_ids : Collection[InstrumentId], optional
        Only these instruments; all of the catalog if None.
    start, end : datetime, optional
        With a time zone. The days they lie in are judged whole; a midnight at the end does
        not count as a day. Outside the first and last row of a series nothing is missing: a
        file may begin at any time of day.
    data_types : Collection[str]
        Keys of ``DATA_CLASSES``.

    """
    for reader, data_type, instrument_id in _series(store, data_types):
        if (
            instrument_ids is not None
            and InstrumentId.from_str(instrument_id) not in instrument_ids
        ):
            continue
        held = reader.held()
        span = _span(held, start, end)
        if span.start_ns >= span.end_ns:
            continue
        scan = scan_series(reader, span)
        for number in sorted(scan.rows.keys() | scan.flaws.keys()):
            yield DayReport(
                data_type=data_type,
                identifier=reader.identifier,
                instrument_id=instrument_id,
                day=_EPOCH + timedelta(days=number),
                rows=scan.rows.get(number, 0),
                findings=_findings(scan, number, data_type),
            )


def bad_days(
    store: Store,
    instrument_ids: Collection[InstrumentId],
    start: datetime | None = None,
    end: datetime | None = None,
    data_types: Collection[str] = tuple(DATA_CLASSES),
) -> list[BadDay]:
    """
    Return the days that a backtest on these data must refuse, in order of time.

    The parameters are those of `check`.
    """
    return bad_days_of(check(store, instrument_ids, start, end, data_types))


def bad_days_of(reports: Iterable[DayReport]) -> list[BadDay]:
    """Return the bad days among *reports*, in order of time."""
    reasons: dict[tuple[date, str], list[str]] = {}
    for report in reports:
        bad = [str(finding) for finding in report.findings if finding.is_bad]
        if bad:
            key = (report.day, report.instrument_id)
            reasons.setdefault(key, []).append(f"{report.data_type}: {', '.join(bad)}")
    return [
        BadDay(instrument_id=instrument_id, day=day, reasons=tuple(texts))
        for (day, instrument_id), texts in sorted(reasons.items())
    ]


def _series(store: Store, data_types: Collection[str]) -> Iterator[tuple[SeriesReader, str, str]]:
    """Yield each series with its type and instrument; bars longer than a day are not judged."""
    for data_type in data_types:
        for identifier in store.identifiers(DATA_CLASSES[data_type]):
            reader = SeriesReader(store, DATA_CLASSES[data_type], identifier)
            is_bar = reader.data_cls is Bar
            instrument_id = (
                str(BarType.from_str(identifier).instrument_id) if is_bar else identifier
            )
            if reader.interval_ns <= DAY_NS:
                yield reader, data_type, instrument_id


def _span(held: Span, start: datetime | None, end: datetime | None) -> Span:
    """Return the part of what is held that lies in the days of *start* and *end*."""
    first_ns, last_ns = held.start_ns, held.end_ns
    if start is not None:
        first_ns = max(first_ns, _ns(start) // DAY_NS * DAY_NS)
    if end is not None:
        last_ns = min(last_ns, -(-_ns(end) // DAY_NS) * DAY_NS)
    return Span(start_ns=first_ns, end_ns=last_ns)


def _ns(moment: datetime) -> int:
    assert moment.tzinfo is not None, "Invariant: times carry their zone"
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000


def _findings(scan: Scan, number: int, data_type: str) -> tuple[Finding, ...]:
    rows, with_mark = scan.rows.get(number, 0), scan.rows_with_mark.get(number, 0)
    return tuple(
        Finding(
            kind=kind,
            count=tally.count,
            first_ns=tally.first_ns,
            size_max=tally.size_max,
            is_bad=kind in _BAD_AT_ONCE or _is_bad(kind, tally, data_type, rows, with_mark),
        )
        for kind, tally in sorted(scan.flaws.get(number, {}).items())
    )


def _is_bad(kind: Kind, tally: Tally, data_type: str, rows: int, with_mark: int) -> bool:
    """Return whether a flaw that has a measure is beyond it."""
    match kind:
        case Kind.ABSENT | Kind.GAP if data_type in ("mark_prices", "funding"):
            return False  # a backtest does without: less exact, not wrong
        case Kind.ABSENT:
            return True
        case Kind.GAP:
            if data_type == "trades":
                return tally.size_max > rules.TRADE_SILENCE_MINUTES_MAX
            is_long = tally.size_max > rules.GAP_MINUTES_MAX
            return is_long or tally.size_sum > rules.MISSING_MINUTES_MAX
        case Kind.OFF_MARK:
            return tally.count > rules.MARK_BARS_MAX or 2 * tally.count > with_mark
        case Kind.CROSSED:
            return tally.count > rules.CROSSED_SHARE_MAX * rows
    raise AssertionError(f"Invariant: {kind} is bad at once")
