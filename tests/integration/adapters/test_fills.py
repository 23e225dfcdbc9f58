"""Each fill once, with the fee that was charged, whatever told of it."""

import asyncio
from decimal import Decimal

import pytest
from nautilus_trader.accounting.factory import AccountFactory
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.objects import Price, Quantity

from tests.adapter_kit import BTC, KINDS, scene

KEEPALIVE = ("PUT", "/fapi/v1/listenKey")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fill_that_no_event_told_has_its_fee(kind):
    """Defect 10: a fill inferred from a report costs nothing."""

    async def main():
        async with scene(kind, is_checked=True) as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "59000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.faults.events = lambda _payload: []
            live.venue.move("BTCUSDT", Decimal(58_000))
            await live.until(lambda: live.order(order).status == OrderStatus.FILLED)
            fees = await live.venue_commissions()
            assert fees > 0
            if live.is_stock:
                assert live.commissions() == 0
                return
            assert live.commissions() == fees
            rows = await live.rest.ok("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
            assert [f.trade_id.value for f in live.fills(order)] == [str(r["id"]) for r in rows]

    asyncio.run(main())


def part(live, qty, price=58_999):
    live.venue.exchange.on_trade("BTCUSDT", Decimal(price), Decimal(qty), is_buyer_maker=True)
    live.venue.wire.settle()


def test_parts_of_an_order_add_up_when_some_are_told_and_some_are_not():
    async def main():
        async with scene("ours") as live:
            order = live.puppet.limit(OrderSide.BUY, "0.030", "59000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.faults.events = lambda _payload: []
            part(live, "0.010")  # not told
            live.faults.events = None
            part(live, "0.008")  # told, and shows that one is missing
            await live.until(lambda: live.order(order).filled_qty == Quantity.from_str("0.018"))
            assert len(live.fills(order)) == 2
            await live.agree()

    asyncio.run(main())


def test_an_order_canceled_after_an_untold_part_keeps_the_part():
    async def main():
        async with scene("ours") as live:
            order = live.puppet.limit(OrderSide.BUY, "0.030", "59000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.faults.events = lambda _payload: []
            part(live, "0.010")
            live.faults.events = None
            live.puppet.cancel_order(order)
            await live.until(lambda: live.order(order).status == OrderStatus.CANCELED)
            assert live.order(order).filled_qty == Quantity.from_str("0.010")
            await live.agree()

    asyncio.run(main())


@pytest.mark.parametrize("times", [1, 2])
def test_a_fill_told_in_brief_first_is_counted_once(times):
    async def main():
        async with scene("ours") as live:
            live.faults.events = lambda payload: [(0, payload)] * times
            order = live.puppet.market(OrderSide.BUY, "0.010")
            await live.until(lambda: live.order(order).status == OrderStatus.FILLED)
            fill = live.fills(order)[0]
            live.send(
                {"e": "TRADE_LITE", "E": 1, "T": 1, "s": "BTCUSDT", "q": "0.010", "p": "0",
                 "m": False, "c": order.client_order_id.value, "S": "BUY", "L": "60000.0",
                 "l": "0.010", "t": int(fill.trade_id.value), "i": int(fill.venue_order_id.value)}
            )  # fmt: skip
            assert len(live.fills(order)) == 1
            await live.agree()

    asyncio.run(main())


def test_a_fill_told_in_brief_only_is_looked_up():
    async def main():
        async with scene("ours") as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "59000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.faults.events = lambda p: [(0, p)] if p["e"] == "TRADE_LITE" else []
            live.venue.move("BTCUSDT", Decimal(58_000))
            await live.until(lambda: live.order(order).status == OrderStatus.FILLED)
            assert live.commissions() == await live.venue_commissions() > 0

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_that_fills_in_parts_and_then_finishes_is_counted_once(kind):
    """Defect 4: FINISHED adds what is missing, and then the fills come."""

    async def main():
        async with scene(kind) as live:
            stop = await live.protected()
            held = {}

            def first_part_only(payload):
                order = payload.get("o", {})
                if order.get("x") == "TRADE":
                    first = {**order, "l": "0.004", "z": "0.004", "X": "PARTIALLY_FILLED", "t": 1}
                    held["rest"] = {**payload, "o": {**order, "l": "0.006", "z": "0.010", "t": 2}}
                    return [(0, {**payload, "o": first})]
                if order.get("X") == "FINISHED":
                    held["end"] = payload
                    return []
                return [(0, payload)]

            live.faults.events = first_part_only
            live.venue.move("BTCUSDT", Decimal(54_000))
            await live.until(lambda: "end" in held)
            await live.until(lambda: live.order(stop).filled_qty == Quantity.from_str("0.004"))
            live.faults.events = None
            live.send(held["end"])
            if live.is_stock:
                await live.until(lambda: live.order(stop).status == OrderStatus.FILLED)
                assert [f.trade_id.value for f in live.fills(stop)][-1].startswith("ALGO-")
                return
            live.send(held["rest"])
            await live.until(lambda: live.order(stop).status == OrderStatus.FILLED)
            assert [f.trade_id.value for f in live.fills(stop)] == ["1", "2"]
            assert live.position() == live.venue_position() == 0

    asyncio.run(main())


def test_a_limit_order_is_amended_in_place():
    async def main():
        async with scene("ours") as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.puppet.modify_order(order, price=Price.from_str("51000.0"))
            await live.until(lambda: live.order(order).price == Price.from_str("51000.0"))
            live.puppet.modify_order(order, quantity=Quantity.from_str("0.020"))
            await live.until(lambda: live.order(order).quantity == Quantity.from_str("0.020"))
            row = live.truth()["open_orders"][0]
            assert (Decimal(row["price"]), Decimal(row["qty"])) == (
                Decimal(51_000),
                Decimal("0.020"),
            )
            assert [type(e).__name__ for e in live.puppet.told].count("OrderUpdated") == 2
            live.puppet.modify_order(order, price=Price.from_str("51000.0"))  # as it is: -5027
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            await live.agree()

    asyncio.run(main())


def test_a_reduce_only_order_that_the_venue_shrinks_is_shrunk_here():
    async def main():
        async with scene("ours") as live:
            live.puppet.market(OrderSide.BUY, "0.010")
            await live.until(lambda: live.position() == Decimal("0.010"))
            exit_order = live.puppet.market(OrderSide.SELL, "0.030", reduce_only=True)
            await live.until(lambda: live.order(exit_order).is_closed)
            assert live.position() == live.venue_position() == 0
            assert not live.cache.positions_open(instrument_id=BTC)
            await live.agree()

    asyncio.run(main())


def test_a_stop_that_vanishes_without_a_word_is_missed():
    async def main():
        async with scene("ours", is_checked=True) as live:
            stop = await live.protected()
            actions = live.venue.exchange.actions
            actions.cancel_algo_silently("main", stop.client_order_id.value)
            await live.until(lambda: live.order(stop).status == OrderStatus.CANCELED)
            await live.agree()

    asyncio.run(main())


def test_a_backtest_in_the_same_process_does_not_count_fills_twice():
    AccountFactory.register_calculated_account(BTC.venue.value)  # what a backtest leaves behind

    async def main():
        async with scene("ours") as live:
            await live.protected()
            await live.agree()
            assert not live.cache.account_for_venue(BTC.venue).calculate_account_state

    asyncio.run(main())
