"""Two runs are equal when their strategies asked for the same orders in the same sequence."""

from decimal import Decimal

import pytest

from report.parity import compare, show
from risk.journal import Journal

MS = 1_000_000
ENTRY = {
    "client_order_id": "E1", "strategy_id": "S-000", "instrument_id": "BTCUSDT-PERP.BINANCE",
    "side": "BUY", "quantity": "0.100", "order_type": "MARKET",
}  # fmt: skip
STOP = {
    "client_order_id": "E2", "strategy_id": "S-000", "instrument_id": "BTCUSDT-PERP.BINANCE",
    "side": "SELL", "quantity": "0.100", "order_type": "STOP_MARKET", "trigger_price": "49000",
    "reduce_only": True, "parent_id": "E1",
}  # fmt: skip


def journal(path, *records):
    book = Journal(path, sync="flush")
    for kind, ts, data in records:
        book.append(kind, ts, data)
    book.close()
    return path


def asked(*orders, kind="approved", ts=1_000 * MS, command="SubmitOrderList"):
    return (kind, ts, {"command": command, "orders": list(orders)})


def fill(order_id, px, ts, quantity="0.100", side="BUY"):
    row = {
        "client_order_id": order_id, "quantity": quantity, "price": px,
        "strategy_id": "S-000", "instrument_id": "BTCUSDT-PERP.BINANCE", "side": side,
    }  # fmt: skip
    return ("fill", ts, row)


def test_the_same_request_at_another_time_under_another_id_is_equal(tmp_path):
    other = ENTRY | {"client_order_id": "X9"}
    one = journal(tmp_path / "one", asked(ENTRY, STOP))
    two = journal(tmp_path / "two", asked(other, STOP | {"parent_id": "X9"}, ts=9_000 * MS))

    parity = compare({"backtest": one, "paper": two})

    assert parity.is_equal
    assert parity.counts == {"S-000": {"backtest": 1, "paper": 1}}


EXIT = {
    "client_order_id": "X1", "strategy_id": "S-000", "instrument_id": "BTCUSDT-PERP.BINANCE",
    "side": "SELL", "quantity": "0.100", "order_type": "MARKET", "reduce_only": True,
}  # fmt: skip


def with_exit(path, *records):
    return journal(path, asked(ENTRY, STOP), *records)


def exits_at(ts):
    return asked(EXIT, ts=ts, command="SubmitOrder")


def test_an_exit_that_crossed_with_its_stop_is_told_and_left_out(tmp_path):
    stopped = fill("E2", "49000", 5_000 * MS, side="SELL")
    one = with_exit(tmp_path / "one", stopped)
    two = with_exit(tmp_path / "two", stopped, exits_at(6_000 * MS))

    parity = compare({"backtest": one, "rehearsal": two})

    assert parity.is_equal
    assert parity.crossed == {"backtest": 0, "rehearsal": 1}
    assert "exits of rehearsal that crossed with their stop, and are left out: 1" in show(parity)


@pytest.mark.parametrize(
    "records",
    [
        [fill("E2", "49000", 5_000 * MS, side="SELL"), exits_at(6_000 * MS + 1)],
        [fill("E9", "49000", 5_000 * MS, side="BUY"), exits_at(5_000 * MS)],
        [fill("E2", "49000", 5_000 * MS, side="SELL"), exits_at(5_000 * MS),
         fill("X1", "49000", 5_001 * MS, side="SELL")],
        [exits_at(5_000 * MS)],
    ],
    ids=["later", "other side", "filled itself", "no stop filled"],
)  # fmt: skip
def test_any_other_exit_counts(tmp_path, records):
    one = with_exit(tmp_path / "one")
    two = with_exit(tmp_path / "two", *records)

    parity = compare({"backtest": one, "rehearsal": two})

    assert not parity.is_equal
    assert parity.crossed == {"backtest": 0, "rehearsal": 0}


@pytest.mark.parametrize(
    ("orders", "field"),
    [
        ((ENTRY | {"quantity": "0.101"}, STOP), "quantity"),
        ((ENTRY | {"side": "SELL"}, STOP), "side"),
        ((ENTRY | {"order_type": "LIMIT", "price": "50000"}, STOP), "order_type"),
        ((ENTRY, STOP | {"trigger_price": "49000.1"}), "stop"),
        ((ENTRY,), "stop"),
    ],
)
def test_any_other_term_is_a_difference(tmp_path, orders, field):
    one = journal(tmp_path / "one", asked(ENTRY, STOP))
    two = journal(tmp_path / "two", asked(*orders))

    (difference,) = compare({"backtest": one, "paper": two}).differences

    assert (difference.strategy_id, difference.run, difference.index) == ("S-000", "paper", 0)
    assert getattr(difference.expected, field) != getattr(difference.observed, field)


def test_a_request_too_many_is_a_difference_and_shown(tmp_path):
    one = journal(tmp_path / "one", asked(ENTRY, STOP))
    two = journal(tmp_path / "two", asked(ENTRY, STOP), asked(STOP, command="SubmitOrder"))

    parity = compare({"backtest": one, "paper": two})

    (difference,) = parity.differences
    assert (difference.index, difference.expected) == (1, None)
    assert "S-000 request 2" in show(parity)


def test_a_denied_request_is_an_intent_like_any_other(tmp_path):
    one = journal(tmp_path / "one", asked(ENTRY, STOP))
    two = journal(tmp_path / "two", asked(ENTRY, STOP, kind="denied"))

    assert compare({"backtest": one, "paper": two}).is_equal


def test_what_is_not_a_strategys_request_does_not_count(tmp_path):
    amend = ("approved", 2_000 * MS, {"command": "ModifyOrder", "client_order_id": "E2"})
    one = journal(tmp_path / "one", asked(ENTRY, STOP))
    two = journal(tmp_path / "two", asked(ENTRY, STOP), amend)

    assert compare({"backtest": one, "paper": two}).is_equal


def test_fills_are_compared_by_average_price_and_delay(tmp_path):
    one = journal(tmp_path / "one", asked(ENTRY, STOP), fill("E1", "50000", 1_050 * MS))
    two = journal(
        tmp_path / "two",
        asked(ENTRY, STOP),
        fill("E1", "50000", 1_002 * MS, "0.050"),
        fill("E1", "50010", 1_004 * MS, "0.050"),
    )

    (gap,) = compare({"backtest": one, "paper": two}).fills

    assert gap.px_bps_median == Decimal(1)  # bought 5 USDT dearer at 50,000
    assert (gap.delay_ms, gap.reference_delay_ms, gap.orders) == (4, 50, 1)


def test_one_run_alone_cannot_be_compared(tmp_path):
    one = journal(tmp_path / "one", asked(ENTRY, STOP))

    with pytest.raises(ValueError, match="journals: were 1, must be at least 2"):
        compare({"backtest": one})
