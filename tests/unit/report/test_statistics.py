"""The figures of a run, from rows whose answers are known."""

import math
from decimal import Decimal

import pytest

from report.cycles import Cycle
from report.statistics import finite, statistics

HOUR_NS = 3_600_000_000_000


def _cycle(opened_h, closed_h, gross, *, fees="0", reason="signal"):
    cycle = Cycle("P-1", "S-1", "BTCUSDT-PERP.BINANCE", "O-1", opened_h * HOUR_NS, 1)
    cycle.gross_pnl_usdt, cycle.fees_usdt = Decimal(gross), Decimal(fees)
    cycle.ts_closed = None if closed_h is None else closed_h * HOUR_NS
    cycle.exit_reason = reason
    return cycle


def _figures(*cycles, equity=(1000, 1100), **rows):
    samples = [
        {"ts_event": hour * 10 * HOUR_NS, "equity_usdt": value, "balance_usdt": value}
        for hour, value in enumerate(equity)
    ]
    empty = {"fills": [], "orders": [], "funding": [], "equity": samples}
    return statistics(empty | rows, cycles, 1000.0)


def test_a_trade_that_its_fees_eat_is_no_win():
    figures = _figures(_cycle(0, 1, "5", fees="6"), _cycle(1, 2, "9", fees="1"), _cycle(2, 3, "-4"))

    assert figures["win_ratio"] == pytest.approx(1 / 3)
    assert figures["profit_factor"] == pytest.approx(8 / 5)
    assert (figures["average_win_usdt"], figures["average_loss_usdt"]) == (8.0, -2.5)


def test_a_trade_without_a_result_is_neither_win_nor_loss():
    figures = _figures(_cycle(0, 1, "0"), _cycle(1, 2, "3"))

    assert (figures["trades"], figures["win_ratio"], figures["profit_factor"]) == (2, 0.5, None)


def test_an_open_position_is_no_trade_yet():
    figures = _figures(_cycle(0, 1, "3"), _cycle(1, None, "0"))

    assert (figures["trades"], figures["positions_open_at_end"]) == (1, 1)


def test_time_in_the_market_counts_overlapping_positions_once():
    figures = _figures(
        _cycle(1, 4, "0"), _cycle(2, 3, "0"), _cycle(3, 5, "0"), _cycle(9, None, "0")
    )

    assert figures["exposure_time_ratio"] == pytest.approx(0.5)


def test_the_return_is_measured_from_the_starting_balance():
    figures = _figures(equity=(1000, 1200, 900))

    assert figures["return_ratio"] == pytest.approx(-0.1)
    assert figures["net_pnl_usdt"] == pytest.approx(-100)
    assert figures["max_drawdown"]["ratio"] == pytest.approx(0.25)


def test_costs_are_summed_over_fills_and_payments():
    fill = {"commission": Decimal("0.5"), "last_qty": Decimal(2), "last_px": Decimal(100)}
    figures = _figures(
        equity=(1000, 997),
        fills=[fill, fill],
        funding=[{"amount_usdt": Decimal(-3)}, {"amount_usdt": Decimal(1)}],
    )

    assert (figures["fees_usdt"], figures["funding_usdt"]) == (1.0, -2.0)
    assert figures["turnover_usdt"] == 400.0
    assert figures["unexplained_usdt"] == -1.0


def test_json_has_no_number_that_is_not_finite():
    assert finite({"a": [math.nan, (1.0, math.inf)], 2: "x"}) == {
        "a": [None, [1.0, None]],
        "2": "x",
    }
