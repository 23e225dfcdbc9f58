"""A drill judges the venue's account: what is held, what protects it, what is one stop too many."""

from decimal import Decimal

import pytest

from ops.drills.truth import Truth

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "qty": "1", "reduce_only": False}
STOP = {"symbol": "BTCUSDT", "side": "SELL", "qty": "0.5", "reduce_only": True, "status": "NEW"}
LONG = {"symbol": "BTCUSDT", "amt": "0.5"}


def truth(*, positions=(LONG,), orders=(), stops=(STOP,)):
    return Truth.of({"positions": positions, "open_orders": orders, "open_algos": stops})


def test_a_full_stop_on_the_right_side_protects():
    assert truth().naked == ()
    assert truth(positions=[LONG | {"amt": "-0.5"}], stops=[STOP | {"side": "BUY"}]).naked == ()


@pytest.mark.parametrize(
    "stop",
    [
        STOP | {"qty": "0.499"},
        STOP | {"side": "BUY"},
        STOP | {"reduce_only": False},
        STOP | {"symbol": "ETHUSDT"},
        STOP | {"status": "TRIGGERED"},
    ],
)
def test_a_stop_that_is_none_leaves_the_position_bare(stop):
    assert truth(stops=[stop]).naked == ("BTCUSDT",)


def test_two_stops_of_one_position_and_one_of_none_are_too_many():
    assert truth(stops=[STOP]).doubled == ()
    assert truth(stops=[STOP, STOP]).doubled == ("BTCUSDT",)
    assert truth(positions=[]).doubled == ("BTCUSDT",)


def test_an_account_is_empty_without_position_order_and_stop():
    assert truth(positions=[], stops=[]).is_empty
    assert not truth(positions=[], stops=[STOP]).is_empty
    assert not truth(positions=[], orders=[ORDER], stops=[]).is_empty
    assert not truth(stops=[]).is_empty


def test_one_symbol_can_be_judged_alone():
    whole = truth(positions=[LONG, LONG | {"symbol": "ETHUSDT", "amt": "-2"}], orders=[ORDER])

    assert whole.only("ETHUSDT").positions == {"ETHUSDT": Decimal(-2)}
    assert whole.only("ETHUSDT").orders == ()
    assert whole.only() == whole
    assert str(whole) == (
        "BTCUSDT +0.5, ETHUSDT -2; 1 orders, 1 stops; without a full stop: ETHUSDT"
    )
