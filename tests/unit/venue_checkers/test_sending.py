"""Nothing goes out but what was approved, once."""

import json

import pytest

from tests.wire_log_kit import approved
from venue.checkers.log import CheckError, read_log
from venue.checkers.sending import check_approved


def test_what_was_approved_and_sent_once_passes(script, judged):
    script.approve(
        approved("a", "BUY", "1.000", price=None),
        approved("sl", "SELL", "1", "STOP_MARKET", trigger_price="9000", reduce_only=True,
                 parent_id="a"),
    )  # fmt: skip
    script.send("a", "BUY", "1")
    script.record(
        "released", **approved("sl", "SELL", "0.4", "STOP_MARKET", trigger_price="9000",
                               reduce_only=True, parent_id="a"),
    )  # fmt: skip
    stop = {"path": "algoOrder", "type": "STOP_MARKET", "triggerPrice": "9000.00",
            "reduceOnly": "True"}  # fmt: skip
    script.send("sl", "SELL", "0.400", **stop)
    script.record("approved", command="ModifyOrder", client_order_id="sl",
                  instrument_id="", qty="1", price=None, trigger_price=None)  # fmt: skip
    script.send("sl:1", "SELL", "1", **stop)

    assert judged(check_approved) == []


def test_an_order_that_nobody_approved_is_caught(script, judged):
    script.send("a", "BUY", "1")

    assert judged(check_approved) == ["a BTCUSDT BUY MARKET 1: never approved"]


def test_an_order_without_a_client_id_is_caught(script, judged):
    script.send("", "BUY", "1")

    assert judged(check_approved) == ["(no client id) BTCUSDT BUY MARKET 1: never approved"]


@pytest.mark.parametrize(
    "terms",
    [
        {"side": "SELL"}, {"quantity": "1.001"}, {"symbol": "ETHUSDT"}, {"price": "10001"},
        {"type": "MARKET", "price": None}, {"reduceOnly": "true"}, {"triggerPrice": "9000"},
    ],
)  # fmt: skip
def test_any_other_term_than_approved_is_caught(script, judged, terms):
    script.approve(approved("a", "BUY", "1", "LIMIT", price="10000"))
    sent = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "1",
            "price": "10000.0", "newClientOrderId": "a"}  # fmt: skip
    script.request("POST", "/fapi/v1/order", **(sent | terms))

    [told] = judged(check_approved)
    assert told.endswith("other terms than approved: BTCUSDT BUY LIMIT 1 at 10000")


def test_an_approval_is_good_for_one_request(script, judged):
    script.approve(approved("a", "BUY", "1"))
    script.send("a", "BUY", "1")
    script.send("a", "BUY", "1")

    [told] = judged(check_approved)
    assert "its approval was used before" in told


def test_a_child_goes_when_it_is_released_and_not_before(script, judged):
    script.approve(approved("a", "BUY", "1"),
                   approved("tp", "SELL", "1", "LIMIT", price="11000", reduce_only=True,
                            parent_id="a"))  # fmt: skip
    script.send("a", "BUY", "1")
    script.send("tp", "SELL", "1", type="LIMIT", price="11000", reduceOnly="true")

    [told] = judged(check_approved)
    assert "it was not released" in told


def test_a_replacement_needs_an_approval_of_its_own(script, judged):
    script.approve(approved("sl", "SELL", "1", "STOP_MARKET", trigger_price="9000",
                            reduce_only=True))  # fmt: skip
    stop = {"path": "algoOrder", "type": "STOP_MARKET", "reduceOnly": "true"}
    script.send("sl", "SELL", "1", triggerPrice="9000", **stop)
    script.send("sl:1", "SELL", "1", triggerPrice="9100", **stop)

    [told] = judged(check_approved)
    assert told.startswith("sl:1")


def amend(script, qty, price="9000"):
    script.request("PUT", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", quantity=qty,
                   price=price, origClientOrderId="a")  # fmt: skip


def test_an_amendment_goes_with_the_terms_that_were_approved(script, judged):
    script.approve(approved("a", "BUY", "1", "LIMIT", price="9000"))
    script.send("a", "BUY", "1", type="LIMIT", price="9000")
    script.record("approved", command="ModifyOrder", client_order_id="a", instrument_id="",
                  qty="2", price=None, trigger_price=None)  # fmt: skip
    amend(script, "2")
    assert judged(check_approved) == []

    amend(script, "2")
    assert len(judged(check_approved)) == 1


def test_every_order_of_a_batch_is_judged(script, judged):
    rows = [{"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1",
             "newClientOrderId": name} for name in "ab"]  # fmt: skip
    script.approve(approved("a", "BUY", "1"))
    script.request("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps(rows))

    assert judged(check_approved) == ["b BTCUSDT BUY MARKET 1: never approved"]


@pytest.mark.parametrize("path", ["leverage", "marginType", "positionSide/dual"])
def test_a_setting_is_never_changed_by_a_node(script, judged, path):
    script.request("POST", f"/fapi/v1/{path}", symbol="BTCUSDT")

    assert judged(check_approved) == [f"POST /fapi/v1/{path}: nothing approves it"]


def test_reading_and_canceling_need_no_approval(script, judged):
    script.request("GET", "/fapi/v1/order", symbol="BTCUSDT")
    script.request("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="x")

    assert judged(check_approved) == []


def test_orders_of_another_account_are_not_this_nodes(script, tmp_path):
    script.truth()
    script.lines[-1]["account"] = "second"
    script.send("a", "BUY", "1", account="second")
    log, _ = script.write(tmp_path)

    assert {line.get("account", "main") for line in read_log(log, "main").lines} == {"main"}
    with pytest.raises(CheckError, match="accounts main, second: say which to judge"):
        read_log(log)
