"""Each fill is counted once, fees are the venue's."""

from tests.wire_log_kit import START_MS, state
from venue.checkers.fills import check_commissions, check_fills


def test_fills_that_were_counted_once_pass(script, judged):
    script.order("a", "BUY", "2", "TRADE", l="1")
    script.order("a", "BUY", "2", "TRADE", l="1")
    script.order("sl:2", "SELL", "2.0", "TRADE", R=True)
    script.fill("a", "BUY", "1.000", trade_id="101")
    script.fill("a", "BUY", "1.000", trade_id="102")
    script.fill("sl", "SELL", "2", trade_id="103")

    assert judged(check_fills) == []


def test_a_fill_counted_twice_is_caught(script, judged):
    script.order("a", "BUY", "1", "TRADE")
    script.fill("a", "BUY", "1")
    script.fill("a", "BUY", "1")

    assert judged(check_fills) == [
        "a BUY 1 at 10000 (trade 101): counted 1 times more than it was filled"
    ]


def test_a_fill_counted_twice_in_place_of_another_like_it_is_caught(script, judged):
    script.order("a", "BUY", "2", "TRADE", l="1")
    script.order("a", "BUY", "2", "TRADE", l="1")
    script.fill("a", "BUY", "1", trade_id="101")
    script.fill("a", "BUY", "1", trade_id="101")

    assert len(judged(check_fills)) == 2


def test_a_fill_may_be_written_down_once_by_each_start_of_the_node(script, judged):
    script.order("a", "BUY", "1", "TRADE")
    for _ in range(2):
        script.record("profile", hash="h", profile={})
        script.fill("a", "BUY", "1")
    assert judged(check_fills) == []

    script.fill("a", "BUY", "1")

    assert len(judged(check_fills)) == 1


def test_a_fill_that_was_missed_is_caught(script, judged):
    script.order("a", "BUY", "1", "TRADE")

    assert judged(check_fills) == [
        "a BUY 1 at 10000 (trade 101): filled 1 times more than the node counted"
    ]


def test_a_fill_at_another_price_is_caught_on_both_sides(script, judged):
    script.order("a", "BUY", "1", "TRADE")
    script.fill("a", "BUY", "1", "10001")

    assert len(judged(check_fills)) == 2


def test_one_event_told_twice_is_one_fill(script, judged):
    script.order("a", "BUY", "1", "TRADE")
    script.lines.append(script.lines[-1] | {"n": len(script.lines) + 1})
    script.fill("a", "BUY", "1")

    assert judged(check_fills) == []


def take_over(script, qty):
    script.record("profile", hash="h", profile={})
    script.ms += 10
    row = {"instrument_id": "BTCUSDT-PERP.BINANCE", "quantity": qty}
    script.record("opened", positions=[row])
    script.ms += 10


def test_fills_that_nobody_saw_are_counted_by_the_position_that_was_taken_over(script, judged):
    script.order("a", "BUY", "1", "TRADE")
    script.order("b", "BUY", "0.5", "TRADE")
    script.fill("a", "BUY", "1")
    take_over(script, "1.5")
    assert judged(check_fills) == []

    script.order("c", "BUY", "1", "TRADE")

    assert len(judged(check_fills)) == 1


def test_a_position_that_is_taken_over_must_be_the_venues(script, judged):
    script.order("a", "BUY", "1", "TRADE")
    script.fill("a", "BUY", "1")
    take_over(script, "2")

    assert judged(check_fills) == ["took over 2 BTCUSDT, the venue held 1"]


def test_fees_before_the_start_of_the_node_are_not_its_own(script, judged):
    script.order("a", "BUY", "1", "TRADE", n="0.5")
    script.ms += 10
    script.order("b", "BUY", "1", "TRADE", n="0.25")

    believed = state(commissions={"USDT": "0.25"}, ts_started=START_MS + 5)

    assert judged(check_commissions, state=believed) == []


def test_fees_are_compared_by_asset_to_the_last_decimal(script, judged):
    script.order("a", "BUY", "1", "TRADE", n="0.50000001")
    script.order("b", "BUY", "1", "TRADE", n="0.5")
    script.order("c", "BUY", "1", "TRADE", N="BNB", n="0.001")
    right = {"USDT": "1.00000001", "BNB": "0.00100000"}
    assert judged(check_commissions, state=state(commissions=right)) == []

    assert judged(check_commissions, state=state(commissions=right | {"USDT": "1"})) == [
        "USDT: the venue took 1.00000001, the node believes 1"
    ]
    assert judged(check_commissions, state=state(commissions={"USDT": "1.00000001"})) == [
        "BNB: the venue took 0.001, the node believes 0"
    ]
