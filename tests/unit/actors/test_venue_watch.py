"""A stop that the venue neither shows nor finds counts as gone when two looks in a row say so."""

import asyncio
from collections.abc import Iterable

import pytest
from nautilus_trader.common.component import TestClock
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId

from actors.venue_watch import VenueWatch

BTC = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")
STOP, OTHER = ClientOrderId("O-1"), ClientOrderId("O-2")


class Asked:
    """A client that is asked for stops, and answers what it was given, look by look."""

    def __init__(self, answers: Iterable[set[ClientOrderId]]) -> None:
        self._answers = iter(answers)

    async def verify_stops(self, _instrument_id: InstrumentId) -> set[ClientOrderId]:
        return next(self._answers)


def lost_after(*answers: set[ClientOrderId]) -> frozenset[ClientOrderId]:
    """Return the stops that count as gone when the venue has denied these, look by look."""

    async def main() -> frozenset[ClientOrderId]:
        compared = asyncio.Event()
        watch = VenueWatch(
            Asked(answers), TestClock(), tell=lambda _: None,
            on_verified=lambda _: compared.set(), on_positions=lambda _: None,
        )  # fmt: skip
        for _ in answers:
            compared.clear()
            watch.verify(BTC, 0)
            async with asyncio.timeout(20):
                await compared.wait()
                while watch._tasks:
                    await asyncio.sleep(0)
        return watch.lost[BTC]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("answers", "lost"),
    [
        ([{STOP}], set()),
        ([{STOP}, {STOP}], {STOP}),
        ([{STOP}, set(), {STOP}], set()),
        ([{STOP}, {OTHER}], set()),
        ([{STOP}, {STOP}, set()], set()),
    ],
    ids=["once", "twice", "shown in between", "another one", "there again"],
)
def test_a_stop_that_is_denied_in_two_looks_in_a_row_counts_as_gone(answers, lost):
    assert lost_after(*answers) == lost
