"""The user stream is lost, refused, silent or frozen; what happened meanwhile is not lost."""

import asyncio
from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus, TimeInForce

from adapters.execution import ANSWER_SECS_MAX
from adapters.reconciler import LATE_SECS
from risk.events import VENUE_TOPIC
from tests.adapter_kit import BTC, KINDS, scene
from venue.engine.errors import VenueError
from venue.wire.hooks import Reaction

REFUSED = VenueError(-1000, "Unknown error, please check your request or try again later.", 503)


async def position_of(live, qty="0.010"):
    order = live.puppet.market(OrderSide.BUY, qty)
    await live.until(lambda: live.order(order).status == OrderStatus.FILLED)
    await live.until(lambda: live.position() == Decimal(qty))
    return order


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_subscription_invents_no_position(kind):
    """Defect 1: everything is fetched twice, under two names of the symbol."""

    async def main():
        async with scene(kind) as live:
            await position_of(live)
            keys = live.faults.count("POST", "/fapi/v1/listenKey")
            live.venue.wire.drop_user_streams()
            await live.until(lambda: live.faults.count("POST", "/fapi/v1/listenKey") > keys)
            await live.until(lambda: _is_subscribed(live))
            if live.is_stock:
                await live.until(lambda: live.position() != Decimal("0.010"))
                assert live.venue_position() == Decimal("0.010")
                return
            await live.until(lambda: live.exec_client.is_user_stream_up)
            await live.agree()

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_listen_key_is_asked_for_again(kind):
    """Defect 6: one refusal ends the stream for good, and the client counts as connected."""

    async def main():
        async with scene(kind) as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.venue.wire.refuse_listen_keys(REFUSED)
            live.venue.wire.expire_listen_keys()
            if live.is_stock:
                await live.until(lambda: live.exec_client._ws_client._is_recovery_failed)
                live.venue.wire.refuse_listen_keys(None)
                live.venue.move("BTCUSDT", Decimal(49_000))
                await live.until(lambda: live.venue.exchange)
                assert live.exec_client.is_connected
                assert live.exec_client._ws_client.subscription_id is None  # and nobody tries again
                assert live.order(order).status == OrderStatus.ACCEPTED
                assert live.venue_position() == Decimal("0.010")
                return
            await live.until(lambda: live.alarmed("USER_STREAM_LOST"))
            live.venue.move("BTCUSDT", Decimal(49_000))
            assert live.venue_position() == Decimal("0.010")
            live.venue.wire.refuse_listen_keys(None)
            await live.until(lambda: live.alarmed("USER_STREAM_BACK"))
            assert live.order(order).status == OrderStatus.FILLED
            assert live.fills(order)[0].commission.as_decimal() > 0
            await live.agree()

    asyncio.run(main())


def test_fills_of_an_outage_come_with_their_own_ids_and_fees():
    async def main():
        async with scene("ours") as live:
            orders = [live.puppet.limit(OrderSide.BUY, "0.010", f"{p}.0") for p in (59_000, 58_000)]
            for order in orders:
                await live.until(lambda o=order: live.order(o).status == OrderStatus.ACCEPTED)
            live.venue.wire.refuse_listen_keys(REFUSED)
            live.venue.wire.drop_user_streams()
            live.venue.move("BTCUSDT", Decimal(57_000))
            live.venue.wire.refuse_listen_keys(None)
            await live.until(lambda: live.position() == Decimal("0.020"))
            rows = await live.rest.ok("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
            told = {f.trade_id.value for order in orders for f in live.fills(order)}
            assert told == {str(row["id"]) for row in rows}
            await live.until(lambda: live.exec_client.is_user_stream_up)
            await live.agree()

    asyncio.run(main())


def test_a_fill_is_asked_for_while_no_stream_would_tell_it():
    """A position that nobody knows of has no stop."""

    async def main():
        async with scene("ours") as live:
            live.faults.on_connect = lambda kind: REFUSED if kind == "private" else None
            live.venue.wire.drop_user_streams()
            await live.until(lambda: not live.exec_client.is_user_stream_up)
            began = asyncio.get_running_loop().time()
            await position_of(live)
            assert asyncio.get_running_loop().time() - began < ANSWER_SECS_MAX  # at once, that is
            assert not live.exec_client.is_user_stream_up
            del live.faults.on_connect
            await live.until(lambda: live.exec_client.is_user_stream_up)
            await live.agree()

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_an_expired_listen_key_is_replaced(kind):
    async def main():
        async with scene(kind) as live:
            keys = live.faults.count("POST", "/fapi/v1/listenKey")
            live.venue.wire.expire_listen_keys()
            await live.until(lambda: live.faults.count("POST", "/fapi/v1/listenKey") > keys)
            await live.until(lambda: _is_subscribed(live))
            order = await position_of(live)
            assert live.fills(order)

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_events_that_never_come_are_noticed_without_them(kind):
    """Defect 18: an order that is gone is not missed, because only open ones are compared."""

    async def main():
        async with scene(kind, is_checked=kind == "ours") as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.faults.events = lambda _payload: []  # connected, and deaf
            await live.rest.ok(
                "DELETE", "/fapi/v1/order", symbol="BTCUSDT",
                origClientOrderId=order.client_order_id.value,
            )  # fmt: skip
            if live.is_stock:
                await asyncio.gather(*(live.rest.get("/fapi/v1/ping") for _ in range(200)))
                assert live.order(order).status == OrderStatus.ACCEPTED
                assert live.venue_working() == set()
                return
            await live.until(lambda: live.order(order).status == OrderStatus.CANCELED)
            await live.agree()

    asyncio.run(main())


def test_a_keepalive_that_fails_leads_to_a_new_listen_key():
    async def main():
        async with scene("ours") as live:
            stream = live.exec_client._ws_client
            stream._cancel_keepalive()
            stream._KEEPALIVE_INTERVAL_SECS = 0.05
            missing = Reaction(refuse=VenueError(-1125, "This listenKey does not exist."))
            live.faults.next_time("PUT", "/fapi/v1/listenKey", missing)
            keys = live.faults.count("POST", "/fapi/v1/listenKey")
            stream._keepalive_task = asyncio.create_task(stream._keepalive_loop())
            await live.until(lambda: live.faults.count("POST", "/fapi/v1/listenKey") > keys)
            await live.until(lambda: live.exec_client.is_user_stream_up)
            await position_of(live)

    asyncio.run(main())


def test_a_stream_that_misses_events_is_renewed():
    async def main():
        async with scene("ours", is_checked=True) as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.faults.events = lambda _payload: []
            ended = asyncio.get_running_loop().time() + LATE_SECS + 0.5
            late = Reaction(refuse=VenueError(-1003, "Too many requests.", 429))
            live.faults.requests.append(
                lambda r: (
                    late
                    if r.path == "/fapi/v1/openOrders" and asyncio.get_running_loop().time() < ended
                    else None
                )
            )
            keys = live.faults.count("POST", "/fapi/v1/listenKey")
            await live.rest.ok("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
            await live.until(lambda: live.order(order).status == OrderStatus.CANCELED)
            await live.until(lambda: live.faults.count("POST", "/fapi/v1/listenKey") > keys)

    asyncio.run(main())


def test_a_venue_that_freezes_is_noticed_and_found_again_when_it_thaws():
    """Defect 16, the user stream's part: silence without an end of the connection."""

    async def main():
        async with scene(
            "ours",
        ) as live:
            stream = live.exec_client._ws_client
            object.__setattr__(stream._patience, "silence_secs", 0.5)
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.venue.wire.freeze(True)
            await live.until(lambda: live.alarmed("USER_STREAM_LOST"))
            live.venue.wire.freeze(False)
            object.__setattr__(stream._patience, "silence_secs", 60.0)
            await live.until(lambda: live.alarmed("USER_STREAM_BACK"), secs=30)
            await live.agree()

    asyncio.run(main())


def test_a_full_outage_ends_in_agreement():
    async def main():
        async with scene("ours") as live:
            await position_of(live)
            order = live.puppet.limit(OrderSide.BUY, "0.010", "59000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.venue.wire.outage(True)
            await live.until(lambda: live.alarmed("USER_STREAM_LOST"))
            live.venue.move("BTCUSDT", Decimal(58_000))
            assert live.order(order).status == OrderStatus.ACCEPTED
            live.venue.wire.outage(False)
            await live.until(lambda: live.alarmed("USER_STREAM_BACK"), secs=30)
            assert live.order(order).status == OrderStatus.FILLED
            assert live.cache.positions_open(instrument_id=BTC)[0].strategy_id == live.puppet.id
            await live.agree()

    asyncio.run(main())


def _is_subscribed(live):
    return bool(live.venue.wire.user_streams.open_keys())


def test_a_listener_that_fails_does_not_end_the_watch_over_the_stream():
    async def main():
        async with scene("ours") as live:
            told = []

            def fail(event):
                told.append(event.kind.name)
                raise ArithmeticError(event)

            live.node.kernel.msgbus.subscribe(VENUE_TOPIC, fail)
            live.venue.wire.refuse_listen_keys(REFUSED)
            live.venue.wire.expire_listen_keys()
            await live.until(lambda: "USER_STREAM_LOST" in told)

            live.venue.wire.refuse_listen_keys(None)

            await live.until(lambda: "USER_STREAM_BACK" in told)

    asyncio.run(main())


def test_an_order_whose_end_is_told_without_its_beginning_ends():
    """NautilusTrader lets no order expire that was not accepted."""

    async def main():
        async with scene("ours") as live:
            live.faults.events = lambda p: [] if p.get("o", {}).get("x") == "NEW" else [(0, p)]
            order = live.puppet.limit(
                OrderSide.BUY, "0.010", "50000.0", time_in_force=TimeInForce.IOC
            )
            await live.until(lambda: live.order(order).is_closed)
            assert live.order(order).status == OrderStatus.EXPIRED
            await live.agree()

    asyncio.run(main())
