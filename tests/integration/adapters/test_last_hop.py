"""The last hop: what leaves the process is exactly what the gate approved, once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nautilus_trader.adapters.binance.common.enums import BinanceOrderSide, BinanceTimeInForce
from nautilus_trader.core.nautilus_pyo3 import HttpMethod

from risk.approvals import amend_key, new_approvals
from risk.events import VenueEventKind
from risk.trading_state import TradingState
from tests.hop_kit import Hop, hop
from venue.wire.hooks import Reaction

REFUSED = [VenueEventKind.UNAPPROVED_REQUEST]
Scene = Callable[[Hop], Awaitable[None]]


def play(scene: Scene, **settings: Any) -> None:
    """Run a scene before a venue of its own."""

    async def main() -> None:
        async with hop(**settings) as rig:
            await scene(rig)

    asyncio.run(main())


def kinds(rig: Hop) -> list[VenueEventKind]:
    return [event.kind for event in rig.told]


def test_what_was_approved_leaves_and_works_at_the_venue():
    async def scene(rig: Hop) -> None:
        order, stop = rig.approve(rig.limit()), rig.approve(rig.stop())

        await rig.send(order)
        await rig.send_stop(stop)

        assert await rig.working() == {order.client_order_id.value, stop.client_order_id.value}
        assert rig.told == []

    play(scene)


def test_an_order_that_nobody_approved_does_not_leave_and_is_told():
    async def scene(rig: Hop) -> None:
        text = await rig.refused(rig.send(rig.limit()))

        assert text.startswith("APPROVAL_MISSING: observed=POST /fapi/v1/order ")
        assert kinds(rig) == REFUSED

    play(scene)


def test_what_was_approved_but_not_claimed_by_the_execution_client_does_not_leave():
    async def scene(rig: Hop) -> None:
        order = rig.limit()
        rig.mint(order.client_order_id.value, ())

        await rig.refused(rig.send(order))

    play(scene)


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_an_entry_that_waits_to_leave_while_trading_trips_stays_here(state: TradingState):
    async def scene(rig: Hop) -> None:
        entry, stop = rig.approve(rig.limit()), rig.approve(rig.stop())
        rig.tripped.append(state)

        text = await rig.refused(rig.send(entry))
        await rig.send_stop(stop)

        assert text.startswith(f"TRADING_{state.name}: observed=tripped while it waited to leave")
        assert await rig.working() == {stop.client_order_id.value}
        assert rig.told == []

    play(scene)


def test_an_approval_is_good_for_one_request():
    async def scene(rig: Hop) -> None:
        order = rig.approve(rig.limit())
        await rig.send(order)

        await rig.refused(rig.send(order))

        assert len(await rig.working()) == 1

    play(scene)


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": "0.011"},
        {"quantity": "0.01x"},
        {"quantity": None},
        {"price": "59000.1"},
        {"side": BinanceOrderSide.SELL},
        {"symbol": "ETHUSDT"},
        {"time_in_force": BinanceTimeInForce.IOC},
        {"reduce_only": "True"},
        {"price_match": "OPPONENT"},
        {"stop_price": "59000.0"},
        {"iceberg_qty": "0.001"},
        {"good_till_date": 2_000_000_000_000},
        {"new_client_order_id": "another"},
    ],
    ids=lambda c: "-".join(f"{k}={v}" for k, v in c.items()),
)
def test_an_order_with_one_word_changed_does_not_leave_and_the_approved_one_still_may(changed):
    async def scene(rig: Hop) -> None:
        order = rig.approve(rig.limit())

        await rig.refused(rig.send(order, **changed))
        await rig.send(order)

        assert await rig.working() == {order.client_order_id.value}
        assert kinds(rig) == REFUSED

    play(scene)


def test_the_same_number_in_other_digits_is_the_same_order():
    async def scene(rig: Hop) -> None:
        order = rig.approve(rig.limit(qty="0.010", price="59000.0"))

        await rig.send(order, quantity="0.01", price="59000.00")

        assert len(await rig.working()) == 1

    play(scene)


@pytest.mark.parametrize(
    "changed",
    [
        {"reduce_only": "False"},
        {"reduce_only": None},
        {"trigger_price": "54000.0"},
        {"quantity": "0.001"},
        {"close_position": "true"},
        {"working_type": "MARK_PRICE"},
        {"time_in_force": BinanceTimeInForce.GTD},
        {"price_protect": "true"},
        {"callback_rate": "1"},
    ],
    ids=lambda c: "-".join(f"{k}={v}" for k, v in c.items()),
)
def test_a_stop_with_one_word_changed_does_not_leave_and_the_approved_one_still_may(changed):
    async def scene(rig: Hop) -> None:
        stop = rig.approve(rig.stop())

        await rig.refused(rig.send_stop(stop, **changed))
        await rig.send_stop(stop)

        assert await rig.working() == {stop.client_order_id.value}

    play(scene)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/fapi/v1/leverage"),
        ("POST", "/fapi/v1/marginType"),
        ("POST", "/fapi/v1/positionSide/dual"),
        ("POST", "/fapi/v1/multiAssetsMargin"),
        ("POST", "/fapi/v1/positionMargin"),
        ("POST", "/fapi/v1/batchOrders"),
        ("PUT", "/fapi/v1/batchOrders"),
        ("DELETE", "/fapi/v1/batchOrders"),
        ("DELETE", "/fapi/v1/allOpenOrders"),
        ("DELETE", "/fapi/v1/algoOpenOrders"),
        ("POST", "/sapi/v1/asset/transfer"),
        ("POST", "/fapi/v1/order/test"),
        ("POST", "/fapi/v1/order/"),
        ("POST", "//fapi/v1/order"),
        ("PATCH", "/fapi/v1/order"),
        ("GET", "@127.0.0.1:1/fapi/v1/time"),
        ("GET", "/fapi/v1/time?x=1"),
    ],
)
def test_what_the_gate_cannot_approve_never_leaves(method, path):
    async def scene(rig: Hop) -> None:
        order = rig.approve(rig.limit())
        params = {"symbol": "BTCUSDT", "newClientOrderId": order.client_order_id.value}

        await rig.refused(rig.http.sign_request(getattr(HttpMethod, method), path, params))

        assert kinds(rig) == REFUSED
        assert not [r for r in rig.requests.seen if r.path == path]

    play(scene)


def test_the_door_without_signature_lets_no_order_through():
    async def scene(rig: Hop) -> None:
        order = rig.approve(rig.limit())
        params = {"symbol": "BTCUSDT", "newClientOrderId": order.client_order_id.value}

        await rig.refused(rig.http.send_request(HttpMethod.POST, "/fapi/v1/order", params))

    play(scene)


def test_a_client_that_no_guard_was_put_into_sends_nothing():
    async def scene(rig: Hop) -> None:
        rig.approve(order := rig.limit())
        rig.http.approvals = None

        await rig.refused(rig.send(order))

    play(scene)


def test_the_approvals_of_another_gate_are_worth_nothing():
    async def scene(rig: Hop) -> None:
        rig.approve(order := rig.limit())
        _, rig.http.approvals = new_approvals()

        await rig.refused(rig.send(order))

    play(scene)


def test_the_user_streams_key_and_the_dead_mans_switch_need_no_approval():
    async def scene(rig: Hop) -> None:
        await rig.http.send_request(HttpMethod.POST, "/fapi/v1/listenKey")
        await rig.post("/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime="60000")

        assert len(rig.requests.writes()) == 2
        assert rig.told == []

    play(scene)


# -- cancels and amendments -------------------------------------------------------------------------


def test_a_cancel_leaves_once_when_it_was_approved_and_not_before():
    async def scene(rig: Hop) -> None:
        key = rig.approve(order := rig.limit()).client_order_id.value
        await rig.send(order)
        cancel = {"symbol": "BTCUSDT", "orig_client_order_id": key}

        await rig.refused(rig.api.cancel_order(**cancel))
        rig.approve_cancel(key)
        await rig.api.cancel_order(**cancel)

        assert await rig.working() == set()
        await rig.refused(rig.api.cancel_order(**cancel))

    play(scene)


def test_a_cancel_by_the_venues_number_does_not_leave():
    """The number could be that of a protective stop, whatever name stands beside it."""

    async def scene(rig: Hop) -> None:
        key = rig.approve(order := rig.limit()).client_order_id.value
        await rig.send(order)
        rig.approve_cancel(key)

        await rig.refused(
            rig.api.cancel_order(symbol="BTCUSDT", order_id=1, orig_client_order_id=key)
        )

    play(scene)


def test_an_amendment_leaves_with_the_approved_terms_only():
    async def scene(rig: Hop) -> None:
        key = rig.approve(order := rig.limit()).client_order_id.value
        await rig.send(order)
        rig.approve(rig.limit(price="58000.0"), amend_key(key))
        amend = {
            "symbol": "BTCUSDT", "orig_client_order_id": key, "side": BinanceOrderSide.BUY,
            "quantity": "0.010",
        }  # fmt: skip

        await rig.refused(rig.api.modify_order(**amend, price="59500.0"))
        await rig.api.modify_order(**amend, price="58000.0")
        await rig.refused(rig.api.modify_order(**amend, price="58000.0"))

        (row,) = await rig.rest.ok("GET", "/fapi/v1/openOrders")
        assert row["price"].startswith("58000")

    play(scene)


def test_a_request_about_an_order_that_closed_on_the_way_is_dropped_without_alarm():
    async def scene(rig: Hop) -> None:
        key = rig.approve(order := rig.limit()).client_order_id.value
        await rig.send(order)
        rig.approve_cancel(key)
        rig.approvals.revoke(key)

        text = await rig.refused(rig.api.cancel_order(symbol="BTCUSDT", orig_client_order_id=key))

        assert text.startswith("APPROVAL_LAPSED")
        assert rig.told == []

    play(scene)


# -- a stop in place of another ---------------------------------------------------------------------


async def resting_stop(rig: Hop) -> str:
    """Return the id of a stop that rests under a position."""
    await rig.send(rig.approve(rig.market()))
    stop = rig.approve(rig.stop())
    await rig.send_stop(stop)
    return str(stop.client_order_id.value)


def test_a_stop_is_replaced_new_before_old_and_the_last_one_stays():
    async def scene(rig: Hop) -> None:
        base = await resting_stop(rig)
        rig.approve(better := rig.stop(trigger="56000.0"), amend_key(base))

        await rig.refused(rig.api.cancel_algo_order(client_algo_id=base))
        await rig.send_stop(better, client_algo_id=f"{base}:1")
        await rig.api.cancel_algo_order(client_algo_id=base)

        assert await rig.working() == {f"{base}:1"}
        await rig.refused(rig.api.cancel_algo_order(client_algo_id=f"{base}:1"))
        rig.approve_cancel(base)
        await rig.api.cancel_algo_order(client_algo_id=f"{base}:1")
        assert await rig.working() == set()

    play(scene)


def test_a_replacement_with_other_terms_than_the_amendment_does_not_leave():
    async def scene(rig: Hop) -> None:
        base = await resting_stop(rig)
        rig.approve(better := rig.stop(trigger="56000.0"), amend_key(base))

        await rig.refused(rig.send_stop(better, client_algo_id=f"{base}:1", quantity="0.001"))
        await rig.refused(rig.send_stop(better, client_algo_id="other:1"))
        await rig.refused(rig.api.cancel_algo_order(client_algo_id=base))

        assert await rig.working() == {base}

    play(scene)


def test_the_old_stop_stays_when_the_venue_refuses_the_new_one():
    async def scene(rig: Hop) -> None:
        base = await resting_stop(rig)
        rig.approve(bad := rig.stop(trigger="65000.0"), amend_key(base))

        with pytest.raises(Exception, match="-2021"):
            await rig.send_stop(bad, client_algo_id=f"{base}:1")

        await rig.refused(rig.api.cancel_algo_order(client_algo_id=base))
        assert await rig.working() == {base}

    play(scene)


def test_a_new_stop_that_did_not_leave_does_not_free_the_old_one():
    async def scene(rig: Hop) -> None:
        base = await resting_stop(rig)
        until_ms = rig.http.venue_clock.now_ms() + 60_000
        words = {"code": -1003, "msg": f"Way too many requests; IP banned until {until_ms}."}
        ban = Reaction(answer=(418, words))
        rig.requests.next_time("GET", "/fapi/v1/time", ban)
        with pytest.raises(Exception, match="-1003"):
            await rig.http.send_request(HttpMethod.GET, "/fapi/v1/time")
        rig.approve(better := rig.stop(trigger="56000.0"), amend_key(base))

        with pytest.raises(Exception, match="VENUE_RATE_LIMITED"):
            await rig.send_stop(better, client_algo_id=f"{base}:1")

        await rig.refused(rig.api.cancel_algo_order(client_algo_id=base))

    play(scene)


def test_the_new_stop_may_go_again_while_the_old_one_stands_but_never_both():
    async def scene(rig: Hop) -> None:
        base = await resting_stop(rig)
        rig.approve(better := rig.stop(trigger="56000.0"), amend_key(base))
        await rig.send_stop(better, client_algo_id=f"{base}:1")

        await rig.api.cancel_algo_order(client_algo_id=f"{base}:1")

        await rig.refused(rig.api.cancel_algo_order(client_algo_id=base))
        assert await rig.working() == {base}

    play(scene)


def test_after_a_restart_the_venues_list_says_which_stop_was_replaced():
    async def scene(rig: Hop) -> None:
        base = await resting_stop(rig)
        words = {
            "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.010",
            "algoType": "CONDITIONAL", "triggerPrice": "56000.0", "reduceOnly": "true",
        }  # fmt: skip
        await rig.rest.ok("POST", "/fapi/v1/algoOrder", **words, clientAlgoId=f"{base}:1")
        await rig.refused(rig.api.cancel_algo_order(client_algo_id=base))

        await rig.api.query_open_algo_orders()
        await rig.api.cancel_algo_order(client_algo_id=base)

        assert await rig.working() == {f"{base}:1"}

    play(scene)
