"""What is asked before a start: a venue that answers no more is for later, whatever was asked last."""

import asyncio

import pytest

from ops.errors import TemporaryError
from ops.questions import _Asker, ask
from tests.hop_kit import settings_of
from tests.venue_kit import client, local_venue
from venue.wire.limits import LimitOptions


@pytest.mark.parametrize("weight", [0, 1, 3, 6])
def test_a_venue_that_locks_us_out_while_it_is_asked_is_for_later(weight):
    async def main():
        async with local_venue(limits=LimitOptions(weight_1m_max=weight)) as venue:
            with pytest.raises(TemporaryError, match=r"the venue has locked us out \(HTTP 429"):
                await ask(settings_of(venue), None)

    asyncio.run(main())


def test_a_minute_that_is_used_up_is_for_later_and_is_not_called_a_lockout():
    async def main():
        async with local_venue() as venue, client(venue) as rest:
            asker = _Asker(settings_of(venue, http_timeout_sec=1), None)

            async def use_up():
                for _ in range(100):  # The second half of a minute's weight belongs to exits.
                    await rest.ok("GET", "/fapi/v1/openOrders")
                    await asker.ask("/fapi/v1/exchangeInfo", is_signed=False)

            with pytest.raises(TemporaryError, match="part of the venue's limits is used up") as e:
                await use_up()
            assert "locked us out" not in str(e.value)

    asyncio.run(main())


def test_a_venue_that_answers_everything_is_heard():
    async def main():
        async with local_venue() as venue:
            answers = await ask(settings_of(venue), None)

            assert answers.get("/fapi/v1/exchangeInfo")["timezone"] == "UTC"
            assert abs(answers.clock.offset_ms) < 1_000

    asyncio.run(main())
