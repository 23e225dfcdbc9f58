"""Requests whose outcome nobody knows: the order may live, whatever the answer was."""

import asyncio
from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.events import OrderModifyRejected, OrderRejected
from nautilus_trader.model.objects import Price

from tests.adapter_kit import KINDS, scene
from venue.engine.errors import VenueError
from venue.wire.hooks import Reaction

ORDER = "/fapi/v1/order"
ALGO = "/fapi/v1/algoOrder"
UNKNOWN_TEXT = "Unknown error, please check your request or try again later."
UNKNOWN_ANSWERS = {
    "503 unknown": (503, {"code": -1000, "msg": UNKNOWN_TEXT}),
    "-1001": (503, {"code": -1001, "msg": "Internal error; unable to process your request."}),
    "-1006": (400, {"code": -1006, "msg": "An unexpected response was received."}),
    "-1007": (400, {"code": -1007, "msg": "Timeout waiting for response from backend server."}),
    "408": (408, {"code": -1007, "msg": "Timeout."}),
    "502": (502, {"msg": "Bad Gateway"}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", UNKNOWN_ANSWERS.values(), ids=UNKNOWN_ANSWERS.keys())
def test_an_order_that_was_taken_though_the_answer_says_unknown_lives_on(kind, answer):
    async def main():
        async with scene(kind) as live:
            live.faults.events = lambda _payload: []  # its events are lost, too
            live.faults.next_time("POST", ORDER, Reaction(answer=answer))
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            if live.is_stock:
                await live.until(lambda: live.order(order).status == OrderStatus.REJECTED)
                assert live.venue_working() == {order.client_order_id.value}
                return
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            await live.until(lambda: not live.exec_client.unresolved)
            assert live.faults.count("POST", ORDER) == 1
            assert order.client_order_id.value in live.alarmed("ORDER_UNRESOLVED")[0].observed
            await live.agree()

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_a_market_order_whose_reply_is_lost_brings_its_true_fill(kind):
    async def main():
        async with scene(kind) as live:
            live.faults.events = lambda _payload: []
            live.faults.next_time("POST", ORDER, Reaction(drop_reply=True))
            order = live.puppet.market(OrderSide.BUY, "0.010")
            if live.is_stock:
                await live.until(lambda: live.faults.count("POST", ORDER) == 1)
                await live.until(lambda: not _tasks(live), "the task of the order to fail")
                assert live.order(order).status == OrderStatus.SUBMITTED  # and so it stays
                assert live.venue_position() == Decimal("0.010")
                return
            await live.until(lambda: live.order(order).status == OrderStatus.FILLED)
            assert live.faults.count("POST", ORDER) == 1
            assert live.commissions() == await live.venue_commissions() > 0
            assert live.position() == live.venue_position() == Decimal("0.010")

    asyncio.run(main())


def test_an_order_in_doubt_stays_submitted_and_visible_until_the_venue_is_believed():
    async def main():
        async with scene("ours") as live:
            live.faults.next_time("POST", ORDER, Reaction(engine_acts=False, drop_reply=True))
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            case = (await live.until(lambda: live.exec_client.unresolved))[0]
            assert case.order.client_order_id == order.client_order_id
            await live.until(lambda: live.faults.count("GET", ORDER) >= 2)
            assert live.order(order).status == OrderStatus.SUBMITTED
            await live.until(lambda: live.order(order).status == OrderStatus.REJECTED)
            rejected = next(e for e in live.puppet.told if isinstance(e, OrderRejected))
            assert rejected.reason.startswith("UNRESOLVED_NOT_FOUND: ")
            assert live.faults.count("GET", ORDER) >= 3
            assert live.faults.count("POST", ORDER) == 1
            await live.until(lambda: not live.exec_client.unresolved)
            await live.agree()

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_a_denial_right_after_the_order_was_taken_is_not_believed(kind):
    async def main():
        async with scene(kind) as live:
            live.faults.events = lambda _payload: []
            live.faults.next_time("POST", ORDER, Reaction(answer=UNKNOWN_ANSWERS["-1007"]))
            live.faults.next_time("GET", ORDER, Reaction(refuse=VenueError(-2013)), times=2)
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            expected = OrderStatus.REJECTED if live.is_stock else OrderStatus.ACCEPTED
            await live.until(lambda: live.order(order).status == expected)
            assert live.venue_working() == {order.client_order_id.value}

    asyncio.run(main())


def test_failing_lookups_are_no_answer_and_the_order_stays_in_doubt():
    async def main():
        async with scene("ours") as live:
            live.faults.events = lambda _payload: []
            live.faults.next_time("POST", ORDER, Reaction(drop_reply=True))
            too_many = Reaction(refuse=VenueError(-1003, "Too many requests.", 429))
            live.faults.next_time("GET", ORDER, too_many, times=4)
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.faults.count("GET", ORDER) >= 4)
            assert live.order(order).status == OrderStatus.SUBMITTED
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)

    asyncio.run(main())


def test_a_duplicate_id_means_that_an_earlier_attempt_arrived():
    async def main():
        async with scene("ours") as live:
            live.faults.events = lambda _payload: []
            taken = (400, {"code": -4116, "msg": "ClientOrderId is duplicated."})
            live.faults.next_time("POST", ORDER, Reaction(answer=taken))
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)

    asyncio.run(main())


REFUSALS = {
    "-1008": VenueError(-1008, "Request throttled by system-level protection.", 503),
    "-2019": VenueError(-2019),
    "-1015": VenueError(-1015, "Too many new orders.", 429),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_definite_refusal_rejects_at_once(refusal):
    async def main():
        async with scene("ours") as live:
            live.faults.next_time("POST", ORDER, Reaction(refuse=refusal))
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.REJECTED)
            assert not live.alarms
            assert live.faults.count("GET", ORDER) == 0

    asyncio.run(main())


def test_a_stop_whose_reply_is_lost_is_found_at_the_algo_service():
    async def main():
        async with scene("ours") as live:
            live.puppet.market(OrderSide.BUY, "0.010")
            await live.until(lambda: live.position() == Decimal("0.010"))
            live.faults.events = lambda _payload: []
            live.faults.next_time("POST", ALGO, Reaction(drop_reply=True))
            order = live.puppet.stop_loss(OrderSide.SELL, "0.010", "55000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            await live.until(lambda: not live.exec_client.unresolved)
            assert live.faults.count("POST", ALGO) == 1
            await live.agree()

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_a_cancel_whose_reply_is_lost_is_told_as_the_venue_has_it(kind):
    async def main():
        async with scene(kind) as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.faults.events = lambda _payload: []
            live.faults.next_time("DELETE", ORDER, Reaction(answer=UNKNOWN_ANSWERS["-1007"]))
            live.puppet.cancel_order(order)
            if live.is_stock:
                await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
                assert live.venue_working() == set()
                return
            await live.until(lambda: live.order(order).status == OrderStatus.CANCELED)
            await live.agree()

    asyncio.run(main())


def test_a_cancel_that_never_arrived_is_taken_back():
    async def main():
        async with scene("ours") as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            lost = Reaction(engine_acts=False, drop_reply=True)
            live.faults.next_time("DELETE", ORDER, lost)
            live.puppet.cancel_order(order)
            await live.until(lambda: live.order(order).status == OrderStatus.PENDING_CANCEL)
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            assert type(live.puppet.told[-1]).__name__ == "OrderCancelRejected"
            await live.agree()

    asyncio.run(main())


def test_a_cancel_of_an_order_that_filled_unseen_brings_the_fill():
    async def main():
        async with scene("ours") as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "59000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.faults.events = lambda _payload: []
            live.venue.move("BTCUSDT", Decimal(58_000))
            live.puppet.cancel_order(order)
            await live.until(lambda: live.order(order).status == OrderStatus.FILLED)
            assert live.commissions() == await live.venue_commissions() > 0

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_an_amendment_whose_reply_is_lost_has_the_terms_of_the_venue(kind):
    async def main():
        async with scene(kind) as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.faults.events = lambda _payload: []
            live.faults.next_time("PUT", ORDER, Reaction(answer=UNKNOWN_ANSWERS["503 unknown"]))
            live.puppet.modify_order(order, price=Price.from_str("51000.0"))
            if live.is_stock:
                await live.until(lambda: isinstance(live.puppet.told[-1], OrderModifyRejected))
                assert live.order(order).price == Price.from_str("50000.0")
                return
            await live.until(lambda: live.order(order).price == Price.from_str("51000.0"))
            assert live.order(order).status == OrderStatus.ACCEPTED

    asyncio.run(main())


def test_an_amendment_that_never_arrived_is_taken_back():
    async def main():
        async with scene("ours") as live:
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.order(order).status == OrderStatus.ACCEPTED)
            live.faults.next_time("PUT", ORDER, Reaction(engine_acts=False, drop_reply=True))
            live.puppet.modify_order(order, price=Price.from_str("51000.0"))
            await live.until(lambda: isinstance(live.puppet.told[-1], OrderModifyRejected))
            assert live.order(order).price == Price.from_str("50000.0")
            await live.agree()

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_that_the_venue_took_without_a_word_is_asked_about(kind):
    async def main():
        async with scene(kind) as live:
            live.faults.events = lambda _payload: []
            order = live.puppet.limit(OrderSide.BUY, "0.010", "50000.0")
            await live.until(lambda: live.faults.count("POST", ORDER) == 1)
            too_many = Reaction(refuse=VenueError(-1003, "Too many requests.", 429))
            live.faults.next_time("GET", ORDER, too_many, times=3)
            expected = OrderStatus.REJECTED if live.is_stock else OrderStatus.ACCEPTED
            await live.until(lambda: live.order(order).status == expected, secs=40)
            assert live.venue_working() == {order.client_order_id.value}

    asyncio.run(main())


def _tasks(live):
    return [t for t in live.exec_client._tasks if t.get_name().startswith("submit")]
