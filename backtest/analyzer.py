"""Nautilus's portfolio statistics without the work that grows with the square of the trades."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from nautilus_trader.analysis.analyzer import PortfolioAnalyzer
from nautilus_trader.core.datetime import unix_nanos_to_dt
from nautilus_trader.model.identifiers import PositionId
from nautilus_trader.model.objects import Currency, Money
from nautilus_trader.model.position import Position

Record = tuple[str, float | int | None]
Log = dict[Currency, "list[Record] | pd.Series"]


class LinearPortfolioAnalyzer(PortfolioAnalyzer):
    """
    A portfolio analyzer whose cost for each closed position does not depend on their number.

    The stock analyzer (nautilus_trader 1.231, ``analysis/analyzer.py``) appends to pandas
    series by copying them: with ``pd.concat`` whenever a position closes and with ``.loc`` for
    each position after the run. This one appends to lists and builds the same series when
    somebody reads them. Every statistic is computed by the stock code.
    """

    def _append_pnl_record(
        self,
        pnls: Log,
        timestamps: Log,
        position_id: PositionId,
        realized_pnl: Money,
        ts_event: int | None,
    ) -> None:
        currency = realized_pnl.currency
        label = position_id.value
        _appendable(pnls, currency).append((label, realized_pnl.as_double()))
        ts = None if ts_event is None else int(ts_event)
        _appendable(timestamps, currency).append((label, ts))

    def realized_pnls(self, currency: Currency | None = None) -> pd.Series | None:
        """Return the realized PnLs as the stock analyzer does."""
        for log in (self._realized_pnls, self._recorded_realized_pnls):
            _build_series(log, dtype="float64")
        for log in (self._realized_pnl_timestamps, self._recorded_realized_pnl_timestamps):
            _build_series(log, dtype="object")
        return super().realized_pnls(currency)

    def add_positions(self, positions: list[Position]) -> None:
        """Add *positions* to the analysis, with one new series of returns for all of them."""
        self._positions += positions
        returns: dict[datetime, float] = self._position_returns.to_dict()
        for position in positions:
            if position.realized_pnl is None:
                continue
            self.add_trade(position.id, position.realized_pnl, position.ts_last)
            if position.ts_closed > 0:
                closed = unix_nanos_to_dt(position.ts_closed)
                returns[closed] = returns.get(closed, 0.0) + float(position.realized_return)
        if returns:
            self._position_returns = pd.Series(returns, dtype="float64")
        self._sync_returns_alias()


def _appendable(log: Log, currency: Currency) -> list[Record]:
    records = log.setdefault(currency, [])
    if isinstance(records, pd.Series):
        records = log[currency] = list(records.items())
    return records


def _build_series(log: Log, *, dtype: str) -> None:
    for currency, records in log.items():
        if isinstance(records, list):
            labels, values = zip(*records, strict=True)
            log[currency] = pd.Series(values, index=labels, dtype=dtype)
