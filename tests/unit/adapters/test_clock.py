"""The venue's clock: measured over the shortest round trip, and bounded."""

import asyncio
from collections.abc import Iterable

import pytest
from nautilus_trader.common.component import TestClock

from adapters.clock import SAMPLES, VenueClock
from risk.events import VenueEventKind

MS = 1_000_000
T0 = 1_735_689_600_000


class Line:
    """A way to the venue: each sample says how long it takes there, back, and how far off it is."""

    def __init__(self, samples: Iterable[tuple[int, int, int]], *, bound_ms: int = 500) -> None:
        self.local = TestClock()
        self.local.set_time(T0 * MS)
        self.samples = iter(samples)
        self.told = []
        self.clock = VenueClock(self.local, self.ask, offset_ms_max=bound_ms, tell=self.told.append)

    async def ask(self) -> int:
        there_ms, back_ms, offset_ms = next(self.samples)
        self.local.set_time(self.local.timestamp_ns() + there_ms * MS)
        venue_ms = self.local.timestamp_ms() + offset_ms
        self.local.set_time(self.local.timestamp_ns() + back_ms * MS)
        return venue_ms


def test_the_sample_with_the_shortest_round_trip_is_believed():
    line = Line([(90, 10, 40), (50, 50, 40), (5, 5, 40), (10, 90, 40), (400, 1, 40)])

    sample = asyncio.run(line.clock.measure())

    assert (sample.offset_ns, sample.round_trip_ns) == (40 * MS, 10 * MS)
    assert line.clock.offset_ms == 40


def test_the_truth_lies_within_half_the_round_trip():
    line = Line([(30, 10, 40)] * SAMPLES)

    sample = asyncio.run(line.clock.measure())

    assert abs(sample.offset_ns - 40 * MS) <= sample.round_trip_ns / 2


@pytest.mark.parametrize(("offset_ms", "is_told"), [(505, False), (506, True), (-506, True)])
def test_an_offset_is_told_when_the_samples_prove_it_beyond_the_bound(offset_ms, is_told):
    line = Line([(5, 5, offset_ms)] * SAMPLES)  # true within 5 ms

    asyncio.run(line.clock.measure())

    assert [e.kind for e in line.told] == [VenueEventKind.CLOCK_OFFSET] * is_told
    if is_told:
        assert line.told[0].text == (f"CLOCK_OFFSET: observed={offset_ms} ms +- 5 ms, limit=500 ms")


def test_requests_are_stamped_with_the_venues_time():
    line = Line([(5, 5, -300)] * SAMPLES)
    asyncio.run(line.clock.measure())

    assert line.clock.now_ms() == line.local.timestamp_ms() - 300


def test_before_the_first_measurement_the_local_time_stands():
    line = Line([])

    assert line.clock.offset_ms is None
    assert line.clock.now_ms() == T0


def test_it_is_measured_once_however_many_ask_for_it():
    line = Line([(5, 5, 40)] * SAMPLES)

    async def scene() -> None:
        await asyncio.gather(line.clock.ensure(), line.clock.ensure(), line.clock.ensure())

    asyncio.run(scene())

    assert next(line.samples, None) is None


@pytest.mark.parametrize(
    ("date", "is_doubtful"),
    [
        ("Wed, 01 Jan 2025 00:00:02 GMT", False),
        ("Wed, 01 Jan 2025 00:00:03 GMT", True),
        ("Tue, 31 Dec 2024 23:59:50 GMT", True),
        ("no date", False),
        (None, False),
    ],
)
def test_a_date_far_from_what_was_measured_says_that_a_clock_has_jumped(date, is_doubtful):
    line = Line([(0, 0, 0)] * SAMPLES)
    asyncio.run(line.clock.measure())

    assert line.clock.is_doubtful(date) is is_doubtful


def test_a_measurement_that_hangs_holds_up_nobody():
    async def main() -> None:
        line = Line([(5, 5, 40)] * SAMPLES)
        await line.clock.measure()
        hanging = asyncio.Event()
        line.clock._ask = hanging.wait
        task = asyncio.create_task(line.clock.measure())
        await asyncio.sleep(0)

        await asyncio.wait_for(line.clock.ensure(), 1)

        assert line.clock.offset_ms == 40
        task.cancel()

    asyncio.run(main())
