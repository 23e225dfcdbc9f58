"""Conditional orders: their two ids, and the events of both in whatever order they come."""

import asyncio
from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus

from tests.adapter_kit import KINDS, scene


@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_that_fills_while_the_stream_is_away_closes_the_position(kind):
    """Defect 2: the order that it became has another id, and is never matched."""

    async def main():
        async with scene(kind) as live:
            stop = await live.protected()
            live.faults.events = lambda _payload: []
            live.venue.move("BTCUSDT", Decimal(54_000))
            await live.until(lambda: not live.truth()["open_algos"])  # its last event is lost, too
            live.faults.events = None
            asked = live.faults.count("GET", "/fapi/v1/allAlgoOrders")
            live.venue.wire.drop_user_streams()
            if live.is_stock:
                await live.until(lambda: live.faults.count("GET", "/fapi/v1/allAlgoOrders") > asked)
                await live.until(lambda: not live.exec_client.reconciliation_active)
                assert live.order(stop).status == OrderStatus.ACCEPTED
                assert live.position() != live.venue_position()
                return
            await live.until(lambda: live.order(stop).status == OrderStatus.FILLED)
            await live.until(lambda: live.exec_client.is_user_stream_up)
            assert live.position() == 0
            await live.agree()

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_a_fill_that_overtakes_the_trigger_is_not_lost(kind):
    """Defect 3: the fill names an id that nobody has been told yet."""

    async def main():
        async with scene(kind) as live:
            stop = await live.protected()
            held = []

            def fill_first(payload):
                if payload.get("o", {}).get("x") == "TRADE":
                    return [(0, payload)]
                if payload["e"] in {"ALGO_UPDATE", "ORDER_TRADE_UPDATE"}:
                    held.append(payload)
                    return []
                return [(0, payload)]

            live.faults.events = fill_first
            live.venue.move("BTCUSDT", Decimal(54_000))
            await live.until(lambda: live.venue_position() == 0)
            if live.is_stock:
                await live.until(live.has_venue_balance)  # its event came after the fill
                assert live.position() == Decimal("0.010")
                return
            await live.until(lambda: live.order(stop).status == OrderStatus.FILLED)
            live.faults.events = None
            for payload in held:  # what was overtaken comes after all
                live.send(payload)
            await live.until(lambda: live.position() == 0)
            assert len(live.fills(stop)) == 1
            await live.agree()

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_the_end_of_a_stop_before_its_fill_invents_no_fill(kind):
    """Defect 4: FINISHED makes up a fill without fee and trade id."""

    async def main():
        async with scene(kind) as live:
            stop = await live.protected()
            held = []

            def fill_last(payload):
                if payload.get("o", {}).get("x") == "TRADE":
                    held.append(payload)
                    return []
                return [(0, payload)]

            live.faults.events = fill_last
            live.venue.move("BTCUSDT", Decimal(54_000))
            await live.until(lambda: held)
            if live.is_stock:
                await live.until(lambda: live.order(stop).status == OrderStatus.FILLED)
                fill = live.fills(stop)[0]
                assert fill.trade_id.value.startswith("ALGO-")
                assert fill.commission.as_decimal() == 0
                return
            live.faults.events = None
            for payload in held:
                live.send(payload)
            await live.until(lambda: live.order(stop).status == OrderStatus.FILLED)
            assert live.commissions() == await live.venue_commissions()
            await live.agree()

    asyncio.run(main())


def test_a_stop_whose_fill_is_never_told_is_filled_as_the_venue_has_it():
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            live.faults.events = lambda p: [] if _tells_a_fill(p) else [(0, p)]
            live.venue.move("BTCUSDT", Decimal(54_000))
            await live.until(lambda: live.order(stop).status == OrderStatus.FILLED)
            assert len(live.fills(stop)) == 1
            await live.agree()

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_doubled_events_change_nothing(kind):
    """Defect 20: an acceptance that comes twice is told twice."""

    async def main():
        async with scene(kind) as live:
            live.faults.events = lambda payload: [(0, payload), (0, payload)]
            stop = await live.protected()
            if live.is_stock:
                await live.until(lambda: _accepted(live, stop) > 1, "a second acceptance")
                return
            live.venue.move("BTCUSDT", Decimal(54_000))
            await live.until(lambda: live.order(stop).status == OrderStatus.FILLED)
            names = [
                type(e).__name__
                for e in live.puppet.told
                if e.client_order_id == stop.client_order_id
            ]
            assert names == [
                "OrderInitialized", "OrderSubmitted", "OrderAccepted", "OrderUpdated", "OrderFilled",
            ]  # fmt: skip
            await live.agree()

    asyncio.run(main())


def test_a_stop_canceled_at_the_venue_is_canceled_here():
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            await live.rest.ok(
                "DELETE", "/fapi/v1/algoOrder", clientAlgoId=stop.client_order_id.value
            )
            await live.until(lambda: live.order(stop).status == OrderStatus.CANCELED)
            await live.agree()

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_of_another_session_that_closes_the_position_is_seen(kind):
    """Defect 7: it has no quantity, and no report takes it up."""

    async def main():
        async with scene(kind, is_checked=kind == "ours") as live:
            live.puppet.market(OrderSide.BUY, "0.010")
            await live.until(lambda: live.position() == Decimal("0.010"))
            live.faults.events = lambda _payload: []
            await live.rest.ok(
                "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT", side="SELL",
                type="STOP_MARKET", triggerPrice="56000.0", closePosition="true",
                clientAlgoId="by-hand",
            )  # fmt: skip
            if live.is_stock:
                status = await live.exec_client.generate_mass_status()
                assert not [r for r in status.order_reports.values() if r.is_open]
                return
            await live.until(lambda: live.alarmed("FOREIGN_ORDER"))
            assert "by-hand" in live.alarmed("FOREIGN_ORDER")[0].observed
            orders = [o.client_order_id.value for o in live.cache.orders_open()]
            assert orders == ["by-hand"]

    asyncio.run(main())


def _accepted(live, order):
    told = [e for e in live.puppet.told if e.client_order_id == order.client_order_id]
    return [type(e).__name__ for e in told].count("OrderAccepted")


def _tells_a_fill(payload):
    return payload["e"] == "TRADE_LITE" or payload.get("o", {}).get("x") == "TRADE"
