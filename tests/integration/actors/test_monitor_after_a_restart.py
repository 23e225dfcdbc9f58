"""A node that starts again finds its positions protected, or protects them, and panics at nothing."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.guarded_kit import Trader
from tests.monitor_kit import QTY, faulty_venue, monitored_on
from tests.venue_kit import client
from venue.server import Venue

Meanwhile = Callable[[Venue, str], None]


def restart(tmp_path: Any, meanwhile: Meanwhile, check: Any, **options: Any) -> None:
    """Run a node that enters, then *meanwhile*, then a second node, and *check* that."""

    async def main() -> None:
        async with faulty_venue(tmp_path) as venue:
            async with monitored_on(venue, tmp_path) as first:
                _, stop = await first.enter()
            meanwhile(venue, stop.client_order_id.value)
            async with monitored_on(venue, tmp_path, **options) as second:
                await check(second, stop.client_order_id.value)

    asyncio.run(main())


def test_a_position_with_its_stop_is_left_alone_after_a_restart(tmp_path):
    async def check(m: Any, stop: str) -> None:
        await m.looks(10)

        assert list(m.stops()) == [stop]
        assert (m.amt(), m.alarms("STOP_"), m.node.state) == (QTY, [], "ACTIVE")

    restart(tmp_path, lambda _venue, _stop: None, check)


def test_a_stop_that_went_while_the_node_was_down_is_placed_anew(tmp_path):
    def meanwhile(venue: Venue, stop: str) -> None:
        venue.exchange.actions.cancel_algo_silently("main", stop)

    async def check(m: Any, stop: str) -> None:
        await m.until(m.stops, "a stop")
        await m.looks()

        assert list(m.stops().values()) == [Decimal(60_000)]
        assert stop not in m.stops()
        assert m.amt() == QTY

    restart(tmp_path, meanwhile, check)


def test_a_position_of_which_nobody_here_knows_is_protected_from_the_start(tmp_path):
    async def main() -> None:
        async with faulty_venue(tmp_path) as venue, client(venue) as rest:
            order = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.010"}
            await rest.ok("POST", "/fapi/v1/order", newClientOrderId="web_1", **order)
            async with monitored_on(venue, tmp_path, trader=Trader(claims=())) as m:
                stops = await m.until(m.stops, "a stop")
                await m.looks()

                (trigger,) = stops.values()
                assert Decimal(76_000) < trigger <= Decimal(76_800)  # 20 % above the entry
                assert (m.amt(), m.stop_qty()) == (-QTY, QTY)

    asyncio.run(main())
