"""Position cycles cut from fills."""

from decimal import Decimal

import pytest

from report.cycles import CycleBook, Fill, exit_reason

D = Decimal


def _fill(qty, px, *, ts=1, fee="0", position="P-1", instrument="BTCUSDT-PERP.BINANCE"):
    return Fill(
        ts_event=ts,
        client_order_id=f"O-{ts}",
        strategy_id="S-1",
        instrument_id=instrument,
        position_id=position,
        signed_qty=D(qty),
        last_px=D(px),
        commission=D(fee),
        exit_reason="signal",
    )


def _book(*fills):
    book = CycleBook()
    for fill in fills:
        book.apply(fill)
    return book


def test_a_long_round_trip_earns_what_the_price_rose_less_fees():
    (cycle,) = _book(_fill("2", "100", ts=1, fee="0.1"), _fill("-2", "110", ts=5, fee="0.2")).cycles

    assert cycle.gross_pnl_usdt == D(20)
    assert cycle.net_pnl_usdt == D("19.7")
    assert (cycle.ts_opened, cycle.ts_closed) == (1, 5)
    assert (cycle.avg_px_open, cycle.avg_px_close) == (D(100), D(110))


def test_a_short_round_trip_earns_what_the_price_fell():
    (cycle,) = _book(_fill("-2", "100"), _fill("2", "90")).cycles

    assert cycle.direction == -1
    assert cycle.gross_pnl_usdt == D(20)


def test_entries_and_exits_in_parts_share_one_average_price():
    (cycle,) = _book(
        _fill("1", "100"), _fill("3", "104"), _fill("-2", "110"), _fill("-2", "111")
    ).cycles

    assert cycle.avg_px_open == D(103)
    assert cycle.peak_qty == D(4)
    assert cycle.gross_pnl_usdt == D(30)


def test_a_fill_through_flat_ends_one_cycle_and_opens_the_other_side_with_its_fee_shared():
    first, second = _book(_fill("1", "100"), _fill("-4", "90", ts=7, fee="0.4")).cycles

    assert (first.ts_closed, first.gross_pnl_usdt, first.fees_usdt) == (7, D(-10), D("0.1"))
    assert (second.ts_opened, second.signed_qty, second.fees_usdt) == (7, D(-3), D("0.3"))
    assert second.ts_closed is None


def test_two_strategies_on_one_symbol_have_cycles_of_their_own():
    book = _book(_fill("1", "100", position="P-1"), _fill("-1", "100", position="P-2"))

    assert [cycle.signed_qty for cycle in book.cycles] == [D(1), D(-1)]


def test_an_open_cycle_is_valued_against_its_average_price():
    (cycle,) = _book(_fill("-2", "100"), _fill("-2", "110")).cycles

    assert cycle.unrealized_usdt(100.0) == pytest.approx(20.0)


def test_funding_is_shared_by_signed_quantity():
    book = _book(
        _fill("3", "100", position="P-1"),
        _fill("-1", "100", position="P-2"),
        _fill("5", "10", position="P-3", instrument="ETHUSDT-PERP.BINANCE"),
    )

    book.add_funding("BTCUSDT-PERP.BINANCE", D(-4))

    assert [cycle.funding_usdt for cycle in book.cycles] == [D(-6), D(2), D(0)]


def test_funding_without_a_net_position_is_nobodys():
    book = _book(_fill("1", "100", position="P-1"), _fill("-1", "100", position="P-2"))

    book.add_funding("BTCUSDT-PERP.BINANCE", D(-4))

    assert [cycle.funding_usdt for cycle in book.cycles] == [D(0), D(0)]


@pytest.mark.parametrize(
    ("order_type", "tags", "is_reduce_only", "expected"),
    [
        ("STOP_MARKET", None, True, "stop"),
        ("TRAILING_STOP_MARKET", None, True, "stop"),
        ("LIMIT", None, True, "target"),
        ("MARKET_IF_TOUCHED", None, True, "target"),
        ("LIMIT", None, False, "signal"),
        ("MARKET", None, True, "signal"),
        ("MARKET", "LIQUIDATION", True, "liquidation"),
    ],
)
def test_the_closing_order_tells_why_a_trade_ended(order_type, tags, is_reduce_only, expected):
    assert exit_reason(order_type, tags, is_reduce_only=is_reduce_only) == expected
