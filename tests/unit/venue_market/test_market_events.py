"""Books, bars and streams."""

from dataclasses import replace
from decimal import Decimal

import pytest

from venue.market.book import Book, BookGapError
from venue.market.events import Depth, Kline, Mark, Quote, Trade, shifted
from venue.market.klines import IntervalError, interval_ms, with_klines
from venue.market.streams import DepthPacer, stream_payloads

D = Decimal

MINUTE = 60_000
START = 1_785_000_000_000 // MINUTE * MINUTE


def depth(first, last, prev, bids=(), asks=(), *, is_snapshot=False):
    return Depth("BTCUSDT", START, first, last, prev, tuple(bids), tuple(asks), is_snapshot)


def trade(ts_ms, price, qty="1", *, seller=False, number=1):
    return Trade("BTCUSDT", ts_ms, D(price), D(qty), seller, number)


def test_a_book_takes_absolute_quantities_and_deletes_at_zero():
    book = Book()
    book.apply(depth(5, 5, 0, [(D(10), D(1)), (D(9), D(2))], [(D(11), D(3))], is_snapshot=True))

    book.apply(depth(6, 8, 5, [(D(10), D(0)), (D(9), D(7))], []))

    assert book.bids() == ((D(9), D(7)),)
    assert book.best() == ((D(9), D(7)), (D(11), D(3)))


def test_a_book_refuses_a_change_that_does_not_follow():
    book = Book()
    book.apply(depth(5, 5, 0, is_snapshot=True))
    book.apply(depth(6, 8, 5))

    with pytest.raises(BookGapError, match="pu=9 after u=8"):
        book.apply(depth(10, 12, 9))


@pytest.mark.parametrize(("first", "last", "fits"), [(4, 6, True), (5, 5, True), (6, 7, False)])
def test_the_first_change_after_a_snapshot_must_hold_its_id(first, last, fits):
    book = Book()
    book.apply(depth(5, 5, 0, is_snapshot=True))
    change = depth(first, last, 3)

    if fits:
        book.apply(change)
        assert book.last_id == last
    else:
        with pytest.raises(BookGapError):
            book.apply(change)


def klines(events, *intervals):
    found = with_klines(iter(events), ["BTCUSDT"], intervals or ("1m",))
    return [event for event in found if isinstance(event, Kline)]


def test_a_bar_closes_at_its_end_with_what_was_traded():
    found = klines(
        [
            trade(START, "100", "1", number=1),
            trade(START + 10, "103", "2", seller=True, number=2),
            trade(START + 59_999, "99", "4", number=3),
            trade(START + 61_000, "100", number=4),
        ],
    )

    closed = [bar for bar in found if bar.is_closed]
    assert closed == [
        Kline(
            "BTCUSDT", START + MINUTE, "1m", START, START + MINUTE - 1,
            D(100), D(103), D(99), D(99), D(7), D(702), 3, D(5), D(496), 1, 3, is_closed=True,
        ),
    ]  # fmt: skip


def test_a_minute_without_trades_is_a_flat_bar():
    found = klines([trade(START, "100"), trade(START + 3 * MINUTE, "101", number=2)])

    flat = [bar for bar in found if bar.is_closed][1]
    assert (flat.open, flat.high, flat.low, flat.close, flat.volume) == (D(100),) * 4 + (D(0),)
    assert (flat.trades, flat.first_id, flat.last_id) == (0, -1, -1)


def test_a_bar_that_began_before_the_source_is_never_closed():
    late = START + 20_000

    found = klines([trade(late, "100"), trade(START + 2 * MINUTE, "101", number=2)])

    assert found[0].open_ms == START
    assert not found[0].is_closed
    assert [bar.open_ms for bar in found if bar.is_closed] == [START + MINUTE]


def test_a_bar_in_progress_is_shown_every_quarter_second():
    trades = [trade(START + ms, "100", number=ms + 1) for ms in (0, 100, 249, 250, 400, 501)]

    found = klines(trades)

    assert [bar.ts_ms - START for bar in found] == [0, 250, 501]


def test_long_bars_are_made_of_the_same_trades():
    trades = [trade(START + i * MINUTE, str(100 + i), number=i + 1) for i in range(12)]

    opens = {bar.interval: bar for bar in klines(trades, "1m", "5m") if bar.is_closed}

    five = opens["5m"]
    assert five.open_ms % (5 * MINUTE) == 0
    assert five.high - five.low == D(4)
    assert five.trades == 5


@pytest.mark.parametrize("name", ["7m", "1w", "60", ""])
def test_an_interval_that_is_not_built_is_named(name):
    with pytest.raises(IntervalError, match=f"interval '{name}': not one of 1m, 3m"):
        interval_ms(name)


def test_prices_on_streams_keep_their_decimals():
    quote = Quote("BTCUSDT", START, 7, D("64000.10"), D("1.500"), D("64000.20"), D("0.001"))

    [(name, payload)] = stream_payloads(quote, START + 3)

    assert name == "btcusdt@bookTicker"
    assert payload == {
        "e": "bookTicker", "u": 7, "s": "BTCUSDT", "ps": "BTCUSDT", "b": "64000.10", "B": "1.500",
        "a": "64000.20", "A": "0.001", "T": START, "E": START + 3, "st": 1,
    }  # fmt: skip


def paced(changes, wanted=None):
    """Return what a symbol's depth streams send for (after ms, change) pairs, by stream."""
    pacer, book, sent = DepthPacer("BTCUSDT"), Book(), {}
    for after_ms, change in changes:
        now = replace(change, ts_ms=START + after_ms)
        book.apply(now)
        for name, payload in pacer.payloads(now, now.ts_ms, book, wanted):
            sent.setdefault(name, []).append(payload)
    return sent


SNAPSHOT = depth(5, 5, 0, [(D(10 - i), D(1)) for i in range(7)], is_snapshot=True)


def test_partial_depth_is_the_top_of_the_book():
    change = depth(6, 8, 5, [(D(10), D(0))], [(D(12), D(4))])

    partial = paced([(0, SNAPSHOT), (600, change)])["btcusdt@depth5"][-1]

    assert partial["b"] == [[str(price), "1"] for price in (9, 8, 7, 6, 5)]
    assert partial["a"] == [["12", "4"]]


def test_depth_is_sent_at_the_pace_of_each_stream():
    changes = [(100 * i, depth(5 + i, 5 + i, 4 + i, [(D(9), D(i))])) for i in range(11)]

    sent = paced([(0, SNAPSHOT), *changes[1:]])

    counts = {name.partition("@")[2]: len(rows) for name, rows in sent.items()}
    assert {name: counts[name] for name in ("depth@100ms", "depth", "depth@500ms")} == {
        "depth@100ms": 10, "depth": 4, "depth@500ms": 2,
    }  # fmt: skip
    assert counts["depth5@100ms"] == 11  # the snapshot, too
    assert [row["T"] - START for row in sent["btcusdt@depth"]] == [100, 400, 700, 1000]


def test_gathered_changes_are_one_change_with_its_chain():
    changes = [
        (100, depth(6, 7, 5, [(D(9), D(1))])),
        (200, depth(8, 9, 7, [(D(9), D(2)), (D(8), D(0))])),
        (300, depth(10, 12, 9, [(D(9), D(3))], [(D(11), D(4))])),
        (350, depth(13, 13, 12, [(D(7), D(5))])),
    ]

    first, second = paced([(0, SNAPSHOT), *changes])["btcusdt@depth"]

    assert (first["U"], first["u"], first["pu"], first["b"]) == (6, 7, 5, [["9", "1"]])
    assert (second["U"], second["u"], second["pu"]) == (8, 13, first["u"])
    assert (second["b"], second["a"]) == ([["9", "3"], ["8", "0"], ["7", "5"]], [["11", "4"]])


def test_a_snapshot_is_no_change_on_a_stream():
    assert not any("@depth@" in name or name.endswith("@depth") for name in paced([(0, SNAPSHOT)]))


def test_a_stream_that_nobody_hears_gathers_nothing():
    change, after = depth(6, 7, 5, [(D(9), D(1))]), depth(8, 9, 7, [(D(8), D(1))])
    pacer, book = DepthPacer("BTCUSDT"), Book()
    for event in (SNAPSHOT, change):
        book.apply(event)
        assert pacer.payloads(event, START, book, wanted=()) == []
    book.apply(after)

    [(name, payload)] = pacer.payloads(after, START, book, wanted={"btcusdt@depth"})

    assert (name, payload["U"], payload["b"]) == ("btcusdt@depth", 8, [["8", "1"]])


def test_only_streams_that_are_listened_to_are_made():
    mark = Mark("BTCUSDT", START, D(1), D(1), D(0), START)

    names = [name for name, _ in stream_payloads(mark, START, wanted={"btcusdt@markPrice@1s"})]

    assert names == ["btcusdt@markPrice@1s"]


def test_the_slow_mark_stream_has_every_third_second():
    marks = [Mark("BTCUSDT", START + i * 1000, D(1), D(1), D(0), START) for i in range(9)]

    sent = [dict(stream_payloads(mark, mark.ts_ms)) for mark in marks]

    assert sum("btcusdt@markPrice" in names for names in sent) == 3
    assert all("btcusdt@markPrice@1s" in names for names in sent)


def test_a_bar_is_streamed_with_the_keys_of_the_venue():
    [_, payload] = stream_payloads(klines([trade(START, "100.0", "2.000")])[0], START + 1)[0]

    assert payload == {
        "e": "kline", "E": START + 1, "s": "BTCUSDT",
        "k": {
            "t": START, "T": START + MINUTE - 1, "s": "BTCUSDT", "i": "1m", "f": 1, "L": 1,
            "o": "100.0", "c": "100.0", "h": "100.0", "l": "100.0", "v": "2.000", "n": 1,
            "x": False, "q": "200.0000", "V": "2.000", "Q": "200.0000", "B": "0",
        },
    }  # fmt: skip


def test_all_times_of_an_event_are_shifted():
    mark = Mark("BTCUSDT", START, D(1), D(1), D(0), START + 5)
    bar = klines([trade(START, "100")])[0]

    moved, moved_bar = shifted(mark, MINUTE), shifted(bar, MINUTE)

    assert (moved.ts_ms, moved.next_funding_ms) == (START + MINUTE, START + MINUTE + 5)
    assert (moved_bar.open_ms, moved_bar.close_ms) == (START + MINUTE, START + 2 * MINUTE - 1)
    assert shifted(mark, 0) is mark
