"""The books and windows against models that are slow and obvious."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from risk.book import Extreme, Pending, SymbolBook
from risk.decision import plain
from risk.intent import BUY, SELL
from risk.windows import EventWindow, PriceWindow
from tests.risk_builders import D

sides = st.sampled_from((BUY, SELL))
quantities = st.integers(1, 4).map(D)


@st.composite
def orders(draw: st.DrawFn) -> list[Pending]:
    found = []
    for number in range(draw(st.integers(0, 5))):
        found.append(
            Pending(
                f"O-{number}",
                strategy_id="S-1",
                side=draw(sides),
                leaves_qty=draw(quantities),
                price=D(100),
                order_type="LIMIT",
                is_exit=draw(st.booleans()),
            )
        )
    return found


def brute_force(position: Decimal, pending: list[Pending], side: int) -> Decimal:
    """Fill every sequence of every subset, reduce-only orders only as far as they reduce."""
    worst = max(position * side, Decimal(0))
    for size in range(1, len(pending) + 1):
        for sequence in itertools.permutations(pending, size):
            now = position
            for order in sequence:
                qty = order.leaves_qty
                if order.is_exit:
                    qty = min(qty, max(-now * order.side, Decimal(0)))
                now += qty * order.side
            worst = max(worst, now * side)
    return worst


@given(position=st.integers(-6, 6).map(D), pending=orders(), side=sides)
def test_the_worst_case_is_never_below_any_sequence_of_fills(
    position: Decimal, pending: list[Pending], side: int
) -> None:
    book = SymbolBook()
    book.position_qty = position
    for order in pending:
        book.add(order)

    worst = brute_force(position, pending, side)

    assert book.worst_qty(side) >= worst
    if not any(order.side == -side and not order.is_exit for order in pending):
        assert book.worst_qty(side) == worst, "exact while one side alone takes risk"


@given(
    window=st.integers(1, 20),
    steps=st.lists(st.tuples(st.integers(0, 15), st.booleans()), max_size=30),
)
def test_an_event_window_counts_what_is_younger_than_the_window(
    window: int, steps: list[tuple[int, bool]]
) -> None:
    events, model, now = EventWindow(window), list[int](), 0
    for wait, is_event in steps:
        now += wait
        assert events.count(now) == sum(now - then < window for then in model)
        if is_event:
            events.add(now)
            model.append(now)


@given(
    window=st.integers(1, 20),
    steps=st.lists(
        st.tuples(st.integers(0, 15), st.integers(1, 50), st.integers(0, 20)),
        min_size=1,
        max_size=30,
    ),
)
def test_a_price_window_finds_the_largest_move_that_ends_now(
    window: int, steps: list[tuple[int, int, int]]
) -> None:
    prices, seen, now = PriceWindow(window), list[tuple[int, int, int]](), 0
    for wait, low, width in steps:
        now += wait
        high = low + width
        seen.append((now, low, high))
        distance, start = prices.move(now, low, high)
        young = [(bottom, top) for then, bottom, top in seen if now - then < window]
        falls = [Fraction(top - low, top) for _, top in young]
        rises = [Fraction(high - bottom, bottom) for bottom, _ in young]
        assert Fraction(distance, start) == max(*falls, *rises)


@given(
    largest=st.booleans(),
    steps=st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.none() | st.integers(1, 9).map(D)), max_size=200
    ),
)
@settings(max_examples=200)
def test_an_extreme_equals_a_recount(
    largest: bool, steps: list[tuple[str, Decimal | None]]
) -> None:
    extreme, alive = Extreme(largest=largest), dict[str, Decimal]()
    for key, price in steps:
        if price is None:
            extreme.drop(key)
            alive.pop(key, None)
        else:
            extreme.put(key, price)
            alive[key] = price
        wanted = (max if largest else min)(alive.values(), default=None)
        assert extreme.get() == wanted


@given(st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, places=None))
def test_a_number_for_people_is_the_number_to_eight_decimals(value: Decimal) -> None:
    text = plain(value)

    assert "E" not in text.upper()
    assert abs(Decimal(text) - value) <= Decimal("0.000000005")
    assert text not in ("-0", "")
    assert "." not in text or text[-1] not in "0."


fills = st.lists(st.tuples(sides, quantities, st.integers(50, 150).map(D)), max_size=20)


@given(fills, st.integers(50, 150).map(D))
def test_realized_and_unrealized_add_up_to_the_cash_flow(
    trades: list[tuple[int, Decimal, Decimal]], last: Decimal
) -> None:
    book, realized, cash = SymbolBook(), Decimal(0), Decimal(0)
    book.ref_px = last
    for side, qty, px in trades:
        realized += book.fill("?", side=side, qty=qty, px=px)
        cash -= side * qty * px

    unrealized = book.unrealized()

    assert unrealized is not None
    assert abs(realized + unrealized - (cash + book.position_qty * last)) < Decimal("1e-18")
