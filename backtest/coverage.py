"""Let the finest data move the simulated venue; coarser data of the same time only inform."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nautilus_trader.common.component import MessageBus
from nautilus_trader.core.data import Data
from nautilus_trader.model.data import CustomData, DataType
from numpy.typing import NDArray

TRADE_SPAN_NS = 60 * 1_000_000_000

Stamps = NDArray[np.uint64]


class Informs(Data):
    """Marks data that strategies, the gate and the reports see, and the matching engine not."""


# With metadata the topic does not depend on the instrument.
INFORMS = DataType(Informs, metadata={"to": "strategies"})


class Relay:
    """Passes on what only informs: to the data engine, past the venue."""

    def attach(self, msgbus: MessageBus) -> None:
        """Listen for such data; called once, when the venue is made."""
        self._msgbus = msgbus
        msgbus.subscribe(f"data.{INFORMS.topic}", self._pass_on)

    def _pass_on(self, data: Data) -> None:
        self._msgbus.send("DataEngine.process", data)


def stamps(rows: Sequence[Data]) -> Stamps:
    """Return the times of *rows*, Unix nanoseconds."""
    return np.fromiter((row.ts_init for row in rows), np.uint64, len(rows))


def inform_where_covered(rows: list[Data], finer: Stamps, span_ns: int) -> list[Data]:
    """
    Return *rows* with those that finer data cover turned into data that only inform.

    A bar stands for the past: replayed into the venue after the quotes of its minute, it would
    fill orders at prices from before they were sent. A trade sets bid and ask of a top-of-book
    venue to one price, and so takes away the spread that the quotes show.

    Parameters
    ----------
    rows : list[Data]
        Bars or trades of one instrument, in time order.
    finer : Stamps
        Times of the instrument's finer data, in order.
    span_ns : int
        A row at ``ts`` is covered if finer data lie in (ts - span_ns, ts], nanoseconds.

    """
    if not len(finer) or not rows:
        return rows
    ends = stamps(rows)
    latest = np.searchsorted(finer, ends, side="right")
    before = np.searchsorted(finer, ends - np.uint64(span_ns), side="right")
    covered = latest > before
    return [
        CustomData(INFORMS, row) if is_covered else row
        for row, is_covered in zip(rows, covered.tolist(), strict=True)
    ]
