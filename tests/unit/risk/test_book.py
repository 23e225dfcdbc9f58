"""The books: sums equal a recount, worst cases do not net, PnL is what the trades made."""

from __future__ import annotations

from decimal import Decimal

import pytest

from risk.book import AccountBook, Extreme, Pending, SymbolBook
from risk.intent import BUY, SELL
from tests.risk_builders import BTC, ETH, D


def pending(order_id: str, side: int, qty: object, price: object = 100, **kw: object) -> Pending:
    terms = {"strategy_id": "S-1", "order_type": "LIMIT"} | kw
    return Pending(order_id, side=side, leaves_qty=D(qty), price=D(price), **terms)  # type: ignore[arg-type]


def stop(order_id: str, side: int, qty: object, parent_id: str | None = None) -> Pending:
    return pending(
        order_id,
        side,
        qty,
        0,
        is_exit=True,
        is_stop=True,
        parent_id=parent_id,
        order_type="STOP_MARKET",
    )


def make_book(position: object = 0, *orders: Pending, ref_px: object = 100) -> SymbolBook:
    book = SymbolBook()
    book.position_qty = D(position)
    book.avg_px = D(100)
    book.ref_px = None if ref_px is None else D(ref_px)
    for order in orders:
        book.add(order)
    return book


@pytest.mark.parametrize(
    ("position", "orders", "long", "short"),
    [
        (0, [], 0, 0),
        (3, [], 3, 0),
        (-3, [], 0, 3),
        (3, [pending("A", BUY, 2)], 5, 0),
        (0, [pending("A", BUY, 2), pending("B", SELL, 5)], 2, 5),
        (3, [pending("A", SELL, 2)], 3, 0),
        (3, [pending("A", SELL, 5)], 3, 2),
        (3, [stop("A", SELL, 3)], 3, 0),
        # The stop closes the long first, then the other sell opens a short.
        (3, [stop("A", SELL, 3), pending("B", SELL, 1)], 3, 1),
        (3, [stop("A", SELL, 9), pending("B", SELL, 1)], 3, 1),
        (3, [stop("A", SELL, 2), pending("B", SELL, 2)], 3, 1),
    ],
)
def test_the_worst_case_counts_each_side_without_netting(
    position: object, orders: list[Pending], long: object, short: object
) -> None:
    book = make_book(position, *orders)

    assert (book.worst_qty(BUY), book.worst_qty(SELL)) == (long, short)


def test_the_worst_case_is_valued_at_the_highest_price_in_play() -> None:
    book = make_book(1, pending("A", BUY, 1, 103), pending("B", BUY, 1, 99), ref_px=101)

    assert book.worst_notional(BUY) == 309

    book.remove("A")
    assert book.worst_notional(BUY) == 202


def test_a_worst_case_without_any_price_is_unknown_and_none_at_all_is_zero() -> None:
    book = make_book(1, ref_px=None)

    assert book.worst_notional(BUY) is None
    assert book.worst_notional(SELL) == 0


def test_a_released_order_leaves_nothing_behind() -> None:
    entry = pending("E", BUY, 2, limit_price=D(100))
    book = make_book(0, entry, stop("S", SELL, 2, "E"))
    book.remove("S")
    book.remove("E")

    assert (book.pending, book.children) == ({}, {})
    for side in (book.buys, book.sells):
        assert side.entry_qty == side.exit_qty == side.cover_qty == side.market_exit_qty == 0
        assert side.entry_prices.get() is None
        assert side.resting.get() is None


def test_an_order_is_reserved_once() -> None:
    book = make_book(0, pending("E", BUY, 2))

    with pytest.raises(AssertionError, match="reserved once"):
        book.add(pending("E", BUY, 2))


def test_an_unknown_order_is_released_in_silence() -> None:
    assert make_book().remove("E") is None


def test_a_partial_fill_moves_quantity_from_reserved_to_position() -> None:
    book = make_book(0, pending("E", BUY, 2))
    book.fill("E", side=BUY, qty=D("0.5"), px=D(100))

    assert (book.position_qty, book.buys.entry_qty) == (D("0.5"), D("1.5"))
    assert book.worst_qty(BUY) == 2


def test_the_last_fill_releases_the_order() -> None:
    book = make_book(0, pending("E", BUY, 2))
    book.fill("E", side=BUY, qty=D(2), px=D(100))

    assert book.pending == {}
    assert book.worst_qty(BUY) == 2


def test_a_fill_beyond_what_was_reserved_moves_the_position_all_the_same() -> None:
    book = make_book(0, pending("E", BUY, 2))
    book.fill("E", side=BUY, qty=D(3), px=D(100))

    assert (book.position_qty, book.buys.entry_qty) == (3, 0)


def test_a_market_exit_in_doubt_is_counted_no_longer_and_closes_no_other() -> None:
    book = make_book(2, pending("X", SELL, 2, is_exit=True, order_type="MARKET"))

    book.doubt("X")
    book.doubt("X")
    assert (book.sells.market_exit_qty, book.sells.exit_qty) == (0, 2)

    book.add(pending("Y", SELL, 2, is_exit=True, order_type="MARKET"))
    assert book.sells.market_exit_qty == 2

    book.fill("X", side=SELL, qty=D(2), px=D(100))
    assert (book.sells.market_exit_qty, book.position_qty) == (2, 0)
    book.remove("Y")
    assert (book.sells.market_exit_qty, book.sells.exit_qty) == (0, 0)


def test_no_entry_and_no_unknown_order_is_doubted() -> None:
    book = make_book(0, pending("E", BUY, 2))

    book.doubt("E")
    book.doubt("nobody")

    assert book.buys.entry_qty == 2


def test_a_market_exit_is_counted_until_it_is_gone() -> None:
    book = make_book(2, pending("X", SELL, 2, is_exit=True, order_type="MARKET"))
    assert book.sells.market_exit_qty == 2

    book.fill("X", side=SELL, qty=D(1), px=D(100))
    assert book.sells.market_exit_qty == 1

    book.remove("X")
    assert book.sells.market_exit_qty == 0


# -- cover -------------------------------------------------------------------------------------------


def test_a_stop_promises_to_grow_with_its_entry() -> None:
    # The venue holds the stop back and gives it what the entry has filled.
    child = stop("S", SELL, 2, "E")
    book = make_book(0, pending("E", BUY, 2), child)
    book.fill("E", side=BUY, qty=D(1), px=D(100))
    book.amend(child, leaves_qty=D(1), price=D(0), limit_price=None, trigger_price=None)

    assert (book.sells.cover_qty, book.needed_cover(BUY)) == (2, 2)

    book.remove("E")
    assert (book.sells.cover_qty, book.needed_cover(BUY)) == (1, 1)


def test_a_stop_that_fills_covers_less() -> None:
    book = make_book(2, stop("S", SELL, 2))
    book.fill("S", side=SELL, qty=D("0.5"), px=D(95))

    assert (book.sells.cover_qty, book.needed_cover(BUY)) == (D("1.5"), D("1.5"))


# -- profit and loss ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fills", "position", "avg_px", "realized"),
    [
        ([(1, 1, 100), (1, 1, 110)], 2, 105, 0),
        ([(1, 2, 100), (-1, 1, 110)], 1, 100, 10),
        ([(1, 2, 100), (-1, 2, 90)], 0, 0, -20),
        ([(-1, 2, 100), (1, 1, 90)], -1, 100, 10),
        ([(-1, 2, 100), (1, 2, 110)], 0, 0, -20),
        ([(1, 1, 100), (-1, 3, 110)], -2, 110, 10),
        ([(-1, 1, 100), (1, 3, 90)], 2, 90, 10),
        ([(-1, 1, 100), (-1, 1, 90)], -2, 95, 0),
    ],
)
def test_fills_realize_what_they_close(
    fills: list[tuple[int, object, object]], position: object, avg_px: object, realized: object
) -> None:
    book = make_book()
    total = sum(
        (book.fill("?", side=side, qty=D(qty), px=D(px)) for side, qty, px in fills), Decimal(0)
    )

    assert (book.position_qty, book.avg_px, total) == (position, avg_px, realized)


@pytest.mark.parametrize(("position", "ref_px", "expected"), [(2, 110, 20), (-2, 110, -20)])
def test_an_open_position_gains_with_the_price(
    position: object, ref_px: object, expected: object
) -> None:
    assert make_book(position, ref_px=ref_px).unrealized() == expected


def test_equity_and_pnl_are_unknown_without_a_price() -> None:
    account = AccountBook()
    account.balance = D(1_000)
    account.symbols[BTC] = make_book(1, ref_px=None)

    assert account.unrealized() is None
    assert account.equity() is None
    assert account.pnl() is None


def test_equity_is_unknown_without_a_balance() -> None:
    assert AccountBook().equity() is None


def test_equity_is_the_balance_plus_what_is_unrealized() -> None:
    account = AccountBook()
    account.balance = D(1_000)
    account.symbols[BTC] = make_book(1, ref_px=110)
    account.symbols[ETH] = make_book(-1, ref_px=104)

    assert account.equity() == 1_006


def test_pnl_counts_realized_fees_and_funding_and_no_deposit() -> None:
    account = AccountBook()
    account.balance = D(1_000)
    account.realized, account.fees, account.funding = D(50), D(3), D(-2)

    assert account.pnl() == 45
    account.balance += 10_000
    assert account.pnl() == 45


def test_an_extreme_forgets_the_dead_even_when_the_top_lives() -> None:
    extreme = Extreme(largest=True)
    extreme.put("top", D(1_000))
    for number in range(5_000):
        extreme.put(str(number), D(number % 900))
        extreme.drop(str(number))

    assert extreme.get() == 1_000
    assert len(extreme._heap) < 200


@pytest.mark.parametrize(("largest", "expected"), [(True, 3), (False, 2)])
def test_an_extreme_follows_a_new_price_of_the_same_order(largest: bool, expected: object) -> None:
    extreme = Extreme(largest=largest)
    extreme.put("A", D(5 if largest else 1))
    extreme.put("B", D(2 if largest else 4))
    extreme.put("A", D(3 if largest else 2))

    assert extreme.get() == expected
