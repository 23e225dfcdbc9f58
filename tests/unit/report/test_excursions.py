"""How far the price went against and in favor of a position."""

from decimal import Decimal

import pytest

from report.cycles import Cycle
from report.excursions import Excursions

SYMBOL = "BTCUSDT-PERP.BINANCE"


def _prices(*samples, symbol=SYMBOL):
    return [
        {"ts_event": ts, "instrument_id": symbol, "low": low, "high": high}
        for ts, low, high in samples
    ]


def _cycle(direction=1, *, ts_opened=100, ts_closed=400, exit_px="100"):
    cycle = Cycle("P-1", "S-1", SYMBOL, "O-1", ts_opened, direction)
    cycle.entered_qty, cycle.entered_usdt = Decimal(1), Decimal(100)
    if ts_closed is not None:
        cycle.exited_qty, cycle.exited_usdt = Decimal(1), Decimal(exit_px)
        cycle.ts_closed = ts_closed
    return cycle


def test_the_extremes_inside_a_long_position_count():
    prices = _prices((100, 100, 100), (200, 98, 101), (300, 99, 103))

    assert Excursions(prices).of(_cycle()) == pytest.approx((200, 300))


def test_a_short_position_has_them_the_other_way_round():
    prices = _prices((100, 100, 100), (200, 98, 101), (300, 99, 103))

    assert Excursions(prices).of(_cycle(-1)) == pytest.approx((300, 200))


def test_a_sample_that_began_before_the_entry_does_not_count():
    prices = _prices((90, 100, 100), (150, 50, 200), (250, 99, 101))

    assert Excursions(prices).of(_cycle()) == pytest.approx((100, 100))


def test_a_sample_after_the_exit_does_not_count():
    prices = _prices((100, 100, 100), (400, 99, 101), (401, 50, 200))

    assert Excursions(prices).of(_cycle()) == pytest.approx((100, 100))


def test_the_exit_price_counts_where_no_sample_fits():
    assert Excursions([]).of(_cycle(exit_px="95")) == pytest.approx((500, 0))


def test_an_open_position_counts_to_the_end():
    prices = _prices((100, 100, 100), (900, 90, 100))

    assert Excursions(prices).of(_cycle(ts_closed=None)) == pytest.approx((1000, 0))


def test_prices_of_another_symbol_do_not_count():
    prices = _prices((100, 100, 100), (200, 50, 200), symbol="ETHUSDT-PERP.BINANCE")

    assert Excursions(prices).of(_cycle()) == (0, 0)
