"""What the venue, or another session, does without being asked."""

import asyncio
from decimal import Decimal

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import GeneratePositionStatusReports
from nautilus_trader.model.enums import OrderSide, OrderStatus

from tests.adapter_kit import BTC, KINDS, PATIENCE, build_node, end, running, scene
from venue.wire.hooks import Reaction

ORDER = "/fapi/v1/order"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("act", "alarm"), [("liquidate", "LIQUIDATED"), ("adl", "ADL")])
def test_a_position_that_the_venue_closes_is_closed_here(kind, act, alarm):
    """Defect 5: without NETTING and claims the strategy stays long; with them it is told nothing."""

    async def main():
        async with scene(kind) as live:
            live.puppet.market(OrderSide.BUY, "0.010")
            await live.until(lambda: live.position() == Decimal("0.010"))
            getattr(live.venue.exchange.actions, act)("main", "BTCUSDT")
            await live.until(lambda: live.position() == 0)
            if live.is_stock:
                assert not live.alarms
                return
            await live.until(lambda: live.alarmed(alarm))
            assert len(live.alarmed(alarm)) == 1
            assert not live.alarmed("FOREIGN_ORDER")
            assert not live.cache.positions_open(instrument_id=BTC)
            await live.agree()

    asyncio.run(main())


def test_the_order_of_another_session_is_told_and_shown():
    async def main():
        async with scene("ours") as live:
            await live.rest.ok(
                "POST", ORDER, symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
                quantity="0.010", price="50000.0", newClientOrderId="by-hand",
            )  # fmt: skip
            await live.until(lambda: live.alarmed("FOREIGN_ORDER"))
            assert "by-hand" in live.alarmed("FOREIGN_ORDER")[0].observed
            order = await live.until(lambda: next(iter(live.cache.orders_open()), None))
            assert order.client_order_id.value == "by-hand"
            live.venue.move("BTCUSDT", Decimal(49_000))
            await live.until(lambda: live.position() == Decimal("0.010"))
            assert len(live.alarmed("FOREIGN_ORDER")) == 1
            await live.agree()

    asyncio.run(main())


def test_a_foreign_fill_that_no_event_told_is_found():
    async def main():
        async with scene("ours", is_checked=True) as live:
            live.faults.events = lambda _payload: []
            await live.rest.ok(
                "POST", ORDER, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.010",
                newClientOrderId="by-hand",
            )  # fmt: skip
            await live.until(lambda: live.position() == Decimal("0.010"))
            assert live.alarmed("FOREIGN_ORDER")
            assert not live.alarmed("POSITION_MISMATCH")
            assert live.commissions() == await live.venue_commissions() > 0

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_leverage_is_told(kind):
    """Defect 14: it is logged, and that is all."""

    async def main():
        async with scene(kind) as live:
            await live.rest.ok("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=17)
            if live.is_stock:
                live.puppet.market(OrderSide.BUY, "0.010")
                await live.until(lambda: live.position() == Decimal("0.010"))  # came after it
                assert not live.alarms
                return
            await live.until(lambda: live.alarmed("CONFIG_CHANGED"))
            assert "17" in live.alarmed("CONFIG_CHANGED")[0].observed

    asyncio.run(main())


MARGIN_CALL = {
    "e": "MARGIN_CALL", "E": 1785000000000, "cw": "3.16",
    "p": [{"s": "BTCUSDT", "ps": "BOTH", "pa": "0.010", "mt": "CROSSED", "iw": "0",
           "mp": "187.17", "up": "-1.16", "mm": "1.61"}],
}  # fmt: skip
FUNDING = {
    "e": "ACCOUNT_UPDATE", "E": 1785000000000, "T": 1785000000000,
    "a": {"m": "FUNDING_FEE", "S": "BTCUSDT",
          "B": [{"a": "USDT", "wb": "99998.50", "cw": "99998.50", "bc": "-1.50"}]},
}  # fmt: skip
TRANSFER = {
    "e": "ACCOUNT_UPDATE", "E": 1785000000000, "T": 1785000000000,
    "a": {"m": "WITHDRAW", "P": [],
          "B": [{"a": "USDT", "wb": "90000.00", "cw": "90000.00", "bc": "-10000"}]},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_margin_call_is_told(kind):
    """Defect 14."""

    async def main():
        async with scene(kind) as live:
            live.send(MARGIN_CALL)
            if live.is_stock:
                live.puppet.market(OrderSide.BUY, "0.010")
                await live.until(lambda: live.position() == Decimal("0.010"))  # came after it
                assert not live.alarms
                return
            await live.until(lambda: live.alarmed("MARGIN_CALL"))
            assert "BTCUSDT" in live.alarmed("MARGIN_CALL")[0].observed

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_cross_funding_moves_the_balance_and_the_days_result(kind):
    """Defect 14: an update without positions cannot be read, and is dropped."""

    async def main():
        async with scene(kind) as live:
            live.send(FUNDING)
            if live.is_stock:
                live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
                await live.until(live.cache.orders_open)  # came after it
                assert live.usdt() == Decimal(100_000)
                return
            payment = (await live.until(lambda: live.funding))[0]
            assert (payment.instrument_id, payment.amount_usdt) == (BTC.value, Decimal("-1.50"))
            await live.until(lambda: live.usdt() == Decimal("99998.50"))
            assert not live.alarms

    asyncio.run(main())


def test_money_moved_out_is_told_as_a_transfer():
    async def main():
        async with scene("ours") as live:
            live.send(TRANSFER)
            await live.until(lambda: live.alarmed("TRANSFER"))
            assert live.alarmed("TRANSFER")[0].observed == "WITHDRAW -10000 USDT"
            await live.until(lambda: live.usdt() == Decimal(90_000))
            assert not live.funding

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_one_unknown_value_does_not_cost_the_whole_list(kind):
    """Defect 15: one element that cannot be read, and no order of the list is."""

    async def main():
        async with scene(kind) as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            row = await live.rest.ok(
                "GET", ORDER, symbol="BTCUSDT", origClientOrderId=order.client_order_id.value
            )
            strange = {**row, "clientOrderId": "strange", "orderId": 1, "timeInForce": "NEVER"}
            live.answer("GET", "/fapi/v1/openOrders", [strange, row])
            await live.stop()
            if live.is_stock:
                node, _ = build_node(kind, live.venue)
                task = asyncio.create_task(node.run_async())
                looked = node.kernel.exec_engine._startup_reconciliation_event
                await live.until(looked.is_set)
                await asyncio.wait({task}, timeout=0.5)
                assert not node.trader.is_running
                await end(node, task)
                return
            async with running(kind, live.venue, live.rest, live.faults) as again:
                ids = [o.client_order_id for o in again.cache.orders_open()]
                assert ids == [order.client_order_id]
                assert "NEVER" in again.alarmed("UNREADABLE")[0].observed

    asyncio.run(main())


def test_an_unknown_event_is_told_and_the_next_one_is_read():
    async def main():
        async with scene("ours") as live:
            live.send({"e": "SOMETHING_NEW", "E": 1})
            live.puppet.market(OrderSide.BUY, "0.010")
            await live.until(lambda: live.position() == Decimal("0.010"))
            assert "SOMETHING_NEW" in live.alarmed("UNREADABLE")[0].observed

    asyncio.run(main())


def test_an_event_about_an_order_that_cannot_be_read_leads_to_a_look():
    async def main():
        async with scene("ours") as live:

            def garble(payload):
                order = payload.get("o")
                if isinstance(order, dict) and order.get("X") == "NEW":
                    payload = {**payload, "o": {**order, "X": "ALMOST_NEW"}}
                return [(0, payload)]

            live.faults.events = garble
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            assert "ALMOST_NEW" in live.alarmed("UNREADABLE")[0].observed
            await live.agree()

    asyncio.run(main())


def test_a_position_that_grows_while_the_venue_is_asked_is_no_mismatch():
    async def main():
        async with scene("ours") as live:
            live.faults.next_time("GET", "/fapi/v3/positionRisk", Reaction(delay_ms=400), times=100)
            order = live.puppet.limit(OrderSide.BUY, "1.000", "59000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)

            async def fill():
                while True:
                    live.venue.exchange.on_trade(
                        "BTCUSDT", Decimal(58_999), Decimal("0.001"), is_buyer_maker=True
                    )
                    live.venue.wire.settle()
                    await asyncio.sleep(0.05)

            filling = asyncio.create_task(fill())
            await live.exec_client.generate_position_status_reports(
                GeneratePositionStatusReports(None, None, None, UUID4(), 0)
            )
            assert live.position() > 0
            assert not live.alarmed("POSITION_MISMATCH")
            filling.cancel()
            await live.until(lambda: live.position() == live.venue_position())
            await live.exec_client.generate_position_status_reports(
                GeneratePositionStatusReports(None, None, None, UUID4(), 0)
            )
            assert not live.alarmed("POSITION_MISMATCH")
            await live.agree()

    asyncio.run(main())


def test_a_stop_that_was_given_up_and_is_there_again_is_told():
    """The venue denied it for so long that another one may stand in its stead."""
    denied = Reaction(answer=(400, {"code": -2013, "msg": "Order does not exist."}))

    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            live.answer("GET", "/fapi/v1/openAlgoOrders", [])
            for path in ("/fapi/v1/algoOrder", ORDER):
                live.faults.next_time("GET", path, denied, times=1_000)
            await live.exec_client._reconciler.reconcile()
            await live.until(lambda: live.order(stop).status == OrderStatus.CANCELED)
            assert not live.alarmed("FOREIGN_ORDER")
            live.faults.requests.clear()

            ended_ns = live.order(stop).last_event.ts_init
            clock = live.node.kernel.clock
            await live.until(lambda: clock.timestamp_ns() - ended_ns > PATIENCE.secs * 1e9)
            for _ in range(2):
                await live.exec_client._reconciler.reconcile()

            told = [alarm.observed for alarm in live.alarmed("FOREIGN_ORDER")]
            assert told == [f"{stop.client_order_id} works on BTCUSDT, and is CANCELED here"]

    asyncio.run(main())
