"""What the venue says, element by element."""

from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide, OrderType, TimeInForce, TriggerType

from adapters.facts import (
    UnreadableFactError,
    algo_from_event,
    algo_from_rest,
    order_from_rest,
    position_from_rest,
    read_all,
    trade_from_event,
)

ORDER = {
    "symbol": "BTCUSDT", "clientOrderId": "O-1", "orderId": 22542179001, "side": "BUY",
    "type": "LIMIT", "origType": "LIMIT", "timeInForce": "GTC", "origQty": "0.010",
    "executedQty": "0.004", "price": "60000.00", "stopPrice": "0.00",
    "workingType": "CONTRACT_PRICE", "status": "PARTIALLY_FILLED", "reduceOnly": False,
    "updateTime": 1785000000123,
}  # fmt: skip
ALGO = {
    "symbol": "BTCUSDT", "clientAlgoId": "O-2", "algoId": 4000000230627731, "side": "SELL",
    "orderType": "STOP_MARKET", "timeInForce": "GTC", "quantity": "0.010", "algoStatus": "NEW",
    "triggerPrice": "58000.00", "price": "0.00", "workingType": "MARK_PRICE",
    "closePosition": False, "reduceOnly": True, "actualOrderId": "", "updateTime": 1785000000200,
}  # fmt: skip


def test_an_order_is_read_as_it_stands():
    fact = order_from_rest(ORDER)
    assert (fact.client_id, fact.venue_id, fact.side) == ("O-1", "22542179001", OrderSide.BUY)
    assert (fact.order_type, fact.time_in_force) == (OrderType.LIMIT, TimeInForce.GTC)
    assert (fact.quantity, fact.executed) == (Decimal("0.010"), Decimal("0.004"))
    assert (fact.price, fact.trigger_price) == (Decimal("60000.00"), None)
    assert fact.is_open
    assert fact.updated_ms == 1785000000123


def test_a_conditional_order_waits_under_its_algo_id():
    fact = algo_from_rest(ALGO)
    assert (fact.venue_id, fact.child_id, fact.is_waiting) == ("4000000230627731", None, True)
    assert (fact.trigger_price, fact.trigger_type) == (Decimal("58000.00"), TriggerType.MARK_PRICE)
    assert fact.is_reduce_only


def test_a_triggered_order_names_the_one_that_it_became():
    fact = algo_from_rest(ALGO | {"algoStatus": "TRIGGERED", "actualOrderId": "22542179050"})
    assert (fact.child_id, fact.is_waiting) == ("22542179050", False)


def test_a_conditional_order_that_finished_without_a_child_was_canceled():
    assert algo_from_rest(ALGO | {"algoStatus": "FINISHED"}).status == "CANCELED"


def test_an_order_that_closes_the_position_reduces_and_has_no_quantity():
    fact = algo_from_rest(ALGO | {"quantity": "0", "closePosition": True, "reduceOnly": False})
    assert fact.quantity is None
    assert fact.is_reduce_only


def test_a_conditional_order_without_quantity_is_unreadable():
    with pytest.raises(UnreadableFactError, match="does not close the position"):
        algo_from_rest(ALGO | {"quantity": ""})


@pytest.mark.parametrize(
    "change",
    [{"timeInForce": "RPI2"}, {"status": "HALTED"}, {"origType": "NEW"}, {"side": "UP"},
     {"workingType": "INDEX"}, {"origQty": "much"}],
    ids=str,
)  # fmt: skip
def test_an_unknown_value_names_itself(change):
    with pytest.raises(UnreadableFactError, match=str(next(iter(change.values())))):
        order_from_rest(ORDER | change)


def test_a_missing_field_is_unreadable():
    with pytest.raises(UnreadableFactError, match="TypeError"):
        order_from_rest({k: v for k, v in ORDER.items() if k != "updateTime"})


def test_one_unreadable_element_leaves_the_others():
    told: list[str] = []
    rows = [ORDER, ORDER | {"status": "HALTED"}, ORDER | {"clientOrderId": "O-3"}]
    facts = read_all(rows, order_from_rest, told.append)
    assert [fact.client_id for fact in facts] == ["O-1", "O-3"]
    assert len(told) == 1
    assert "HALTED" in told[0]


def test_a_fee_that_is_not_told_is_none():
    row = {"s": "BTCUSDT", "i": 1, "t": 7, "S": "BUY", "l": "0.010", "L": "60000.00", "m": True,
           "T": 5}  # fmt: skip
    trade = trade_from_event(row)
    assert (trade.fee, trade.fee_asset, trade.trade_id) == (Decimal(0), None, "7")


def test_an_algo_event_carries_the_time_and_the_reason():
    row = {"caid": "O-2", "aid": 4, "o": "STOP_MARKET", "s": "BTCUSDT", "S": "SELL", "f": "GTC",
           "q": "0.010", "X": "REJECTED", "ai": "", "tp": "58000.00", "p": "0",
           "wt": "MARK_PRICE", "cp": False, "R": True, "rm": "Margin is insufficient."}  # fmt: skip
    fact = algo_from_event(row, 9)
    assert (fact.status, fact.reason, fact.updated_ms) == ("REJECTED", "Margin is insufficient.", 9)


def test_a_position_of_hedge_mode_is_refused():
    row = {"symbol": "BTCUSDT", "positionSide": "LONG", "positionAmt": "1", "entryPrice": "1"}
    with pytest.raises(UnreadableFactError, match="must be 'BOTH'"):
        position_from_rest(row)
