"""Read a profile's market data from the catalog into a backtest engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.core.data import Data
from nautilus_trader.model.data import (
    Bar,
    BarType,
    FundingRateUpdate,
    MarkPriceUpdate,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import PriceType

from backtest.coverage import TRADE_SPAN_NS, inform_where_covered, stamps
from configs.profile import Profile, to_ns

if TYPE_CHECKING:
    from catalog.store import Store

Series = tuple[str, str]  # kind, identifier

# At equal times the earlier kind is processed first: funding is settled on the mark price of
# that instant, and a bar is seen after everything that happened while it was open.
DATA_CLASSES: dict[str, type] = {
    "mark_prices": MarkPriceUpdate,
    "funding": FundingRateUpdate,
    "book": OrderBookDelta,
    "quotes": QuoteTick,
    "trades": TradeTick,
    "bars": Bar,
}


class FeedError(ValueError):
    """Market data that cannot drive the run; the text names the type, the symbol, the window."""


@dataclass(frozen=True, kw_only=True)
class FeedCount:
    """
    What was read of one type for one identifier.

    ``identifier`` is the bar type for bars, else the instrument; times are Unix nanoseconds.
    """

    kind: str
    identifier: str
    rows: int
    first_ns: int
    last_ns: int


@dataclass(frozen=True, kw_only=True)
class FeedSummary:
    """What drives the run."""

    counts: tuple[FeedCount, ...]

    @property
    def rows(self) -> int:
        """Return the number of data points."""
        return sum(count.rows for count in self.counts)

    @property
    def first_ns(self) -> int:
        """Return the time of the first data point, Unix nanoseconds."""
        return min(count.first_ns for count in self.counts)

    @property
    def last_ns(self) -> int:
        """Return the time of the last data point, Unix nanoseconds."""
        return max(count.last_ns for count in self.counts)


def add_data(engine: BacktestEngine, profile: Profile, store: Store) -> FeedSummary:
    """
    Add the profile's window of market data to *engine*, in time order.

    Parameters
    ----------
    engine : BacktestEngine
        An engine of `build_engine`, which already lists the instruments.
    profile : Profile
        Gives the types, the window and, by its limits, the symbols.
    store : Store
        The catalog.

    Raises
    ------
    FeedError
        If a type has no data for any symbol, or a symbol has no price data at all.

    """
    series = _read(profile, store)
    counts = [_count(kind, identifier, rows) for (kind, identifier), rows in series.items()]
    _check(profile, counts, store)
    if "book" not in profile.data.types:
        _let_the_finest_move_the_venue(series)
    for rows in series.values():
        engine.add_data(rows, validate=False, sort=False)
    engine.sort_data()
    return FeedSummary(counts=tuple(counts))


def _read(profile: Profile, store: Store) -> dict[Series, list[Data]]:
    """Return what the catalog holds, the kinds in the order of `DATA_CLASSES`."""
    catalog = store.catalog()
    start = profile.data.start and to_ns(profile.data.start)
    end = profile.data.end and to_ns(profile.data.end)
    series = {}
    for kind, data_cls in DATA_CLASSES.items():
        if kind in profile.data.types:
            for identifier in _identifiers(store, kind, sorted(profile.limits.symbols)):
                rows = catalog.query(data_cls, identifiers=[identifier], start=start, end=end)
                if rows:
                    series[kind, identifier] = rows
    return series


def _count(kind: str, identifier: str, rows: list[Data]) -> FeedCount:
    return FeedCount(
        kind=kind,
        identifier=identifier,
        rows=len(rows),
        first_ns=rows[0].ts_init,
        last_ns=rows[-1].ts_init,
    )


def _let_the_finest_move_the_venue(series: dict[Series, list[Data]]) -> None:
    """Replace trades under quotes, and bars under either, by data that only inform."""
    none = np.empty(0, np.uint64)
    finer = {key: stamps(rows) for key, rows in series.items() if key[0] in ("quotes", "trades")}
    for (kind, identifier), rows in series.items():
        if kind == "trades":
            quotes = finer.get(("quotes", identifier), none)
            series[kind, identifier] = inform_where_covered(rows, quotes, TRADE_SPAN_NS)
        elif kind == "bars":
            bar_type = BarType.from_str(identifier)
            symbol = str(bar_type.instrument_id)
            ticks = [finer.get((finer_kind, symbol), none) for finer_kind in ("quotes", "trades")]
            span_ns = int(bar_type.spec.timedelta.total_seconds()) * 1_000_000_000
            series[kind, identifier] = inform_where_covered(
                rows, np.sort(np.concatenate(ticks)), span_ns
            )


def _identifiers(store: Store, kind: str, symbols: list[str]) -> list[str]:
    known = store.identifiers(DATA_CLASSES[kind])
    if kind != "bars":
        return [symbol for symbol in symbols if symbol in known]
    bar_types = [BarType.from_str(identifier) for identifier in known]
    return sorted(
        str(bar_type)
        for bar_type in bar_types
        if str(bar_type.instrument_id) in symbols and bar_type.spec.price_type == PriceType.LAST
    )


def _check(profile: Profile, counts: list[FeedCount], store: Store) -> None:
    """Refuse types that the catalog does not have at all, and symbols without any price."""
    source, symbols = str(store.path), sorted(profile.limits.symbols)
    window = f"from {profile.data.start or 'the beginning'} to {profile.data.end or 'the end'}"
    problems = [
        f"data.types has {kind!r}, but {source} holds none for any symbol of the profile"
        for kind in profile.data.types
        if not _identifiers(store, kind, symbols)
    ]
    priced = [
        count.identifier for count in counts if count.kind in ("bars", "quotes", "trades", "book")
    ]
    problems += [
        f"limits.symbols has {symbol!r}, but {source} holds no prices for it {window}"
        for symbol in profile.limits.symbols
        if not any(identifier.startswith(symbol) for identifier in priced)
    ]
    if problems:
        raise FeedError("\n".join(problems))
