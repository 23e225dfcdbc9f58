"""A node starts on what is there, or not at all."""

import asyncio
from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus

from tests.adapter_kit import (
    BTC,
    KINDS,
    build_node,
    end,
    running,
    scene,
)
from tests.venue_kit import account, client, local_venue, until


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_without_its_venue_does_not_stay_half_started(kind):
    """Defect 17: it waits, gives up waiting, and runs on without a client."""

    async def main():
        async with local_venue(accounts=(account("main"),)) as venue:
            node, _ = build_node(kind, venue, connect_secs=2)
            venue.wire.outage(True)
            task = asyncio.create_task(node.run_async())
            try:
                if kind == "stock":
                    await asyncio.wait({task}, timeout=4)
                    assert node.is_running()
                    assert not node.kernel.exec_engine.check_connected()
                    return
                execution = next(iter(node.kernel.exec_engine._clients.values()))
                await until(lambda: execution.connect_error is not None)
                await until(lambda: not node.is_running(), 20, "the node to end")
                assert not node.trader.is_running
            finally:
                await end(node, task)

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_a_restart_comes_back_to_what_stands_at_the_venue(kind):
    async def main():
        async with scene(kind) as live:
            stop = await live.protected()
            entry = live.puppet.limit(OrderSide.BUY, "0.020", "59000.0")
            await live.until(lambda: live.order(entry).status == OrderStatus.ACCEPTED)
            await live.stop()
            async with running(kind, live.venue, live.rest, live.faults) as again:
                assert again.position() == Decimal("0.010")
                position = again.cache.positions_open(instrument_id=BTC)[0]
                assert position.strategy_id == again.puppet.id
                assert position.avg_px_open == pytest.approx(60_000.0, abs=10)
                ids = {o.client_order_id for o in again.cache.orders_open()}
                assert ids == {stop.client_order_id, entry.client_order_id}
                assert not again.alarms
                again.venue.move("BTCUSDT", Decimal(54_000))
                await again.until(lambda: again.order(stop).status == OrderStatus.FILLED)
                await again.until(
                    lambda: again.position() == again.venue_position() == Decimal("0.020")
                )

    asyncio.run(main())


def test_a_restart_takes_the_fills_of_an_order_that_was_filled_in_part():
    async def main():
        async with scene("ours") as live:
            order = live.puppet.limit(OrderSide.BUY, "0.030", "59000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            await live.stop()
            trade = ("BTCUSDT", Decimal(58_999), Decimal("0.010"))
            live.venue.exchange.on_trade(*trade, is_buyer_maker=True)
            async with running("ours", live.venue, live.rest, live.faults) as again:
                adopted = again.order(order)
                assert adopted.status == OrderStatus.PARTIALLY_FILLED
                assert adopted.filled_qty.as_decimal() == Decimal("0.010")
                assert again.position() == Decimal("0.010")
                await again.agree()

    asyncio.run(main())


def test_hedge_mode_is_refused():
    async def main():
        async with local_venue(accounts=(account("main", dual_side=True),)) as venue, client(venue):
            node, _ = build_node("ours", venue, connect_secs=5)
            task = asyncio.create_task(node.run_async())
            try:
                execution = next(iter(node.kernel.exec_engine._clients.values()))
                await until(lambda: execution.connect_error is not None)
                assert "one-way mode" in str(execution.connect_error)
            finally:
                await end(node, task)

    asyncio.run(main())


def test_a_start_asks_for_the_position_mode_where_it_costs_least():
    async def main():
        async with scene("ours") as live:
            assert live.faults.count("GET", "/fapi/v1/accountConfig") == 1
            # The endpoint of that name weighs six times as much.
            assert live.faults.count("GET", "/fapi/v1/positionSide/dual") == 0

    asyncio.run(main())


def test_an_order_of_the_last_run_that_fills_before_it_is_taken_over_is_not_foreign():
    async def main():
        async with scene("ours") as live:
            order = live.puppet.limit(OrderSide.BUY, "0.030", "59000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            await live.stop()
            before = live.faults.count("GET", "/fapi/v1/userTrades")

            def fill_in_part(request):
                # The first thing that is asked after the user stream is there.
                first = live.faults.count("GET", "/fapi/v1/userTrades") == before + 1
                if first and request.path == "/fapi/v1/userTrades":
                    trade = ("BTCUSDT", Decimal(58_999), Decimal("0.010"))
                    live.venue.exchange.on_trade(*trade, is_buyer_maker=True)
                    live.venue.wire.settle()

            live.faults.requests.append(fill_in_part)
            async with running("ours", live.venue, live.rest, live.faults) as again:
                await again.until(lambda: again.position() == Decimal("0.010"))
                assert len(again.fills(again.order(order))) == 1
                assert not again.alarms
                await again.rest.ok(
                    "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="LIMIT",
                    timeInForce="GTC", quantity="0.010", price="50000.0", newClientOrderId="by-hand",
                )  # fmt: skip
                await again.until(lambda: again.alarmed("FOREIGN_ORDER"))

    asyncio.run(main())
