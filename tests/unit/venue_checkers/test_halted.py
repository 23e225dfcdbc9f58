"""HALTED means silence but for exits and cancels."""

import pytest

from tests.wire_log_kit import START_MS
from venue.checkers.sending import check_halted


def amend(script, qty, price="9000"):
    script.request("PUT", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", quantity=qty,
                   price=price, origClientOrderId="a")  # fmt: skip


def halt(script, name="HALTED"):
    script.record("state", previous="ACTIVE", state=name, cause="x", by="breaker")


@pytest.mark.parametrize("name", ["HALTED", "REDUCING"])
def test_an_entry_after_a_halt_is_caught(script, judged, name):
    script.send("a", "BUY", "1")
    halt(script, name)
    script.ms = 50
    script.send("b", "BUY", "1")
    assert judged(check_halted) == []  # within the tolerance

    script.ms = 51
    script.send("c", "BUY", "1")
    assert judged(check_halted) == [f"c BTCUSDT BUY MARKET 1: sent 51 ms after {name}"]


def test_exits_cancels_and_looks_pass_a_halt(script, judged):
    script.send("sl", "SELL", "1", path="algoOrder", type="STOP_MARKET", triggerPrice="9000",
                reduceOnly="true")  # fmt: skip
    halt(script)
    script.ms = 1_000
    script.send("x", "SELL", "1", reduceOnly="true")
    script.request("PUT", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", quantity="1",
                   price="1", origClientOrderId="sl")  # fmt: skip
    script.request("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    script.request("GET", "/fapi/v1/openOrders")

    assert judged(check_halted) == []


def test_amending_an_entry_after_a_halt_is_caught(script, judged):
    script.send("a", "BUY", "1", type="LIMIT", price="9000")
    halt(script)
    script.ms = 1_000
    amend(script, "2")

    assert judged(check_halted) == ["a BTCUSDT BUY LIMIT 2 at 9000: amended 1000 ms after HALTED"]


def test_after_a_person_has_resumed_entries_pass(script, judged):
    halt(script)
    script.ms = 1_000
    halt(script, "ACTIVE")
    script.ms = 2_000
    script.send("a", "BUY", "1")

    assert judged(check_halted) == []


def test_an_entry_right_after_a_resume_passes_and_one_right_before_it_does_not(script, judged):
    halt(script)
    script.ms = 1_000
    halt(script, "ACTIVE")
    script.send("a", "BUY", "1")  # within the same millisecond
    assert judged(check_halted) == []

    script.ms = 999
    script.send("b", "BUY", "1")
    assert judged(check_halted) == ["b BTCUSDT BUY MARKET 1: sent 999 ms after HALTED"]


def test_a_request_is_dated_by_the_nodes_own_clock(script, judged):
    halt(script)
    script.ms = 60_000  # when it arrived
    script.send("a", "BUY", "1")
    script.lines[-2]["params"]["timestamp"] = str(START_MS - 1)  # when it was sent

    assert judged(check_halted) == []
