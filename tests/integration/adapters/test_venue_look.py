"""What stands at the venue is asked for straight, and a stop that is gone is told as gone."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from tests.adapter_kit import BTC, LiveNode, scene
from venue.wire.hooks import Reaction

Scene = Callable[[LiveNode], Awaitable[None]]
ABSENT = Reaction(answer=(400, {"code": -2013, "msg": "Order does not exist."}))


def play(act: Scene, **settings: Any) -> None:
    async def main() -> None:
        async with scene("ours", **settings) as live:
            await act(live)

    asyncio.run(main())


def test_a_look_shows_open_and_waiting_orders_and_the_position_with_its_liquidation_price():
    async def act(live: LiveNode) -> None:
        stop = await live.protected()
        limit = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010"}
        await live.rest.ok(
            "POST", "/fapi/v1/order", symbol="BTCUSDT", price="50000",
            newClientOrderId="rests", **limit,
        )  # fmt: skip

        look = await live.exec_client.look_at_venue()

        assert {o.client_id for o in look.orders} == {stop.client_order_id.value, "rests"}
        (position,) = look.positions
        assert position.amount == Decimal("0.010")
        assert position.mark_price == Decimal(60_000)
        assert position.maintenance_margin > 0
        assert position.liquidation_price is None  # 100,000 USDT carry 600 whatever happens
        assert await live.exec_client.look_at_positions() == look.positions

    play(act)


def test_a_stop_that_vanished_without_a_word_is_told_as_canceled():
    async def act(live: LiveNode) -> None:
        stop = await live.protected()
        live.venue.exchange.actions.cancel_algo_silently("main", stop.client_order_id.value)
        assert live.order(stop).is_open

        lost = await live.exec_client.verify_stops(BTC)

        assert lost == frozenset()
        assert live.order(stop).status_string() == "CANCELED"

    play(act)


def test_stops_that_stand_are_left_alone():
    async def act(live: LiveNode) -> None:
        stop = await live.protected()
        told = len(live.puppet.told)
        before = live.faults.count("GET", "/fapi/v1/algoOrder")

        lost = await live.exec_client.verify_stops(BTC)

        assert lost == frozenset()
        assert live.order(stop).is_open
        assert len(live.puppet.told) == told
        assert live.faults.count("GET", "/fapi/v1/algoOrder") == before
        assert live.alarms == []

    play(act)


def test_a_stop_that_the_venue_neither_shows_nor_finds_is_named():
    async def act(live: LiveNode) -> None:
        stop = await live.protected()
        live.answer("GET", "/fapi/v1/openAlgoOrders", [])
        live.faults.next_time("GET", "/fapi/v1/algoOrder", ABSENT, times=1_000)
        live.faults.next_time("GET", "/fapi/v1/order", ABSENT, times=1_000)

        lost = await live.exec_client.verify_stops(BTC)

        assert lost == {stop.client_order_id}

    play(act)


def test_a_stop_of_another_session_is_told_as_foreign():
    async def act(live: LiveNode) -> None:
        await live.protected()
        await live.rest.ok(
            "POST", "/fapi/v1/algoOrder", symbol="BTCUSDT", algoType="CONDITIONAL", side="SELL",
            type="STOP_MARKET", quantity="0.010", triggerPrice="50000", reduceOnly="true",
            clientAlgoId="web_1",
        )  # fmt: skip

        await live.exec_client.verify_stops(BTC)

        await live.until(lambda: live.alarmed("FOREIGN_ORDER"), "the alarm")

    play(act)
