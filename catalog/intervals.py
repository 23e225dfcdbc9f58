"""The intervals Binance publishes bars in, and when such a bar closes."""

from dataclasses import dataclass

import numpy as np
from nautilus_trader.model.data import BarType
from nautilus_trader.model.identifiers import InstrumentId

from catalog.layout import Stamps

_MINUTE_NS = 60_000_000_000
_DAY_NS = 1440 * _MINUTE_NS
_MONDAY_NS = 4 * _DAY_NS  # 1970-01-01 was a Thursday, weekly bars open on Mondays


@dataclass(frozen=True)
class Interval:
    """
    An interval of bars.

    ``length_ns`` is None for a calendar month. Bars open at ``offset_ns`` after a multiple of
    the length since 1970; None says that the venue does not state where they open.
    """

    name: str
    unit: str
    step: int
    length_ns: int | None
    offset_ns: int | None = 0

    def bar_type(self, instrument_id: InstrumentId) -> BarType:
        """Return the type of the bars the venue publishes at this interval."""
        return BarType.from_str(f"{instrument_id}-{self.step}-{self.unit}-LAST-EXTERNAL")

    def closes(self, open_ns: Stamps) -> Stamps:
        """Return when the bars that open at these stamps close: the next one's open."""
        if self.length_ns is not None:
            return open_ns + self.length_ns
        months = open_ns.view("datetime64[ns]").astype("datetime64[M]") + np.timedelta64(1, "M")
        return months.astype("datetime64[ns]").astype(np.int64)

    def first_unaligned(self, open_ns: Stamps) -> int | None:
        """Return the first row where no bar of this interval can open, if there is one."""
        if self.length_ns is None:
            months = open_ns.view("datetime64[ns]").astype("datetime64[M]")
            bad = months.astype("datetime64[ns]").astype(np.int64) != open_ns
        elif self.offset_ns is not None:
            bad = (open_ns - self.offset_ns) % self.length_ns != 0
        else:
            bad = open_ns % _DAY_NS != 0
        return int(np.argmax(bad)) if bad.any() else None


def _intervals() -> dict[str, Interval]:
    minutes = [(f"{n}m", "MINUTE", n, n) for n in (1, 3, 5, 15, 30)]
    hours = [(f"{n}h", "HOUR", n, n * 60) for n in (1, 2, 4, 6, 8, 12)]
    fixed = [*minutes, *hours, ("1d", "DAY", 1, 1440)]
    found = [Interval(name, unit, step, length * _MINUTE_NS) for name, unit, step, length in fixed]
    found += [
        Interval("3d", "DAY", 3, 3 * _DAY_NS, None),
        Interval("1w", "WEEK", 1, 7 * _DAY_NS, _MONDAY_NS),
        Interval("1mo", "MONTH", 1, None),
    ]
    return {interval.name: interval for interval in found}


INTERVALS = _intervals()
