"""The venue's clock against ours: measured at the start and every minute, and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from nautilus_trader.common.component import LiveClock, Logger

from risk.events import VenueEvent, VenueEventKind

SAMPLES = 5
MEASURE_SEC = 60
NS_PER_MS = 1_000_000
DATE_NS = 1_000_000_000
"""The resolution of the Date header."""


class Sample(NamedTuple):
    """
    One measurement.

    ``offset_ns`` is the venue's time less ours; the truth lies within half the round trip of it.

    """

    offset_ns: int
    round_trip_ns: int


class VenueClock:
    """
    Knows how far the local clock is from the venue's.

    The venue refuses a request whose timestamp is more than 1,000 ms ahead of its time, or older
    than the receive window, a cancel or an exit like any other (Binance: General Info, Timing
    security). So the timestamp of each signed request is corrected by the measured offset, while
    nothing else is: events, bars and the journal keep the local clock. Beyond the bound new risk
    ends, for then prices and their ages are not to be trusted either.

    Parameters
    ----------
    clock : LiveClock
        The node's clock.
    ask : Callable
        Asks the venue for its time, Unix milliseconds.
    offset_ms_max : int
        The bound (> 0).
    tell : Callable
        Told when the offset is beyond it.

    """

    def __init__(
        self,
        clock: LiveClock,
        ask: Callable[[], Awaitable[int]],
        *,
        offset_ms_max: int,
        tell: Callable[[VenueEvent], None],
    ) -> None:
        self._clock = clock
        self._ask = ask
        self._offset_ns_max = offset_ms_max * NS_PER_MS
        self._tell = tell
        self._log = Logger("VenueClock")
        self._lock = asyncio.Lock()
        self.sample: Sample | None = None

    @property
    def offset_ms(self) -> float | None:
        """Return the venue's time less ours; None before the first measurement."""
        return None if self.sample is None else self.sample.offset_ns / NS_PER_MS

    def now_ns(self) -> int:
        """Return the venue's time as well as it is known, Unix nanoseconds."""
        offset_ns = 0 if self.sample is None else self.sample.offset_ns
        return int(self._clock.timestamp_ns()) + offset_ns

    def now_ms(self) -> int:
        """Return the venue's time as well as it is known, Unix milliseconds."""
        return self.now_ns() // NS_PER_MS

    async def ensure(self) -> None:
        """Measure unless it was done before; nobody waits for a later measurement."""
        if self.sample is not None:
            return
        async with self._lock:
            if self.sample is None:
                await self._measure()

    async def measure(self) -> Sample:
        """Measure now; of several samples the one with the shortest round trip is believed."""
        async with self._lock:
            return await self._measure()

    async def run(self) -> None:
        """Measure every minute, for as long as the node runs."""
        while True:
            await asyncio.sleep(MEASURE_SEC)
            try:
                await self.measure()
            except Exception as e:  # noqa: BLE001 - an outage is told by those who suffer from it
                self._log.warning(f"Cannot measure the venue's clock: {e!r}")

    async def _measure(self) -> Sample:
        samples = [await self._take() for _ in range(SAMPLES)]
        self.sample = best = min(samples, key=lambda s: s.round_trip_ns)
        # Over a slow line an offset proves nothing, and what trips here stays so until a person comes.
        if abs(best.offset_ns) - best.round_trip_ns // 2 > self._offset_ns_max:
            self._tell_offset(best)
        return best

    async def _take(self) -> Sample:
        sent_ns = self._clock.timestamp_ns()
        venue_ms = await self._ask()
        received_ns = self._clock.timestamp_ns()
        middle_ns = (sent_ns + received_ns) // 2
        return Sample(venue_ms * NS_PER_MS - middle_ns, received_ns - sent_ns)

    def _tell_offset(self, sample: Sample) -> None:
        offset, half = sample.offset_ns / NS_PER_MS, sample.round_trip_ns / 2 / NS_PER_MS
        observed = f"{offset:.0f} ms +- {half:.0f} ms"
        limit = f"{self._offset_ns_max // NS_PER_MS} ms"
        now_ns = self._clock.timestamp_ns()
        self._tell(VenueEvent(VenueEventKind.CLOCK_OFFSET, observed, limit, now_ns))

    def is_doubtful(self, date: str | None) -> bool:
        """Return whether an answer's Date header says that a clock has jumped since."""
        if date is None or self.sample is None:
            return False
        try:
            venue_ns = int(parsedate_to_datetime(date).timestamp()) * DATE_NS
        except ValueError:
            return False
        return abs(venue_ns - self.now_ns()) > self._offset_ns_max + 2 * DATE_NS
