"""Conditional orders: acceptance, triggers, life cycle, children."""

from decimal import Decimal

import pytest

from tests.engine_kit import BTC, code_of, scene
from venue.engine.options import Options

STEPS = ["NEW", "TRIGGERING", "TRIGGERED", "NEW/NEW/0", "TRADE/FILLED/0", "FINISHED"]


def long_scene(**more):
    venue = scene(**more)
    venue.order("BUY", "0.5")
    venue.events()
    return venue


def test_a_stop_lives_through_its_states_and_its_child_bears_its_client_id():
    venue = long_scene()
    answer = venue.algo("SELL", "0.5", "59000", reduceOnly="True", clientAlgoId="s")

    venue.move(59_000)
    venue.wait(20)

    assert venue.steps("s") == STEPS
    row = venue.ask("GET", "algoOrder", algoId=answer["algoId"])
    child = venue.ask("GET", "order", symbol=BTC, orderId=row["actualOrderId"])
    assert (child["clientOrderId"], child["status"], venue.amt()) == ("s", "FILLED", 0)
    assert (row["algoStatus"], row["actualQty"], row["actualPrice"]) == (
        "FINISHED",
        "0.500",
        "59000.00",
    )


def test_algo_ids_and_order_ids_are_different_spaces():
    venue = long_scene()
    algo_id = venue.algo("SELL", "0.5", "59000")["algoId"]

    assert code_of(lambda: venue.ask("GET", "order", symbol=BTC, orderId=algo_id)) == -2013
    assert code_of(lambda: venue.ask("DELETE", "order", symbol=BTC, orderId=algo_id)) == -2011


def test_each_step_takes_its_time():
    venue = long_scene()
    venue.algo("SELL", "0.5", "59000", clientAlgoId="s")

    venue.move(59_000)
    assert venue.steps("s") == ["NEW", "TRIGGERING"]
    assert code_of(lambda: venue.ask("DELETE", "algoOrder", clientAlgoId="s")) == -4117
    venue.wait(9)
    assert venue.steps("s") == []
    venue.wait(1)
    assert venue.steps("s") == ["TRIGGERED", "NEW/NEW/0", "TRADE/FILLED/0"]
    venue.wait(10)
    assert venue.steps("s") == ["FINISHED"]
    assert code_of(lambda: venue.ask("DELETE", "algoOrder", clientAlgoId="s")) == -2011


def test_the_childs_events_may_come_before_the_triggered_event():
    venue = long_scene(options=Options(algo_events_late=True))
    venue.algo("SELL", "0.5", "59000", clientAlgoId="s")

    venue.move(59_000)
    venue.wait(20)

    assert venue.steps("s") == [
        "NEW", "TRIGGERING", "NEW/NEW/0", "TRADE/FILLED/0", "TRIGGERED", "FINISHED",
    ]  # fmt: skip


def test_a_child_may_have_a_client_id_of_its_own():
    venue = long_scene(options=Options(child_keeps_client_id=False))
    venue.algo("SELL", "0.5", "59000", clientAlgoId="s")

    venue.move(59_000)
    venue.wait(20)

    row = venue.ask("GET", "algoOrder", clientAlgoId="s")
    child = venue.ask("GET", "order", symbol=BTC, orderId=row["actualOrderId"])
    assert child["clientOrderId"] != "s"


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "before", "at"),
    [
        ("STOP_MARKET", "SELL", "59000", "59000.10", "59000.00"),
        ("STOP_MARKET", "BUY", "61000", "60999.90", "61000.00"),
        ("TAKE_PROFIT_MARKET", "SELL", "61000", "60999.90", "61000.00"),
        ("TAKE_PROFIT_MARKET", "BUY", "59000", "59000.10", "59000.00"),
    ],
)
def test_a_trigger_is_reached_at_its_price_and_not_a_tick_before(kind, side, trigger, before, at):
    venue = scene()
    venue.algo(side, "0.1", trigger, type=kind, clientAlgoId="t")

    venue.mark(before)
    assert venue.steps("t") == ["NEW"]
    venue.mark(at)
    assert venue.steps("t") == ["TRIGGERING"]


@pytest.mark.parametrize(
    ("working_type", "is_triggered"), [("MARK_PRICE", False), ("CONTRACT_PRICE", True)]
)
def test_the_working_type_says_which_price_triggers(working_type, is_triggered):
    venue = scene()
    venue.algo("SELL", "0.1", "59000", workingType=working_type, clientAlgoId="t")

    venue.ex.on_trade(BTC, Decimal(59_000), Decimal(1), is_buyer_maker=True)

    assert ("TRIGGERING" in venue.steps("t")) is is_triggered


@pytest.mark.parametrize(
    ("side", "trigger", "code"),
    [
        ("SELL", "60000", -2021),
        ("SELL", "59999.90", None),
        ("BUY", "60000", -2021),
        ("BUY", "60000.10", None),
    ],
)
def test_an_order_that_would_trigger_at_once_is_refused(side, trigger, code):
    venue = scene()

    if code:
        assert code_of(lambda: venue.algo(side, "0.1", trigger)) == code
    else:
        assert venue.algo(side, "0.1", trigger)["algoStatus"] == "NEW"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"algoType": "TWAP"}, -1130),
        ({"type": "MARKET"}, -1116),
        ({"side": "UP"}, -1117),
        ({"triggerPrice": None}, -1102),
        ({"quantity": None}, -1102),
        ({"triggerPrice": "59000.05"}, -4014),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "120.001"}, -4005),
        ({"quantity": "0.001", "triggerPrice": "49999.90"}, -4164),
        ({"workingType": "INDEX"}, -1130),
        ({"clientAlgoId": "a" * 37}, -4015),
        ({"positionSide": "LONG"}, -4061),
        ({"type": "STOP"}, -1102),
        ({"type": "STOP", "price": "50000", "triggerPrice": "59000"}, -4184),
        ({"priceMatch": "QUEUE"}, -5038),
        ({"closePosition": "true"}, -4137),
        ({"closePosition": "true", "quantity": None, "reduceOnly": "true"}, -1106),
        ({"closePosition": "true", "quantity": None, "type": "STOP", "price": "59000"}, -4136),
    ],
)
def test_a_malformed_conditional_order_is_refused_with_its_code(change, code):
    venue = scene()

    assert code_of(lambda: venue.algo("SELL", "0.1", "59000", **change)) == code
    assert venue.events() == []


def test_margin_is_not_looked_at_before_the_trigger_and_then_it_rejects():
    venue = scene(wallet=100)
    venue.algo("SELL", "5", "59000", clientAlgoId="s")

    venue.move(59_000)
    venue.wait(20)

    assert venue.steps("s") == ["NEW", "TRIGGERING", "REJECTED"]
    venue.algo("SELL", "5", "58000", clientAlgoId="s2")
    venue.events()
    venue.move(58_000)
    venue.wait(20)
    assert venue.events("ALGO_UPDATE")[-1]["o"]["rm"] == "Margin is insufficient."


def test_a_reduce_only_stop_without_a_position_is_rejected_when_it_triggers():
    venue = scene()
    venue.algo("SELL", "0.5", "59000", reduceOnly="true", clientAlgoId="s")
    venue.events()

    venue.move(59_000)
    venue.wait(20)

    last = venue.events("ALGO_UPDATE")[-1]["o"]
    assert (last["X"], last["rm"]) == ("REJECTED", "ReduceOnly Order is rejected.")


def test_a_reduce_only_stop_knocks_out_the_resting_target_and_fills():
    venue = long_scene()
    venue.order("SELL", "0.5", "62000", reduceOnly="true", newClientOrderId="tp")
    venue.algo("SELL", "0.5", "59000", reduceOnly="true")
    venue.events()

    venue.move(59_000)
    venue.wait(20)

    assert venue.steps("tp") == ["EXPIRED/EXPIRED/4"]
    assert venue.amt() == 0


def test_close_position_closes_whatever_is_there_when_it_triggers():
    venue = long_scene()
    venue.algo("SELL", None, "59000", closePosition="true", clientAlgoId="s")
    venue.order("BUY", "0.2")

    venue.move(59_000)
    venue.wait(20)

    assert venue.amt() == 0
    child = [e["o"] for e in venue.events("ORDER_TRADE_UPDATE") if e["o"]["c"] == "s"][-1]
    assert (child["q"], child["cp"], child["R"]) == ("0.700", True, True)


def test_a_second_close_position_order_in_a_direction_is_refused():
    venue = long_scene()
    venue.algo("SELL", None, "59000", closePosition="true")

    assert code_of(lambda: venue.algo("SELL", None, "58000", closePosition="true")) == -4130
    target = {"type": "TAKE_PROFIT_MARKET", "closePosition": "true"}
    assert venue.algo("SELL", None, "62000", **target)["algoStatus"] == "NEW"
    assert venue.algo("SELL", "0.1", "58000")["algoStatus"] == "NEW"


def test_an_order_tied_to_the_position_expires_with_it():
    venue = long_scene()
    venue.algo("SELL", "0.5", "59000", timeInForce="GTE_GTC", clientAlgoId="g")
    venue.algo("SELL", "0.5", "58000", clientAlgoId="s")

    venue.order("SELL", "0.5", reduceOnly="true")

    assert [a["clientAlgoId"] for a in venue.ask("GET", "openAlgoOrders")] == ["s"]
    assert venue.ask("GET", "algoOrder", clientAlgoId="g")["algoStatus"] == "EXPIRED"


@pytest.mark.parametrize(("last", "is_triggered"), [("56050", True), ("55774.90", False)])
def test_a_protected_order_waits_while_mark_and_last_are_too_far_apart(last, is_triggered):
    venue = scene()
    venue.ex.on_trade(BTC, Decimal(60_000), Decimal(1), is_buyer_maker=True)
    venue.algo("SELL", "0.1", "59000", priceProtect="true", clientAlgoId="p")
    venue.ex.on_trade(BTC, Decimal(last), Decimal(1), is_buyer_maker=True)

    venue.mark("58710.50" if not is_triggered else "59000")

    assert ("TRIGGERING" in venue.steps("p")) is is_triggered


def test_a_trailing_stop_follows_the_price_after_its_activation():
    venue = scene()
    venue.algo(
        "SELL", "0.1", None, type="TRAILING_STOP_MARKET", callbackRate="1",
        activatePrice="61000", clientAlgoId="t",
    )  # fmt: skip

    venue.mark(59_000)
    venue.mark("60999.90")
    assert venue.steps("t") == ["NEW"]
    venue.mark(61_000)
    assert [e["o"]["ia"] for e in venue.events("ALGO_UPDATE")] == [True]
    venue.mark(62_000)
    venue.mark("61380.10")
    assert venue.steps("t") == []
    venue.mark("61380.00")
    assert venue.steps("t") == ["TRIGGERING"]


def test_a_buying_trailing_stop_follows_the_low():
    venue = scene()
    venue.algo("BUY", "0.1", None, type="TRAILING_STOP_MARKET", callbackRate="2", clientAlgoId="t")
    venue.events()

    venue.mark(58_000)
    venue.mark("59159.90")
    assert venue.steps("t") == []
    venue.mark("59160.00")
    assert venue.steps("t") == ["TRIGGERING"]


@pytest.mark.parametrize(
    ("rate", "code"), [("0.09", -1130), ("0.1", None), ("10", None), ("10.1", -1130)]
)
def test_a_callback_rate_is_between_a_tenth_and_ten_percent(rate, code):
    venue = scene()
    terms = {"type": "TRAILING_STOP_MARKET", "callbackRate": rate}

    if code:
        assert code_of(lambda: venue.algo("SELL", "0.1", None, **terms)) == code
    else:
        assert venue.algo("SELL", "0.1", None, **terms)["algoStatus"] == "NEW"


@pytest.mark.parametrize(("side", "activate"), [("SELL", "60000"), ("BUY", "60000")])
def test_an_activation_price_on_the_wrong_side_is_refused(side, activate):
    terms = {"type": "TRAILING_STOP_MARKET", "callbackRate": "1", "activatePrice": activate}

    assert code_of(lambda: scene().algo(side, "0.1", None, **terms)) == -2021


def test_the_201st_conditional_order_of_an_account_is_refused():
    venue = scene()
    for _ in range(200):
        venue.algo("SELL", "0.1", "59000")

    assert code_of(lambda: venue.algo("SELL", "0.1", "59000")) == -4045
    venue.ask("DELETE", "algoOpenOrders", symbol=BTC)
    assert venue.algo("SELL", "0.1", "59000")["algoStatus"] == "NEW"


def test_a_client_algo_id_is_taken_as_long_as_its_order_waits():
    venue = scene()
    venue.algo("SELL", "0.1", "59000", clientAlgoId="a")

    assert code_of(lambda: venue.algo("SELL", "0.1", "58000", clientAlgoId="a")) == -4116
    assert venue.ask("DELETE", "algoOrder", clientAlgoId="a")["code"] == "200"
    assert venue.algo("SELL", "0.1", "58000", clientAlgoId="a")["algoStatus"] == "NEW"


def test_a_stop_limit_rests_in_the_book_and_finishes_when_it_is_canceled():
    venue = long_scene()
    venue.algo("SELL", "0.5", "59000", type="STOP", price="59500", clientAlgoId="s")
    venue.move(59_000)
    venue.wait(20)
    assert venue.steps("s") == ["NEW", "TRIGGERING", "TRIGGERED", "NEW/NEW/0"]
    assert venue.ask("GET", "openAlgoOrders") == []

    venue.ask("DELETE", "order", symbol=BTC, origClientOrderId="s")
    venue.wait(10)

    assert venue.steps("s") == ["CANCELED/CANCELED/0", "FINISHED"]
    assert venue.ask("GET", "allAlgoOrders", symbol=BTC)[0]["actualQty"] == "0.000"


def test_nothing_triggers_while_the_symbol_does_not_trade():
    venue = scene()
    venue.algo("SELL", "0.1", "59000", clientAlgoId="s")
    venue.ex.actions.halt(BTC)
    venue.move(58_000)
    assert venue.steps("s") == ["NEW"]

    venue.ex.actions.halt(BTC, "TRADING")
    venue.mark(58_000)

    assert venue.steps("s") == ["TRIGGERING"]


def test_a_frozen_stop_does_not_trigger_until_it_is_released():
    venue = scene()
    venue.algo("SELL", "0.1", "59000", clientAlgoId="s")
    venue.ex.actions.freeze_algo("main", "s")
    venue.mark(58_000)
    assert venue.steps("s") == ["NEW"]

    venue.ex.actions.freeze_algo("main", "s", is_frozen=False)
    venue.mark(58_000)

    assert venue.steps("s") == ["TRIGGERING"]


def test_a_countdown_takes_conditional_orders_only_where_that_is_switched_on():
    venue = scene(options=Options(countdown_cancels_algo=True))
    venue.algo("SELL", "0.1", "59000", clientAlgoId="s")
    venue.ask("POST", "countdownCancelAll", symbol=BTC, countdownTime=1_000)

    venue.wait(1_000)

    assert venue.steps("s") == ["NEW", "CANCELED"]
