"""The last hop by itself: each word of a request against the approved terms, for every order type."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide, TimeInForce, TriggerType
from nautilus_trader.model.identifiers import InstrumentId, StrategyId, TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from adapters.last_hop import (
    ALGO_PATH,
    ORDER_PATH,
    Errand,
    LapsedError,
    Replacements,
    UnapprovedError,
    WireGuard,
)
from risk.approvals import Approvals, amend_key, cancel_key, new_approvals
from risk.trading_state import TradingState
from risk.translate import terms_of

BTC = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")
BUY, SELL = OrderSide.BUY, OrderSide.SELL
QTY, PRICE, TRIGGER = Quantity.from_str("0.010"), Price.from_str("59000.0"), Price.from_str("55000")
UNTIL = datetime(2030, 1, 1, tzinfo=UTC)
UNTIL_MS = int(UNTIL.timestamp() * 1_000)
Params = dict[str, Any]


class Rig:
    """A guard, with the right to approve."""

    def __init__(self) -> None:
        self.mint, self.approvals = new_approvals()
        self.replacements = Replacements()
        self.guard = WireGuard(self.replacements)
        self.make = OrderFactory(TraderId("T-001"), StrategyId("S-001"), TestClock())

    def approve(self, key: str, terms: tuple[Any, ...] = ()) -> None:
        self.mint(key, terms)
        assert self.approvals.claim(key, terms)

    def judge(self, method: str, path: str, params: Params) -> Errand:
        passed = self.guard.judge(method, path, params, self.approvals)
        if passed.stands_in:
            self.replacements.sent(passed.stands_in)
        return passed.errand

    def refuses(self, method: str, path: str, params: Params) -> str:
        with pytest.raises(UnapprovedError) as refusal:
            self.judge(method, path, params)
        return refusal.value.denial.text


def market(make: OrderFactory) -> Order:
    return make.market(BTC, BUY, QTY)


def close(make: OrderFactory) -> Order:
    return make.market(BTC, SELL, QTY, reduce_only=True)


def limit(make: OrderFactory) -> Order:
    return make.limit(BTC, BUY, QTY, PRICE)


def post_only(make: OrderFactory) -> Order:
    return make.limit(BTC, BUY, QTY, PRICE, post_only=True)


def good_till_date(make: OrderFactory) -> Order:
    tif = TimeInForce.GTD
    return make.limit(BTC, BUY, QTY, PRICE, time_in_force=tif, expire_time=UNTIL)


def stop(make: OrderFactory) -> Order:
    trigger = TriggerType.MARK_PRICE
    return make.stop_market(BTC, SELL, QTY, TRIGGER, trigger_type=trigger, reduce_only=True)


def stop_limit(make: OrderFactory) -> Order:
    return make.stop_limit(BTC, SELL, QTY, Price.from_str("54000"), TRIGGER, reduce_only=True)


def touched(make: OrderFactory) -> Order:
    return make.market_if_touched(BTC, SELL, QTY, Price.from_str("70000"), reduce_only=True)


def trailing(make: OrderFactory) -> Order:
    return make.trailing_stop_market(
        BTC, SELL, QTY, Decimal(150), activation_price=Price.from_str("66000"), reduce_only=True
    )


COMMON = {"symbol": "BTCUSDT", "quantity": "0.010", "timestamp": "1", "recvWindow": "5000"}
BUYS = COMMON | {"side": "BUY", "reduceOnly": "false"}
SELLS = COMMON | {"side": "SELL", "reduceOnly": "true"}
STOPS = SELLS | {"algoType": "CONDITIONAL", "timeInForce": "GTC", "workingType": "CONTRACT_PRICE"}
WIRE: dict[Callable[[OrderFactory], Order], tuple[str, Params, Errand]] = {
    market: (ORDER_PATH, BUYS | {"type": "MARKET"}, Errand.ENTRY),
    close: (ORDER_PATH, SELLS | {"type": "MARKET"}, Errand.EXIT),
    limit: (
        ORDER_PATH, BUYS | {"type": "LIMIT", "price": "59000.0", "timeInForce": "GTC"}, Errand.ENTRY
    ),
    post_only: (
        ORDER_PATH, BUYS | {"type": "LIMIT", "price": "59000.0", "timeInForce": "GTX"}, Errand.ENTRY
    ),
    good_till_date: (
        ORDER_PATH,
        BUYS | {"type": "LIMIT", "price": "59000.0", "timeInForce": "GTD", "goodTillDate": UNTIL_MS},
        Errand.ENTRY,
    ),
    stop: (
        ALGO_PATH,
        STOPS | {"type": "STOP_MARKET", "triggerPrice": "55000", "workingType": "MARK_PRICE"},
        Errand.EXIT,
    ),
    stop_limit: (
        ALGO_PATH, STOPS | {"type": "STOP", "triggerPrice": "55000", "price": "54000"}, Errand.EXIT
    ),
    touched: (
        ALGO_PATH, STOPS | {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "70000"}, Errand.EXIT
    ),
    trailing: (
        ALGO_PATH,
        STOPS | {"type": "TRAILING_STOP_MARKET", "callbackRate": "1.5", "activatePrice": "66000"},
        Errand.EXIT,
    ),
}  # fmt: skip
ID_KEY = {ORDER_PATH: "newClientOrderId", ALGO_PATH: "clientAlgoId"}
ALL = [pytest.param(make, id=make.__name__) for make in WIRE]


def wired(rig: Rig, make: Callable[[OrderFactory], Order]) -> tuple[str, Params, Errand]:
    """Approve an order, and return path and words of the request for exactly it."""
    order = make(rig.make)
    rig.approve(order.client_order_id.value, terms_of(order))
    path, params, errand = WIRE[make]
    return path, params | {ID_KEY[path]: order.client_order_id.value}, errand


@pytest.mark.parametrize("make", ALL)
def test_each_type_leaves_once_with_its_own_words(make):
    rig = Rig()
    path, params, errand = wired(rig, make)

    assert rig.judge("POST", path, params) is errand
    assert len(rig.approvals) == 0
    rig.refuses("POST", path, params)


@pytest.mark.parametrize("make", ALL)
def test_no_word_may_be_changed_dropped_or_added(make):
    for key, value in WIRE[make][1].items():
        if key in {"timestamp", "recvWindow"}:
            continue
        for other in (f"{value}9", None):
            rig = Rig()
            path, params, _ = wired(rig, make)
            changed = (
                params | {key: other} if other else {k: params[k] for k in params.keys() - {key}}
            )
            if (key, other, value) == ("reduceOnly", None, "false"):
                continue  # the venue's own default
            text = rig.refuses("POST", path, changed)
            assert f"{key}=" in text, (key, other, text)
    for key in ("closePosition", "priceMatch", "stopPrice", "icebergQty", "unheardOf"):
        rig = Rig()
        path, params, _ = wired(rig, make)
        rig.refuses("POST", path, params | {key: "true"})


@pytest.mark.parametrize("make", ALL)
def test_no_type_leaves_by_the_other_ones_door(make):
    rig = Rig()
    path, params, _ = wired(rig, make)
    other = ORDER_PATH if path == ALGO_PATH else ALGO_PATH
    params[ID_KEY[other]] = params.pop(ID_KEY[path])

    rig.refuses("POST", other, params)


@pytest.mark.parametrize("side", ["LONG", "SHORT"])
def test_a_side_of_hedge_mode_does_not_leave_while_the_one_of_one_way_mode_does(side):
    rig = Rig()
    path, params, _ = wired(rig, limit)

    rig.refuses("POST", path, params | {"positionSide": side})
    assert rig.judge("POST", path, params | {"positionSide": "BOTH"}) is Errand.ENTRY


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-0.010", "", "0,010"])
def test_what_is_not_the_approved_number_does_not_leave(number):
    rig = Rig()
    path, params, _ = wired(rig, limit)

    rig.refuses("POST", path, params | {"quantity": number})
    assert rig.judge("POST", path, params | {"quantity": "0.01000"}) is Errand.ENTRY


def amended(rig: Rig, key: str, make: Callable[[OrderFactory], Order] = limit) -> Params:
    """Approve an amendment, and return the words of the request for exactly it."""
    rig.approve(amend_key(key), terms_of(make(rig.make)))
    return COMMON | {"side": "BUY", "price": "59000.0", "origClientOrderId": key}


def test_an_amendment_of_an_entry_is_an_entry_and_leaves_once():
    rig = Rig()
    params = amended(rig, "O-1")

    assert rig.judge("PUT", ORDER_PATH, params) is Errand.ENTRY
    rig.refuses("PUT", ORDER_PATH, params)


@pytest.mark.parametrize(
    "changed",
    [
        {"price": "59000.1"}, {"quantity": "0.011"}, {"side": "SELL"}, {"symbol": "ETHUSDT"},
        {"orderId": "7"}, {"priceMatch": "QUEUE"}, {"origClientOrderId": "O-2"},
    ],
    ids=lambda c: next(iter(c)),
)  # fmt: skip
def test_an_amendment_with_other_words_does_not_leave(changed):
    rig = Rig()

    rig.refuses("PUT", ORDER_PATH, amended(rig, "O-1") | changed)


def test_a_conditional_order_is_not_amended_as_if_it_were_a_limit_order():
    rig = Rig()

    rig.refuses("PUT", ORDER_PATH, amended(rig, "O-1", stop) | {"side": "SELL"})


def test_the_approval_of_an_order_does_not_amend_it_nor_the_other_way_round():
    rig = Rig()
    path, params, _ = wired(rig, limit)
    key = params["newClientOrderId"]

    rig.refuses("PUT", ORDER_PATH, COMMON | {"origClientOrderId": key, "price": "59000.0"})
    rig.approve(amend_key("O-9"), terms_of(limit(rig.make)))
    rig.refuses("POST", path, params | {"newClientOrderId": "O-9"})


def test_only_a_stop_is_amended_by_an_order_under_a_serial_id():
    rig = Rig()
    rig.approve(amend_key("O-1"), terms_of(limit(rig.make)))

    rig.refuses("POST", ORDER_PATH, WIRE[limit][1] | {"newClientOrderId": "O-1:1"})


def replaced(rig: Rig, serial: int = 1) -> None:
    rig.approve(amend_key("O-1"), terms_of(stop(rig.make)))
    params = WIRE[stop][1] | {"clientAlgoId": f"O-1:{serial}"}
    assert rig.judge("POST", ALGO_PATH, params) is Errand.EXIT


def cancel(key: str) -> Params:
    return {"clientAlgoId": key, "timestamp": "1"}


def test_of_stops_that_stand_in_for_one_another_the_last_one_stays():
    rig = Rig()
    replaced(rig)
    replaced(rig, 2)
    for gone in ("O-1", "O-1:1"):
        assert rig.judge("DELETE", ALGO_PATH, cancel(gone)) is Errand.EXIT
        rig.replacements.gone(gone)

    rig.refuses("DELETE", ALGO_PATH, cancel("O-1:2"))
    rig.approve(cancel_key("O-1"))
    assert rig.judge("DELETE", ALGO_PATH, cancel("O-1:2")) is Errand.EXIT


def test_a_cancel_of_a_replaced_stop_may_be_sent_again_when_its_answer_is_lost():
    rig = Rig()
    replaced(rig)

    for _ in range(3):
        assert rig.judge("DELETE", ALGO_PATH, cancel("O-1")) is Errand.EXIT


def test_a_replaced_stop_is_not_canceled_over_the_door_of_plain_orders():
    rig = Rig()
    replaced(rig)

    rig.refuses("DELETE", ORDER_PATH, {"symbol": "BTCUSDT", "origClientOrderId": "O-1"})


def test_stops_of_other_orders_do_not_stand_in():
    rig = Rig()
    rig.replacements.seen(["O-1", "O-2", "O-2:1"])

    rig.refuses("DELETE", ALGO_PATH, cancel("O-1"))
    assert rig.judge("DELETE", ALGO_PATH, cancel("O-2")) is Errand.EXIT


def test_what_lapsed_is_said_once_and_is_unapproved_after():
    rig = Rig()
    rig.approve(cancel_key("O-1"))
    rig.approvals.revoke("O-1")

    with pytest.raises(LapsedError):
        rig.judge("DELETE", ALGO_PATH, cancel("O-1"))
    rig.refuses("DELETE", ALGO_PATH, cancel("O-1"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_the_user_streams_key_and_the_countdown_are_free(method):
    guard = WireGuard(Replacements())
    approvals: Approvals | None = None

    if method != "PATCH":
        assert guard.judge(method, "/fapi/v1/listenKey", {}, approvals).errand is Errand.EXIT
    with pytest.raises(UnapprovedError):
        guard.judge(method, "/fapi/v1/leverage", {}, approvals)
    with pytest.raises(UnapprovedError):
        guard.judge(method, ORDER_PATH, {}, approvals)


@pytest.mark.parametrize("path", ["/fapi/v1/openAlgoOrders", "/fapi/v1/openOrders"])
@pytest.mark.parametrize(
    ("state", "errand"),
    [
        (TradingState.ACTIVE, Errand.QUERY),
        (TradingState.REDUCING, Errand.QUERY),
        (TradingState.HALTED, Errand.CARE),
    ],
)
def test_whole_lists_are_care_when_nothing_new_may_leave(path, state, errand):
    guard = WireGuard(Replacements())
    _, approvals = new_approvals(lambda _: state)

    assert guard.judge("GET", path, {}, approvals).errand is errand
    assert guard.judge("GET", path, {}, None).errand is Errand.QUERY
    assert guard.judge("GET", "/fapi/v1/depth", {}, approvals).errand is Errand.QUERY


def test_reading_is_free_along_a_plain_path_only():
    rig = Rig()

    assert rig.judge("GET", "/fapi/v1/order", {}) is Errand.CARE
    assert rig.judge("GET", "/fapi/v1/openAlgoOrders", {"symbol": "BTCUSDT"}) is Errand.CARE
    assert rig.judge("GET", "/fapi/v1/openAlgoOrders", {}) is Errand.QUERY
    assert rig.judge("GET", "/fapi/v1/time", {}) is Errand.CARE
    assert rig.judge("GET", "/fapi/v1/depth", {"symbol": "BTCUSDT"}) is Errand.QUERY
    for path in ("fapi/v1/order", "@host/x", "/x?y=1", "/x#y", "/%2e", "/\\host"):
        rig.refuses("GET", path, {})


def test_a_cancel_is_good_for_one_request():
    rig = Rig()
    params = {"symbol": "BTCUSDT", "origClientOrderId": "O-1"}
    rig.approve(cancel_key("O-1"))

    assert rig.judge("DELETE", ORDER_PATH, params) is Errand.EXIT
    rig.refuses("DELETE", ORDER_PATH, params)


def test_a_cancel_names_its_order_by_nothing_but_the_client_id():
    rig = Rig()
    rig.approve(cancel_key("O-1"))

    rig.refuses(
        "DELETE", ORDER_PATH, {"symbol": "BTCUSDT", "origClientOrderId": "O-1", "orderId": "7"}
    )


def test_a_conditional_order_with_a_price_is_not_amended_as_a_limit_order():
    rig = Rig()
    params = amended(rig, "O-1", stop_limit) | {"side": "SELL", "price": "54000"}

    rig.refuses("PUT", ORDER_PATH, params)


def test_a_stop_without_its_trigger_does_not_leave_as_a_plain_order():
    rig = Rig()
    _, params, _ = wired(rig, stop)
    plain = SELLS | {"type": "STOP_MARKET", "timeInForce": "GTC"}

    rig.refuses("POST", ORDER_PATH, plain | {"newClientOrderId": params["clientAlgoId"]})
