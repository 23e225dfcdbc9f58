"""What the venue would reject is denied before it is sent."""

from __future__ import annotations

import pytest

from risk.intent import SELL
from tests.risk_builders import (
    D,
    Terms,
    bracket,
    make_filters,
    make_judge,
    reason_of,
)

FILTERS: dict[str, tuple[Terms, Terms, Terms, str]] = {
    "tick": ({}, {"price": "100.1"}, {"price": "100.05"}, "PRICE_OFF_TICK"),
    "tick_of_the_stop": (
        {},
        {"stop": {"trigger": "95.1"}},
        {"stop": {"trigger": "95.05"}},
        "PRICE_OFF_TICK",
    ),
    "step": ({}, {"qty": "0.001"}, {"qty": "0.0005"}, "QUANTITY_OFF_STEP"),
    "min_qty": ({"min_qty": D(1)}, {"qty": 1}, {"qty": "0.999"}, "QUANTITY_BELOW_MIN"),
    "max_qty": (
        {"max_qty": D(5)},
        {"qty": 5},
        {"qty": "5.001"},
        "QUANTITY_EXCEEDS_VENUE_MAX",
    ),
    "market_max_qty_of_the_stop": (
        {"max_qty": D(5), "market_max_qty": D(3)},
        {"qty": 3},
        {"qty": "3.001"},  # the entry is a limit order, its stop fills at market
        "QUANTITY_EXCEEDS_VENUE_MAX",
    ),
    "min_notional": (
        {"min_notional": D(100)},
        {"price": 100, "qty": 1},
        {"price": "99.9", "qty": 1},
        "NOTIONAL_BELOW_MIN",
    ),
    "min_notional_at_the_mark": (
        {"min_notional": D(100)},
        {"price": None, "market": {"mark": 100}},
        {"price": None, "market": {"mark": "99.9"}},
        "NOTIONAL_BELOW_MIN",
    ),
    "percent_price_up": (
        {"percent_price_up": D("1.05")},
        {"price": 105, "market": {"mark": 100}},
        {"price": "105.1", "market": {"mark": 100}},
        "PRICE_OUTSIDE_VENUE_BAND",
    ),
    "percent_price_down": (
        {"percent_price_down": D("0.95")},
        {"side": SELL, "price": 95, "market": {"mark": 100}},
        {"side": SELL, "price": "94.9", "market": {"mark": 100}},
        "PRICE_OUTSIDE_VENUE_BAND",
    ),
}


@pytest.mark.parametrize("case", FILTERS)
def test_an_entry_that_fits_the_venue_passes(case: str) -> None:
    filters, fits, _, _ = FILTERS[case]

    assert bracket(make_judge(filters=make_filters(**filters)), **fits) is None


@pytest.mark.parametrize("case", FILTERS)
def test_an_entry_that_the_venue_would_reject_is_denied(case: str) -> None:
    filters, _, misfit, reason = FILTERS[case]

    assert reason_of(bracket(make_judge(filters=make_filters(**filters)), **misfit)) == reason


def test_a_market_order_has_a_largest_quantity_of_its_own() -> None:
    judge = make_judge(filters=make_filters(max_qty=D(5), market_max_qty=D(3)))

    assert reason_of(bracket(judge, price=None, qty=4)) == "QUANTITY_EXCEEDS_VENUE_MAX"
    assert bracket(judge, price=None, qty=3) is None


def test_the_venue_takes_so_many_open_orders_and_no_more() -> None:
    judge = make_judge(filters=make_filters(open_orders_max=4))

    assert [reason_of(bracket(judge)) for _ in range(3)] == [
        None,
        None,
        "OPEN_ORDERS_EXCEED_VENUE_MAX",
    ]
