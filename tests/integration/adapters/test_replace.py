"""A resting stop is amended by a second one: never two at the end, never none in between."""

import asyncio
from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.events import OrderModifyRejected, OrderUpdated
from nautilus_trader.model.objects import Price, Quantity

from tests.adapter_kit import KINDS, running, scene
from venue.wire.hooks import Reaction

ALGO = "/fapi/v1/algoOrder"
UNKNOWN = (503, {"code": -1000, "msg": "Unknown error, please check your request."})


async def moved(live, stop, trigger="56000.0"):
    await live.until(lambda: live.order(stop).trigger_price == Price.from_str(trigger))
    assert live.order(stop).status == OrderStatus.ACCEPTED


@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_can_be_moved(kind):
    """Defect 13: the venue amends no conditional order, and the stock client refuses to."""

    async def main():
        async with scene(kind) as live:
            stop = await live.protected()
            live.puppet.modify_order(stop, trigger_price=Price.from_str("56000.0"))
            if live.is_stock:
                await live.until(lambda: isinstance(live.puppet.told[-1], OrderModifyRejected))
                return
            await moved(live, stop)
            assert live.venue_working() == {f"{stop.client_order_id}:1"}
            updates = [e for e in live.puppet.told if isinstance(e, OrderUpdated)]
            assert len(updates) == 1
            await live.agree()

    asyncio.run(main())


def test_the_new_stop_stands_before_the_old_one_goes():
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            seen = len(live.faults.seen)
            live.puppet.modify_order(stop, trigger_price=Price.from_str("56000.0"))
            await moved(live, stop)
            writes = [r for r in live.faults.seen[seen:] if r.method in {"POST", "DELETE"}]
            assert [(r.method, r.params["clientAlgoId"]) for r in writes] == [
                ("POST", f"{stop.client_order_id}:1"),
                ("DELETE", stop.client_order_id.value),
            ]

    asyncio.run(main())


def test_a_stop_grows_and_moves_again_and_again_and_then_protects():
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            live.puppet.market(OrderSide.BUY, "0.010")
            await live.until(lambda: live.position() == Decimal("0.020"))
            live.puppet.modify_order(stop, quantity=Quantity.from_str("0.020"))
            await live.until(lambda: live.order(stop).quantity == Quantity.from_str("0.020"))
            live.puppet.modify_order(stop, trigger_price=Price.from_str("56000.0"))
            await moved(live, stop)
            assert live.venue_working() == {f"{stop.client_order_id}:2"}
            live.venue.move("BTCUSDT", Decimal(55_500))
            await live.until(lambda: live.order(stop).status == OrderStatus.FILLED)
            assert live.venue_position() == 0
            await live.agree()

    asyncio.run(main())


def test_a_refused_new_stop_leaves_the_old_one():
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            live.puppet.modify_order(stop, trigger_price=Price.from_str("61000.0"))
            await live.until(lambda: isinstance(live.puppet.told[-1], OrderModifyRejected))
            assert "immediately trigger" in live.puppet.told[-1].reason
            assert live.venue_working() == {stop.client_order_id.value}
            await live.agree()

    asyncio.run(main())


LOST = {
    "new stop, taken": ("POST", Reaction(drop_reply=True)),
    "new stop, unknown": ("POST", Reaction(answer=UNKNOWN)),
    "cancel, done": ("DELETE", Reaction(drop_reply=True)),
    "cancel, not done": ("DELETE", Reaction(engine_acts=False, drop_reply=True)),
    "cancel, unknown": ("DELETE", Reaction(answer=UNKNOWN)),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST.keys())
def test_a_lost_reply_leaves_one_stop(lost):
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            method, reaction = lost
            live.faults.next_time(method, ALGO, reaction)
            live.puppet.modify_order(stop, trigger_price=Price.from_str("56000.0"))
            await moved(live, stop)
            assert live.venue_working() == {f"{stop.client_order_id}:1"}
            assert live.faults.count("POST", ALGO) == 2
            await live.agree()

    asyncio.run(main())


def test_a_new_stop_that_never_arrived_leaves_the_old_one():
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            live.faults.next_time("POST", ALGO, Reaction(engine_acts=False, drop_reply=True))
            live.puppet.modify_order(stop, trigger_price=Price.from_str("56000.0"))
            await live.until(lambda: isinstance(live.puppet.told[-1], OrderModifyRejected))
            assert live.puppet.told[-1].reason.startswith("UNRESOLVED_NOT_FOUND")
            assert live.venue_working() == {stop.client_order_id.value}
            await live.agree()

    asyncio.run(main())


def test_when_the_old_stop_acts_first_the_new_one_is_withdrawn():
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()

            def trigger_old(request):
                if request.method == "DELETE" and live.position() != 0:
                    live.venue.move("BTCUSDT", Decimal("54900"))

            live.faults.requests.append(trigger_old)
            live.puppet.modify_order(stop, trigger_price=Price.from_str("54000.0"))
            await live.until(lambda: live.order(stop).status == OrderStatus.FILLED)
            rejected = [e for e in live.puppet.told if isinstance(e, OrderModifyRejected)]
            assert not rejected or rejected[0].reason.startswith("STOP_TRIGGERED")
            await live.until_working(set())
            await live.agree()

    asyncio.run(main())


def test_when_the_new_stop_acts_first_the_old_one_goes():
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()

            def trigger_new(request):
                if request.method == "DELETE" and live.position() != 0:
                    live.venue.move("BTCUSDT", Decimal("55900"))

            live.faults.requests.append(trigger_new)
            live.puppet.modify_order(stop, trigger_price=Price.from_str("56000.0"))
            await live.until(lambda: live.order(stop).status == OrderStatus.FILLED)
            await live.until_working(set())
            await live.agree()

    asyncio.run(main())


def test_a_cancel_waits_for_the_amendment_and_takes_what_it_left():
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            live.puppet.modify_order(stop, trigger_price=Price.from_str("56000.0"))
            live.puppet.cancel_order(stop)
            await live.until(lambda: live.order(stop).status == OrderStatus.CANCELED)
            await live.until_working(set())
            await live.agree()

    asyncio.run(main())


def test_a_moved_stop_keeps_its_name_after_a_restart():
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            live.puppet.modify_order(stop, trigger_price=Price.from_str("56000.0"))
            await moved(live, stop)
            await live.stop()
            async with running("ours", live.venue, live.rest, live.faults) as again:
                adopted = again.cache.order(stop.client_order_id)
                assert adopted.strategy_id == again.puppet.id
                assert again.position() == Decimal("0.010")
                again.puppet.modify_order(adopted, trigger_price=Price.from_str("57000.0"))
                await moved(again, stop, "57000.0")
                assert again.venue_working() == {f"{stop.client_order_id}:2"}
                assert not again.alarms

    asyncio.run(main())


def test_two_stops_that_a_crash_left_become_one_after_the_restart():
    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            await live.stop()
            await live.rest.ok(
                "POST", ALGO, algoType="CONDITIONAL", symbol="BTCUSDT", side="SELL",
                type="STOP_MARKET", triggerPrice="56000.0", quantity="0.010", reduceOnly="true",
                clientAlgoId=f"{stop.client_order_id}:1",
            )  # fmt: skip
            async with running("ours", live.venue, live.rest, live.faults) as again:
                await again.until_working({f"{stop.client_order_id}:1"})
                assert again.cache.order(stop.client_order_id).trigger_price == Price.from_str(
                    "56000.0"
                )
                assert len(again.cache.orders_open()) == 1

    asyncio.run(main())


def test_a_replacement_that_the_venue_denied_for_long_and_has_is_in_force():
    """Else the old one is canceled as replaced, and nobody can cancel or move the new one."""
    denied = Reaction(answer=(400, {"code": -2013, "msg": "Order does not exist."}))
    unknown = Reaction(answer=(503, {"code": -1000, "msg": "Unknown error."}))

    async def main():
        async with scene("ours") as live:
            stop = await live.protected()
            base = stop.client_order_id.value
            live.faults.next_time("POST", "/fapi/v1/algoOrder", unknown)
            for path in ("/fapi/v1/algoOrder", "/fapi/v1/order"):
                live.faults.next_time("GET", path, denied, times=1_000)
            live.puppet.modify_order(live.order(stop), trigger_price=Price.from_str("56000.0"))
            told = live.puppet.told
            await live.until(lambda: any(isinstance(e, OrderModifyRejected) for e in told))
            assert live.venue_working() == {base, f"{base}:1"}
            live.faults.requests.clear()

            await live.exec_client.generate_order_status_reports(None)
            await live.until_working({f"{base}:1"})
            await live.until(lambda: live.order(stop).trigger_price == Price.from_str("56000.0"))
            live.puppet.cancel_order(live.order(stop))

            await live.until(lambda: live.order(stop).status == OrderStatus.CANCELED)
            assert live.venue_working() == set()

    asyncio.run(main())
