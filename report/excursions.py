"""How far the price went against and in favor of each position while it was open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from report.cycles import Cycle
from report.tables import Rows


class Excursions:
    """
    Price extremes by instrument, for the adverse and favorable excursion of cycles.

    An excursion is the furthest that the price went from the average entry price, in basis points
    of it, between the fills that opened and closed the cycle. A sample counts only when all of
    its interval lies inside the cycle; the closing price always counts.

    """

    def __init__(self, prices: Rows) -> None:
        self._series: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        for instrument_id in {row["instrument_id"] for row in prices}:
            rows = [row for row in prices if row["instrument_id"] == instrument_id]
            self._series[instrument_id] = (
                np.array([row["ts_event"] for row in rows], dtype=np.int64),
                np.array([row["low"] for row in rows]),
                np.array([row["high"] for row in rows]),
            )

    def of(self, cycle: Cycle) -> tuple[float, float]:
        """Return ``(adverse, favorable)`` in basis points of the entry price, both >= 0."""
        entry = float(cycle.avg_px_open)
        extremes = [entry]
        if cycle.avg_px_close is not None:
            extremes.append(float(cycle.avg_px_close))
        extremes += self._sampled(cycle)
        moves = [(price / entry - 1.0) * cycle.direction * 10_000 for price in extremes]
        return max(0.0, -min(moves)), max(0.0, *moves)

    def _sampled(self, cycle: Cycle) -> Sequence[float]:
        if cycle.instrument_id not in self._series:
            return []
        ts_event, lows, highs = self._series[cycle.instrument_id]
        first = int(np.searchsorted(ts_event, cycle.ts_opened, side="left")) + 1
        last = (
            len(ts_event)
            if cycle.ts_closed is None
            else int(np.searchsorted(ts_event, cycle.ts_closed, side="right"))
        )
        if first >= last:
            return []
        return [float(lows[first:last].min()), float(highs[first:last].max())]
