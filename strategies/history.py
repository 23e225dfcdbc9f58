"""The bars before a start: what to ask for, and the making of larger bars from smaller ones."""

from collections.abc import Iterator
from decimal import Decimal

from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.objects import Quantity


def kept_by_venue(bar_type: BarType) -> BarType | None:
    """Return the bars a venue keeps that *bar_type* is or is made of; ``None`` if there are none."""
    if bar_type.is_composite():
        bar_type = bar_type.composite()
    return bar_type if bar_type.is_externally_aggregated() else None


class Rollup:
    """
    Make the bars of one type from smaller ones, as an aggregator does that saw only a part of them.

    Intervals are counted from midnight UTC, and a bar belongs to the interval that it closes in.

    Parameters
    ----------
    bar_type : BarType
        The time bars to make; smaller bars of the same instrument go in.

    """

    def __init__(self, bar_type: BarType) -> None:
        self._bar_type = bar_type.standard()
        self._interval_ns: int = bar_type.spec.get_interval_ns()
        self._open: Bar | None = None  # stamped with the end of its interval

    def add(self, bar: Bar) -> Iterator[Bar]:
        """Take a smaller bar; yield the one that is whole by that."""
        end_ns = self._end_of(bar)
        if self._open is not None and self._open.ts_event < end_ns:
            yield self._open
            self._open = None
        self._open = self._joined(bar, end_ns)
        if bar.ts_event + bar.bar_type.spec.get_interval_ns() // 2 > end_ns:
            yield self._open  # that was its last part
            self._open = None

    def complete(self, bar: Bar) -> Iterator[Bar]:
        """Yield the first bar of an aggregator, joined with what was before the aggregator began."""
        before, self._open = self._open, None
        if before is not None and before.ts_event < self._end_of(bar):
            yield before
            before = None
        self._open = before
        whole = bar if before is None else self._joined(bar, bar.ts_event)
        self._open = None
        yield whole

    def _end_of(self, bar: Bar) -> int:
        # The venue stamps a bar with its last millisecond, an aggregator with the next one.
        return ((bar.ts_event - 1) // self._interval_ns + 1) * self._interval_ns

    def _joined(self, bar: Bar, ts_event: int) -> Bar:
        first = self._open or bar
        volume = bar.volume.as_decimal() + (
            self._open.volume.as_decimal() if self._open else Decimal(0)
        )
        return Bar(
            self._bar_type, first.open, max(first.high, bar.high), min(first.low, bar.low), bar.close,
            Quantity.from_str(f"{volume:f}"), ts_event, max(ts_event, bar.ts_init),
        )  # fmt: skip
