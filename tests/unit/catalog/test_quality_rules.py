"""Each rule of the quality check: what it must name, and what it must let pass."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from catalog import quality_rules as rules
from catalog.quality_rules import MINUTE_NS, Chunk, Flaw, Kind

N = 200


def bars(**changes: dict[int, float]) -> Chunk:
    """Return quiet one-minute bars around 100, changed at some rows: ``high={7: 103.0}``."""
    close = 100 + 0.05 * np.sin(np.arange(N))
    fields = {
        "open": np.append(100.0, close[:-1]),
        "high": np.full(N, 100.1),
        "low": np.full(N, 99.9),
        "close": close,
        "volume": np.full(N, 10.0),
    }
    return changed(Chunk(ts=np.arange(1, N + 1) * MINUTE_NS, fields=fields, seen=0), changes)


def quotes(**changes: dict[int, float]) -> Chunk:
    fields = {
        "bid_price": np.full(N, 99.9),
        "ask_price": np.full(N, 100.1),
        "bid_size": np.full(N, 3.0),
        "ask_size": np.full(N, 3.0),
    }
    return changed(Chunk(ts=np.arange(N) * 10**9, fields=fields, seen=0), changes)


def trades(**changes: dict[int, float]) -> Chunk:
    fields = {"price": np.full(N, 100.0), "size": np.full(N, 2.0)}
    chunk = Chunk(ts=np.arange(N) * 10**9, fields=fields, seen=0, ids=np.arange(N))
    return changed(chunk, changes)


def changed(chunk: Chunk, changes: dict[str, dict[int, float]]) -> Chunk:
    for name, cells in changes.items():
        column = {"ts": chunk.ts, "ids": chunk.ids}.get(name, chunk.fields.get(name))
        for row, value in cells.items():
            column[row] = value
    return chunk


def found(flaws: Iterable[Flaw]) -> dict[Kind, list[int]]:
    return {flaw.kind: flaw.rows.tolist() for flaw in flaws if len(flaw.rows)}


def doubts(chunk: Chunk) -> dict[Kind, list[int]]:
    return found(rules.bar_doubts(chunk, MINUTE_NS))


def test_clean_data_have_no_flaws() -> None:
    assert found(rules.order_flaws(bars(), is_ts_unique=True)) == {}
    assert found(rules.order_flaws(trades(), is_ts_unique=False)) == {}
    assert found(rules.bar_flaws(bars(), MINUTE_NS)) == {}
    assert doubts(bars()) == {}
    assert found(rules.quote_flaws(quotes())) == {}
    assert found(rules.trade_flaws(trades())) == {}


def test_a_row_that_goes_back_in_time_is_disorder() -> None:
    chunk = bars(ts={50: 40 * MINUTE_NS})

    [disorder, *_] = rules.order_flaws(chunk, is_ts_unique=True)

    assert disorder.rows.tolist() == [50]
    assert disorder.sizes.tolist() == [10 * 60.0]


def test_two_bars_of_one_time_are_a_duplicate_and_two_trades_are_not() -> None:
    assert found(rules.order_flaws(bars(ts={50: 50 * MINUTE_NS}), is_ts_unique=True)) == {
        Kind.DUPLICATE: [50]
    }
    assert found(rules.order_flaws(trades(ts={50: 49 * 10**9}), is_ts_unique=False)) == {}


def test_two_trades_of_one_number_are_a_duplicate() -> None:
    chunk = trades(ids={50: 7})

    assert found(rules.order_flaws(chunk, is_ts_unique=False)) == {Kind.DUPLICATE: [50]}


@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_bar_price_must_be_above_zero(name: str, value: float) -> None:
    flaws = found(rules.bar_flaws(bars(**{name: {9: value}}), MINUTE_NS))

    assert flaws[Kind.NON_POSITIVE] == [9]


def test_a_bar_volume_may_be_zero_but_not_negative() -> None:
    flat = {name: {9: 100.0} for name in ("open", "high", "low", "close")}

    assert found(rules.bar_flaws(bars(**flat, volume={9: 0.0}), MINUTE_NS)) == {}
    assert found(rules.bar_flaws(bars(volume={9: -1.0}), MINUTE_NS)) == {Kind.NON_POSITIVE: [9]}


@pytest.mark.parametrize(
    ("name", "at_the_limit", "beyond"),
    [("high", 100.5, 100.4), ("low", 99.5, 99.6)],
)
def test_high_and_low_must_enclose_open_and_close(
    name: str, at_the_limit: float, beyond: float
) -> None:
    body = {"open": {9: 99.5}, "close": {9: 100.5}, "high": {9: 101.0}, "low": {9: 99.0}}

    assert found(rules.bar_flaws(bars(**body | {name: {9: at_the_limit}}), MINUTE_NS)) == {}
    assert found(rules.bar_flaws(bars(**body | {name: {9: beyond}}), MINUTE_NS)) == {Kind.OHLC: [9]}


def test_a_price_that_moves_while_nothing_trades_is_named() -> None:
    flaws = found(rules.bar_flaws(bars(volume={9: 0.0}), MINUTE_NS))

    assert flaws == {Kind.MOVE_WITHOUT_VOLUME: [9]}


def test_half_an_hour_without_a_trade_is_named_and_a_minute_less_is_not() -> None:
    def quiet(minutes: int) -> Chunk:
        rows = range(50, 50 + minutes)
        flat = {name: dict.fromkeys(rows, 100.0) for name in ("open", "high", "low", "close")}
        return bars(**flat, volume=dict.fromkeys(rows, 0.0))

    assert found(rules.bar_flaws(quiet(29), MINUTE_NS)) == {}
    assert found(rules.bar_flaws(quiet(30), MINUTE_NS)) == {Kind.NO_TRADES: [79]}


@pytest.mark.parametrize(("side", "price"), [("high", 103.0), ("low", 97.0)])
def test_a_lone_price_that_goes_back_at_once_is_a_spike(side: str, price: float) -> None:
    assert doubts(bars(**{side: {90: price}})) == {Kind.SPIKE: [90]}


def test_a_wholly_displaced_bar_is_a_spike_and_a_jump_there_and_back() -> None:
    chunk = bars(open={90: 110.0}, high={90: 110.1}, low={90: 109.9}, close={90: 110.0})

    assert doubts(chunk)[Kind.SPIKE] == [90]
    assert doubts(chunk)[Kind.JUMP] == [90, 91]


def test_a_spike_below_one_percent_is_let_pass() -> None:
    assert doubts(bars(high={90: 100.1 * 1.0099})) == {}
    assert doubts(bars(high={90: 100.1 * 1.0101})) == {Kind.SPIKE: [90]}


def test_a_wick_is_no_spike_in_a_market_whose_bars_are_that_long() -> None:
    wild = bars(high=dict.fromkeys(range(60, 120), 100.6), low=dict.fromkeys(range(60, 120), 99.4))

    assert doubts(changed(wild, {"high": {90: 104.0}})) == {}
    assert doubts(changed(wild, {"high": {90: 109.0}})) == {Kind.SPIKE: [90]}


def test_a_wick_with_five_times_the_usual_volume_is_real() -> None:
    assert doubts(bars(high={90: 103.0}, volume={90: 50.0})) == {}
    assert doubts(bars(high={90: 103.0}, volume={90: 49.9})) == {Kind.SPIKE: [90]}


def test_a_crash_minute_that_goes_on_is_no_spike() -> None:
    after = range(91, N)
    chunk = bars(
        low={90: 91.0} | dict.fromkeys(after, 91.5),
        close={90: 92.0} | dict.fromkeys(after, 92.0),
        open=dict.fromkeys(after, 92.0),
        high=dict.fromkeys(after, 92.5),
    )

    assert doubts(chunk) == {}


def test_a_price_two_percent_from_the_last_close_is_a_jump() -> None:
    last = bars().fields["close"][89]
    rest = range(90, N)

    def shifted(ratio: float) -> Chunk:
        level = last * (1 + ratio)
        prices = {"open": level, "high": level + 0.1, "low": level - 0.1, "close": level}
        return bars(**{name: dict.fromkeys(rest, price) for name, price in prices.items()})

    assert doubts(shifted(0.0199)) == {}
    assert doubts(shifted(0.0201)) == {Kind.JUMP: [90]}


def test_a_price_that_moved_during_a_gap_did_not_jump() -> None:
    late = {row: (row + 40) * MINUTE_NS for row in range(90, N)}
    prices = {"open": 105.0, "high": 105.1, "low": 104.9, "close": 105.0}
    moved = {name: dict.fromkeys(range(90, N), price) for name, price in prices.items()}

    assert doubts(bars(ts=late, **moved)) == {}


def test_rows_of_the_chunk_before_are_not_named_twice() -> None:
    whole = bars(high={59: 103.0, 120: 103.0}, low={58: 0.0})
    second = Chunk(ts=whole.ts, fields=whole.fields, seen=60)

    # The last row of the chunk before is judged now: it had no row after it then.
    assert doubts(second)[Kind.SPIKE] == [59, 120]
    assert found(rules.bar_flaws(second, MINUTE_NS)) == {}


@pytest.mark.parametrize("bid", [100.1, 100.2])
def test_a_bid_at_or_above_the_ask_is_crossed(bid: float) -> None:
    assert found(rules.quote_flaws(quotes(bid_price={30: bid}))) == {Kind.CROSSED: [30]}


@pytest.mark.parametrize("name", ["bid_price", "ask_price", "bid_size", "ask_size"])
def test_a_quote_with_an_empty_side_is_named(name: str) -> None:
    assert found(rules.quote_flaws(quotes(**{name: {0: 0.0}}))) == {Kind.NON_POSITIVE: [0]}


def test_a_quote_far_from_both_neighbors_is_a_spike() -> None:
    chunk = quotes(bid_price={30: 102.0}, ask_price={30: 102.2})

    assert found(rules.quote_flaws(chunk)) == {Kind.SPIKE: [30]}


@pytest.mark.parametrize("name", ["price", "size"])
def test_a_trade_without_price_or_size_is_named(name: str) -> None:
    assert found(rules.trade_flaws(trades(**{name: {0: 0.0}}))) == {Kind.NON_POSITIVE: [0]}


def test_a_small_trade_far_from_both_neighbors_is_a_spike_and_a_sweep_is_not() -> None:
    assert found(rules.trade_flaws(trades(price={30: 102.05}))) == {Kind.SPIKE: [30]}
    assert found(rules.trade_flaws(trades(price={30: 102.05}, size={30: 100.0}))) == {}


def test_trades_of_one_instant_are_one_when_neighbors_are_compared() -> None:
    instant = dict.fromkeys((30, 31, 32), 30 * 10**9)

    flaws = found(rules.trade_flaws(trades(ts=instant, price=dict.fromkeys((30, 31, 32), 102.0))))

    assert flaws == {Kind.SPIKE: [30]}


def test_funding_beyond_three_percent_is_named() -> None:
    ts = np.array([1, 2, 3, 4])
    rates = Chunk(ts=ts, fields={"rate": np.array([0.03, -0.03, 0.0301, -0.05])}, seen=0)

    assert rules.funding_flaw(rates).rows.tolist() == [2, 3]


def test_a_close_is_compared_with_a_mark_of_its_own_bar_only() -> None:
    chunk = bars(close={10: 106.0, 11: 106.0, 12: 106.0})
    mark_ts = chunk.ts[[10, 11]] - np.array([0, MINUTE_NS])

    flaw = rules.mark_flaw(chunk, np.sort(mark_ts), np.array([100.0, 100.0]), MINUTE_NS)

    assert flaw.rows.tolist() == [10]


def test_a_close_is_off_the_mark_beyond_five_percent() -> None:
    chunk = bars(close={10: 104.999, 11: 105.001})

    flaw = rules.mark_flaw(chunk, chunk.ts, np.full(N, 100.0), MINUTE_NS)

    assert flaw.rows.tolist() == [11]


def test_other_bars_and_marks_tell_how_far_they_moved_in_a_bar() -> None:
    other = bars(low={20: 97.0}, close={19: 100.0})
    mark = np.append(np.full(20, 100.0), np.full(N - 20, 96.0))

    assert rules.bar_moves(other.ts[[20]], other.ts, other.fields) == pytest.approx([0.03])
    assert rules.bar_moves(np.array([7]), other.ts, other.fields) == [0.0]
    assert rules.mark_moves(other.ts[[20, 30]], other.ts, mark, MINUTE_NS) == pytest.approx(
        [0.04, 0.0]
    )


def test_every_kind_of_flaw_is_explained_to_the_user() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "catalog_quality.md"
    explained = {
        line.split("|")[1].strip()
        for line in page.read_text("utf-8").splitlines()
        if line.startswith("| ")
    }

    assert {str(kind) for kind in Kind} <= explained
