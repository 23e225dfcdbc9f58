"""At the end the node believes what the venue holds."""

import pytest

from tests.wire_log_kit import state
from venue.checkers.ending import check_ending, check_log

ORDER = {
    "order_id": 1, "client_order_id": "q-1", "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT",
    "qty": "1.000", "executed_qty": "0", "price": "9000.0", "reduce_only": False,
}  # fmt: skip
STOP = {
    "algo_id": 2, "client_algo_id": "sl-1:3", "order_id": None, "symbol": "BTCUSDT",
    "side": "SELL", "type": "STOP_MARKET", "qty": "1.000", "trigger_price": "9000.0",
    "reduce_only": True, "close_position": False,
}  # fmt: skip
BELIEVED = [
    {"client_order_id": "q-1", "side": "BUY", "qty": "1", "type": "LIMIT", "price": "9000",
     "trigger_price": None, "reduce_only": False},
    {"client_order_id": "sl-1", "side": "SELL", "qty": "1", "type": "STOP_MARKET", "price": None,
     "trigger_price": "9000", "reduce_only": True},
]  # fmt: skip


def test_an_end_that_agrees_passes_whatever_the_decimals_and_replacements(script, judged):
    script.truth("0.50", orders=[ORDER], algos=[STOP], usdt="99990.5")

    found = judged(
        check_ending,
        state=state(positions={"BTCUSDT": "0.5"}, open_orders=BELIEVED, balance_usdt="99990.50"),
    )

    assert found == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"positions": {}}, ["BTCUSDT: the venue holds 0.50, the node believes 0"]),
        ({"positions": {"BTCUSDT": "0.501"}},
         ["BTCUSDT: the venue holds 0.50, the node believes 0.501"]),
        ({"positions": {"BTCUSDT": "0.5", "ETHUSDT": "1"}},
         ["ETHUSDT: the venue holds 0, the node believes 1"]),
        ({"open_orders": BELIEVED[:1]},
         ["open at the venue alone: sl-1 SELL 1.000 STOP_MARKET at 9000.0 reduce-only"]),
        ({"open_orders": [*BELIEVED, BELIEVED[0]]},
         ["open at the node alone: q-1 BUY 1 LIMIT at 9000"]),
        ({"balance_usdt": "100000.00000001"},
         ["the venue holds 100000 USDT, the node believes 100000.00000001"]),
        ({"balance_usdt": None}, ["the venue holds 100000 USDT, the node believes None"]),
    ],
)  # fmt: skip
def test_an_end_that_differs_is_told(script, judged, changes, told):
    script.truth("0.50", orders=[ORDER], algos=[STOP])
    agreed = state(positions={"BTCUSDT": "0.5"}, open_orders=BELIEVED)

    assert judged(check_ending, state=agreed | changes) == told


@pytest.mark.parametrize(
    ("field", "value"),
    [("side", "BUY"), ("qty", "2"), ("type", "LIMIT"), ("trigger_price", "9001"),
     ("reduce_only", False)],
)  # fmt: skip
def test_each_term_of_an_open_order_is_compared(script, judged, field, value):
    script.truth("0.5", orders=[ORDER], algos=[STOP])
    orders = [BELIEVED[0], BELIEVED[1] | {field: value}]

    found = judged(check_ending, state=state(positions={"BTCUSDT": "0.5"}, open_orders=orders))

    assert len(found) == 2


def test_a_log_without_an_end_is_no_proof(judged):
    assert judged(check_ending, state=state()) == [
        "the log has no truth of the end: the venue was killed"
    ]


def test_the_venue_itself_is_held_to_its_fills(script, judged):
    script.order("a", "BUY", "1", "TRADE")
    script.order("b", "SELL", "0.4", "TRADE")
    script.truth("0.6")
    assert judged(check_log) == []

    script.truth("0.7")
    assert judged(check_log) == ["holds BTCUSDT 0.7, its fills BTCUSDT 0.6"]
