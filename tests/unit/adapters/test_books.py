"""Order books: a change that is missing is noticed, and what a snapshot holds is not told twice."""

from nautilus_trader.adapters.binance.common.schemas.market import BinanceOrderBookData

from adapters.books import BookChain


def diff(first: int, last: int, previous: int) -> BinanceOrderBookData:
    return BinanceOrderBookData(
        e="depthUpdate", E=1, s="BTCUSDT", U=first, u=last, b=[], a=[], T=1, pu=previous
    )


def live(last: int = 100) -> BookChain:
    chain = BookChain()
    assert chain.start(last) == []
    return chain


def test_changes_are_held_until_a_snapshot_has_come():
    chain, held = BookChain(), diff(95, 105, 94)

    assert chain.take(held) == []
    assert chain.start(100) == [held]


def test_changes_that_the_snapshot_holds_are_dropped():
    chain, old, new = BookChain(), diff(90, 99, 89), diff(100, 105, 99)
    chain.take(old)
    chain.take(new)

    assert chain.start(100) == [new]


def test_a_snapshot_that_is_older_than_what_is_held_does_not_fit():
    chain = BookChain()
    chain.take(diff(102, 105, 101))

    assert chain.start(100) is None


def test_a_snapshot_fits_when_the_next_change_names_its_last_update():
    chain, new = BookChain(), diff(102, 105, 100)
    chain.take(new)

    assert chain.start(100) == [new]


def test_each_change_must_name_the_one_before():
    chain = live()

    first, second = diff(99, 105, 98), diff(106, 110, 105)
    assert chain.take(first) == [first]
    assert chain.take(second) == [second]
    assert chain.take(diff(116, 120, 115)) is None


def test_the_first_change_after_a_snapshot_must_reach_back_to_it():
    assert live(100).take(diff(102, 105, 101)) is None


def test_a_change_that_was_told_before_is_told_no_more():
    chain = live()
    chain.take(diff(99, 105, 98))

    assert chain.take(diff(99, 105, 98)) == []
    assert chain.take(diff(90, 95, 89)) == []


def test_a_gap_among_the_held_changes_starts_them_anew():
    chain = BookChain()
    chain.take(diff(90, 95, 89))
    new = diff(99, 105, 98)
    chain.take(new)

    assert chain.start(100) == [new]


def test_a_book_begun_anew_holds_its_changes_again():
    chain = live()

    chain.begin()

    assert chain.take(diff(99, 105, 98)) == []
