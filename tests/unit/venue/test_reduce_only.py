"""Reduce-only orders: refused, shrunk, knocked out; and hedge mode, where it is implied."""

from decimal import Decimal

from tests.engine_kit import BTC, code_of, scene


def long_scene(qty="0.5", **more):
    venue = scene(**more)
    venue.order("BUY", qty)
    venue.events()
    return venue


def test_there_must_be_something_to_reduce():
    assert code_of(lambda: scene().order("SELL", "0.1", reduceOnly="true")) == -2022
    assert code_of(lambda: long_scene().order("BUY", "0.1", reduceOnly="true")) == -2022


def test_an_order_larger_than_the_position_is_shrunk_to_it():
    venue = long_scene()

    answer = venue.order("SELL", "0.8", reduceOnly="True", newOrderRespType="RESULT")

    assert (answer["origQty"], answer["status"]) == ("0.500", "FILLED")
    assert venue.amt() == 0


def test_an_order_conflicting_with_better_reduce_only_orders_is_refused():
    venue = long_scene()
    venue.order("SELL", "0.5", "61000", reduceOnly="true")

    assert code_of(lambda: venue.order("SELL", "0.1", "61000", reduceOnly="true")) == -2022
    assert code_of(lambda: venue.order("SELL", "0.1", "62000", reduceOnly="true")) == -2022


def test_a_better_priced_order_shrinks_and_knocks_out_the_worse_ones():
    venue = long_scene()
    venue.order("SELL", "0.4", "62000", reduceOnly="true", newClientOrderId="far")
    venue.events()

    venue.order("SELL", "0.3", "61000", reduceOnly="true", newClientOrderId="near")
    events = [e["o"] for e in venue.events("ORDER_TRADE_UPDATE")]
    assert [(o["c"], o["x"], o["q"]) for o in events] == [
        ("near", "NEW", "0.300"),
        ("far", "AMENDMENT", "0.200"),
    ]

    venue.order("SELL", "0.2", "60900", reduceOnly="true")
    assert venue.steps("far") == ["EXPIRED/EXPIRED/4"]


def test_a_shrinking_position_shrinks_the_resting_order():
    venue = long_scene()
    venue.order("SELL", "0.5", "61000", reduceOnly="true", newClientOrderId="tp")
    venue.events()

    venue.order("SELL", "0.2")

    row = venue.ask("GET", "openOrders", symbol=BTC)[0]
    assert row["origQty"] == "0.300"
    venue.order("SELL", "0.3")
    assert venue.ask("GET", "openOrders", symbol=BTC) == []


def test_a_reduce_only_order_that_would_let_others_flip_without_margin_is_refused():
    venue = long_scene("0.1", wallet=700)
    venue.order("SELL", "0.1", "60100.00")
    venue.ex.account("main").cross_wallet["USDT"] = Decimal(10)

    assert code_of(lambda: venue.order("SELL", "0.1", "60200.00", reduceOnly="true")) == -4118


def test_hedge_mode_needs_a_side_and_forbids_reduce_only():
    venue = scene(dual_side=True)

    assert code_of(lambda: venue.order("BUY", "0.1")) == -4061
    refused = {"positionSide": "LONG", "reduceOnly": "true"}
    assert code_of(lambda: venue.order("SELL", "0.1", **refused)) == -1106


def test_hedge_mode_keeps_two_positions_and_never_turns_one_into_the_other():
    venue = scene(dual_side=True)
    venue.order("BUY", "0.5", positionSide="LONG")
    venue.order("SELL", "0.3", positionSide="SHORT")

    venue.order("SELL", "0.9", positionSide="LONG")

    assert (venue.amt("LONG"), venue.amt("SHORT")) == (0, Decimal("-0.3"))
    assert code_of(lambda: venue.order("SELL", "0.1", positionSide="LONG")) == -2022


def test_a_refused_order_leaves_no_trace():
    venue = scene()
    venue.events()

    assert code_of(lambda: venue.order("SELL", "0.1", reduceOnly="true")) == -2022

    assert venue.events() == []
    assert venue.ask("GET", "allOrders", symbol=BTC) == []
