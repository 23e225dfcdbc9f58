"""Generated, recorded and catalog markets."""

from dataclasses import replace
from decimal import Decimal
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.blocks import LineError, SourceError
from venue.engine.symbols import builtin
from venue.market.bars import Bar, BarError, BarSplitter
from venue.market.book import Book
from venue.market.events import Depth, Kline, Mark, Quote, Trade
from venue.market.fills import with_marks, with_quotes
from venue.market.generated import GeneratedMarket, MarketError, Walk
from venue.market.klines import with_klines
from venue.market.market import Market
from venue.market.recording import RecordedMarket
from venue.market.shape import Bend, BendError

D = Decimal

MINUTE = 60_000
START = 1_785_000_000_000 // MINUTE * MINUTE
RECORDINGS = {
    "BTC 2023": ("btcusdt_20230404.dat.gz", "btcusdt_20230405.dat.gz"),
    "ETH 2024": ("ethusdt_20240718.gz", "ethusdt_20240719.gz"),
}


def generated(seed=1, secs=20, **walk):
    walk = Walk(**walk) if walk else None
    specs = builtin()
    return GeneratedMarket(specs, start_ms=START, seed=seed, end_ms=START + secs * 1000, walk=walk)


def test_a_seed_makes_the_same_market_again_and_another_seed_another():
    market = generated(secs=5)

    assert list(market.events()) == list(market.events())
    assert list(market.events()) != list(generated(seed=2, secs=5).events())


def test_a_generated_market_is_in_order_on_its_grid_and_never_crossed():
    specs = {spec.symbol: spec for spec in builtin()}
    last_ms, kinds = 0, set()

    for event in generated().events():
        assert event.ts_ms >= last_ms
        last_ms = event.ts_ms
        kinds.add(type(event))
        spec = specs[event.symbol]
        if isinstance(event, Quote):
            assert 0 < event.bid < event.ask
            assert event.bid % spec.tick_size == event.ask % spec.tick_size == 0
            assert min(event.bid_qty, event.ask_qty) >= spec.step_size
        elif isinstance(event, Trade):
            assert event.qty >= spec.step_size
            assert event.qty % spec.step_size == 0

    assert kinds == {Quote, Depth, Trade, Mark}


def test_the_book_of_a_generated_market_has_its_quotes_on_top():
    books, compared = {}, 0

    for event in generated().events():
        if isinstance(event, Depth):
            books.setdefault(event.symbol, Book()).apply(event)
        elif isinstance(event, Quote):
            best = (event.bid, event.bid_qty), (event.ask, event.ask_qty)
            assert books[event.symbol].best() == best
            compared += 1

    assert compared == 3 * 200


def test_symbols_move_together_as_far_as_they_are_correlated():
    def same_direction(correlation):
        mids = {"BTCUSDT": [], "ETHUSDT": []}
        market = generated(secs=60, correlation=correlation, volatility_annual=5.0)
        for event in market.events():
            if isinstance(event, Quote) and event.symbol in mids:
                mids[event.symbol].append(event.bid)
        moves = [[b > a for a, b in pairwise(prices)] for prices in mids.values()]
        return sum(a == b for a, b in zip(*moves, strict=True)) / len(moves[0])

    assert same_direction(1.0) > 0.9
    assert 0.4 < same_direction(0.0) < 0.6


@pytest.mark.parametrize(
    ("name", "value"),
    [("volatility_annual", -0.1), ("correlation", 1.1), ("trades_per_s", 0.0),
     ("level_notional_usdt", 0.0)],
)  # fmt: skip
def test_a_walk_out_of_bounds_is_named(name, value):
    with pytest.raises(MarketError, match=f"{name} is {value}"):
        Walk(**{name: value})


def test_a_symbol_without_a_start_price_is_named():
    spec = replace(builtin("BTCUSDT")[0], symbol="FOOUSDT")

    with pytest.raises(MarketError, match="prices has no start price of FOOUSDT"):
        GeneratedMarket([spec], start_ms=START)


@st.composite
def minute_bars(draw):
    ticks = [draw(st.integers(min_value=500, max_value=560)) for _ in range(4)]
    prices = [D(tick) / 10 for tick in ticks]
    low, high = min(prices), max(prices)
    units = draw(st.integers(min_value=4, max_value=10_000))
    return Bar(START, START + MINUTE, prices[0], high, low, prices[1], D(units) / 1000)


@given(minute_bars())
def test_a_bar_taken_apart_makes_exactly_the_same_bar(bar):
    splitter = BarSplitter("BTCUSDT", D("0.1"), D("0.001"))

    found = list(with_klines(splitter.ticks(bar), ["BTCUSDT"], ["1m"]))

    [closed] = [event for event in found if isinstance(event, Kline) and event.is_closed]
    made = (closed.open, closed.high, closed.low, closed.close, closed.volume)
    assert made == (bar.open, bar.high, bar.low, bar.close, bar.volume)
    trades = [event for event in found if isinstance(event, Trade)]
    assert all(trade.ts_ms < bar.end_ms and trade.price % D("0.1") == 0 for trade in trades)
    assert len(trades) <= 60


def test_each_trade_of_a_bar_hits_the_quote_before_it():
    splitter = BarSplitter("BTCUSDT", D("0.1"), D("0.001"))
    bar = Bar(START, START + MINUTE, D(50), D(51), D(49), D("50.5"), D(3))
    quote = None

    for event in splitter.ticks(bar):
        if isinstance(event, Quote):
            quote = event
        else:
            assert event.price == (quote.bid if event.is_buyer_maker else quote.ask)


def test_a_bar_without_volume_quotes_its_price_and_trades_nothing():
    splitter = BarSplitter("BTCUSDT", D("0.1"), D("0.001"))

    events = list(splitter.ticks(Bar(START, START + MINUTE, D(50), D(50), D(50), D(50), D(0))))

    assert [(type(event), event.ts_ms, event.ask) for event in events] == [
        (Quote, START, D(50)),
        (Quote, START + MINUTE, D(50)),
    ]


@pytest.mark.parametrize(
    ("bar", "rule"),
    [
        (Bar(START, START + MINUTE, D(50), D(51), D(50), D(50), D(0)), "moves without volume"),
        (Bar(START, START + MINUTE, D(50), D(51), D(49), D(50), D("0.003")), "too little for 4"),
        (Bar(START, START + MINUTE, D(50), D(49), D(48), D(49), D(1)), "contradicts itself"),
    ],
)
def test_a_bar_that_no_trades_can_make_is_refused(bar, rule):
    splitter = BarSplitter("BTCUSDT", D("0.1"), D("0.001"))

    with pytest.raises(BarError, match=rule):
        list(splitter.ticks(bar))


def test_a_trade_without_quotes_gets_the_one_it_hits():
    sold = Trade("BTCUSDT", START, D("50.0"), D(2), is_buyer_maker=True, id=1)
    bought = Trade("BTCUSDT", START, D("50.0"), D(2), is_buyer_maker=False, id=2)

    found = list(with_quotes(iter([sold, bought]), {"BTCUSDT": D("0.1")}))

    assert [(q.bid, q.ask) for q in found if isinstance(q, Quote)] == [
        (D("50.0"), D("50.1")),
        (D("49.9"), D("50.0")),
    ]


def test_marks_are_made_only_where_the_source_has_none_of_late():
    quotes = [Quote("BTCUSDT", START + i * 500, i, D(10), D(1), D(12), D(1)) for i in range(20)]
    own = Mark("BTCUSDT", START + 2000, D(99), D(99), D("0.0003"), START + MINUTE)
    events = sorted([*quotes, own], key=lambda event: event.ts_ms)

    made = [e for e in with_marks(iter(events)) if isinstance(e, Mark)]

    assert [(m.ts_ms - START, m.mark) for m in made] == [
        (0, 11), (1000, 11), (2000, 11), (2000, 99), (6000, 11), (7000, 11), (8000, 11),
        (9000, 11),
    ]  # fmt: skip
    assert made[-1].funding_rate == D("0.0003")
    assert made[0].funding_rate == 0


def recorded(shared_data, name):
    folder = shared_data / "um_ticks_ws_raw"
    return RecordedMarket(builtin(), [folder / file for file in RECORDINGS[name]])


@pytest.mark.parametrize(
    ("name", "equal", "updates"), [("BTC 2023", 16_110, 16_110), ("ETH 2024", 8_909, 8_924)]
)
def test_the_book_of_a_recording_has_the_recorded_quotes_on_top(shared_data, name, equal, updates):
    book, quote, found = Book(), None, []

    for event in recorded(shared_data, name).events():
        if isinstance(event, Depth):
            book.apply(event)
            if quote is not None and not event.is_snapshot:
                (bid, _), (ask, _) = book.best()
                found.append((bid, ask) == (quote.bid, quote.ask))
        elif isinstance(event, Quote):
            quote = event

    assert (sum(found), len(found)) == (equal, updates)


def test_bars_made_of_recorded_trades_are_the_published_ones(shared_data):
    [published] = (shared_data / "um_klines_vision_1m").glob("BTCUSDT-1m-2023-04.EXCERPT*")
    rows = [line.split(",") for line in published.read_text().splitlines()[1:]]
    known = {int(row[0]): [*map(D, row[1:6]), D(row[7]), int(row[8]), D(row[9])] for row in rows}

    events = Market(recorded(shared_data, "BTC 2023")).events()
    made = {
        e.open_ms: [e.open, e.high, e.low, e.close, e.volume, e.quote_volume, e.trades,
                    e.taker_volume]
        for e in events
        if isinstance(e, Kline) and e.is_closed
    }  # fmt: skip

    assert len(made) == 7
    assert made == {open_ms: known[open_ms] for open_ms in made}


def test_a_corrupt_line_of_a_recording_is_named(tmp_path):
    path = tmp_path / "btc.dat"
    good = '1 {"data":{"e":"other","s":"BTCUSDT"}}'
    path.write_text(good + '\n2 {"data":{"e":"bookTicker","s":"BTCUSDT","b":"x"}}\n')

    with pytest.raises(LineError, match=r"line 2: btc\.dat: not a message"):
        list(RecordedMarket(builtin(), [path]).events())


def test_a_recording_of_an_unknown_symbol_is_refused(tmp_path):
    path = tmp_path / "x.dat"
    path.write_text('1 {"data":{"e":"other","s":"XUSDT"}}\n')

    with pytest.raises(SourceError, match="a recording of XUSDT, not of BTCUSDT"):
        RecordedMarket(builtin("BTCUSDT"), [path])


def bent(bend, after=0):
    market = Market(generated(secs=20))
    events, plain = market.events(), generated(secs=20).events()
    before = list(islice(events, after))
    market.bend("BTCUSDT", bend)
    return [*before, *events], list(plain)


def test_a_gap_moves_quotes_trades_and_marks_of_one_symbol_at_once():
    found, plain = bent(Bend(factor=D("0.9")))

    was = [e for e in plain if isinstance(e, Quote)]
    now = [e for e in found if isinstance(e, Quote)]
    for before, after in zip(was, now, strict=True):
        factor = D("0.9") if before.symbol == "BTCUSDT" else 1
        assert abs(after.bid - before.bid * factor) <= D("0.05")
        assert after.ask > after.bid
    marks = [e.mark for e in found if isinstance(e, Mark) and e.symbol == "BTCUSDT"]
    assert all(mark < 58_000 for mark in marks)


def test_a_crash_comes_back_and_the_book_stays_whole():
    crash = Bend(factor=D("0.8"), fall_ms=2_000, hold_ms=1_000, back_ms=2_000)
    found, plain = bent(crash, after=300)
    book, lows, bars = Book(), [], []

    for event in found:
        if event.symbol != "BTCUSDT":
            continue
        if isinstance(event, Depth):
            book.apply(event)  # raises where the chain of ids breaks
        elif isinstance(event, Quote):
            lows.append(event.bid)
        elif isinstance(event, Kline):
            bars.append(event)

    whole = Book()
    for event in plain:
        if isinstance(event, Depth) and event.symbol == "BTCUSDT":
            whole.apply(event)
    assert min(lows) < D(64_000) * D("0.81")
    assert bars[-1].low < D(64_000) * D("0.81") < bars[-1].close
    assert (book.bids(), book.asks()) == (whole.bids(), whole.asks())
    assert plain[-50:] == [event for event in found if not isinstance(event, Kline)][-50:]


def test_a_crash_can_leave_the_mark_where_it_is():
    found, _ = bent(Bend(factor=D("0.5"), has_mark=False))

    marks = [e.mark for e in found if isinstance(e, Mark) and e.symbol == "BTCUSDT"]
    assert min(marks) > 60_000


@pytest.mark.parametrize(
    ("fields", "rule"),
    [({"factor": D(0)}, "factor is 0"), ({"factor": D(101)}, "factor is 101"),
     ({"factor": D(1), "fall_ms": -1}, "fall_ms is -1")],
)  # fmt: skip
def test_a_bend_that_cannot_be_is_refused(fields, rule):
    with pytest.raises(BendError, match=rule):
        Bend(**fields)
