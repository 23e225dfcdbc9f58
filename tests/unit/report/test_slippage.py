"""Slippage: every fill against what its order stood for, plus is worse."""

import pytest

from report.slippage import slippage
from tests.risk_builders import D


def rows(*fills: tuple[str, str, str, str], **orders: dict) -> dict:
    """Return tables with orders by id and fills of ``(order id, side, quantity, price)``."""
    blank = {"trigger_price": None, "price": None, "order_type": "MARKET"}
    return {
        "orders": [{"client_order_id": key, **blank, **terms} for key, terms in orders.items()],
        "fills": [
            {"client_order_id": key, "side": side, "last_qty": D(qty), "last_px": D(px)}
            for key, side, qty, px in fills
        ],
    }


@pytest.mark.parametrize(
    ("side", "price", "expected"), [("BUY", "101", 100.0), ("SELL", "101", -100.0)]
)
def test_a_market_order_is_compared_with_the_price_when_it_was_made(side, price, expected):
    tables = rows(("A", side, "2", price), A={})

    (row,) = slippage(tables, {"A": 100.0})

    assert (row["mean_bps"], row["worst_bps"]) == (expected, expected)
    assert row["cost_usdt"] == expected / 50


def test_a_stop_is_compared_with_its_trigger_whatever_the_price_was():
    tables = rows(
        ("S", "SELL", "1", "99"), S={"order_type": "STOP_MARKET", "trigger_price": D(100)}
    )

    (row,) = slippage(tables, {"S": 150.0})

    assert (row["order_type"], row["mean_bps"]) == ("STOP_MARKET", 100.0)


def test_a_limit_order_can_only_do_better():
    tables = rows(("L", "BUY", "1", "99"), L={"order_type": "LIMIT", "price": D(100)})

    (row,) = slippage(tables, {})

    assert row["mean_bps"] == -100.0


def test_the_mean_is_weighted_by_value_and_the_worst_stands_beside_it():
    tables = rows(("A", "BUY", "3", "101"), ("A", "BUY", "1", "103"), A={})

    (row,) = slippage(tables, {"A": 100.0})

    assert (row["fills"], row["mean_bps"], row["worst_bps"], row["cost_usdt"]) == (
        4 - 2,
        150.0,
        300.0,
        6.0,
    )


@pytest.mark.parametrize("none", [None, 0.0])  # an empty book is told as price 0
def test_a_fill_without_a_price_to_compare_with_is_counted_as_unknown(none):
    tables = rows(("A", "BUY", "1", "101"), ("B", "BUY", "1", "101"), A={}, B={})

    (row,) = slippage(tables, {"A": 100.0, "B": none})

    assert (row["fills"], row["unknown"], row["mean_bps"]) == (2, 1, 100.0)


def test_without_any_price_there_is_no_mean():
    (row,) = slippage(rows(("A", "BUY", "1", "101"), A={}), {})

    assert (row["mean_bps"], row["worst_bps"], row["cost_usdt"]) == (None, None, 0)
