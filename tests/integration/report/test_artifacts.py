"""What a run leaves behind agrees with the engine that ran it."""

import json
import math
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from report.artifacts import collect, read_result, result_hash, write
from report.checker import check_run
from report.page import render
from report.tables import SCHEMAS
from report.terminal import summary
from risk.events import FUNDING_TOPIC, FundingPayment
from tests.report_kit import (
    BTC,
    ETH,
    MINUTE_NS,
    START_NS,
    BracketerConfig,
    bracket_run,
    collected,
    minute_bars,
    profile,
    run_backtest,
)
from tests.report_log import liquidation, round_trips

BTC_BRACKETS = BracketerConfig(instrument_id=BTC.id, trade_size=Decimal("0.1"))
# Never flat for long: it flips, adds and stays open to the end.
ETH_NAKED = BracketerConfig(
    instrument_id=ETH.id,
    trade_size=Decimal("1.5"),
    enter_every_bars=7,
    exit_every_bars=45,
    has_stop=False,
    closes_at_end=False,
)


@pytest.fixture(scope="module")
def two_symbols():
    """Return engine, recorder and run of two strategies on two symbols; ends with a position."""
    bars = sorted(
        minute_bars(BTC, 290, base=50_000) + minute_bars(ETH, 290, base=3_000),
        key=lambda bar: bar.ts_init,
    )
    engine, recorder = run_backtest([BTC_BRACKETS, ETH_NAKED], bars, instruments=(BTC, ETH))
    yield engine, recorder, collected(engine, recorder)
    engine.dispose()


def test_every_order_ends_in_the_state_that_the_engine_has(two_symbols):
    engine, _, run = two_symbols

    expected = {
        order.client_order_id.value: (
            order.status_string(),
            order.filled_qty.as_decimal(),
            order.quantity.as_decimal(),
        )
        for order in engine.cache.orders()
    }

    assert expected == {
        row["client_order_id"]: (row["status"], row["filled_qty"], row["quantity"])
        for row in run.tables["orders"].to_pylist()
    }


def test_every_position_cycle_has_the_pnl_that_the_engine_booked(two_symbols):
    engine, _, run = two_symbols

    positions = [*engine.cache.position_snapshots(), *engine.cache.positions()]
    expected = sorted((p.ts_opened, p.id.value[:12], p.realized_pnl.as_double()) for p in positions)

    rows = run.tables["positions"].to_pylist()
    actual = sorted(
        (row["ts_opened"], row["position_id"][:12], float(row["net_pnl_usdt"])) for row in rows
    )
    assert len(expected) > 20
    assert [row[:2] for row in actual] == [row[:2] for row in expected]
    assert [row[2] for row in actual] == pytest.approx([row[2] for row in expected], abs=1e-4)


def test_equity_ends_at_the_accounts_balance_and_the_open_position(two_symbols):
    engine, _, run = two_symbols
    account = engine.cache.accounts()[0]
    (position,) = engine.cache.positions_open()
    last_close = minute_bars(ETH, 290, base=3_000)[-1].close

    expected = account.balance_total().as_double() + position.unrealized_pnl(last_close).as_double()

    assert run.result["statistics"]["final_equity_usdt"] == pytest.approx(expected, abs=1e-4)
    assert run.result["statistics"]["positions_open_at_end"] == 1


def test_the_account_and_the_fills_are_two_books_that_agree(two_symbols):
    engine, _, run = two_symbols
    net = sum(float(row["net_pnl_usdt"]) for row in run.tables["positions"].to_pylist())

    balance = engine.cache.accounts()[0].balance_total().as_double()

    assert balance == pytest.approx(100_000 + net, abs=1e-4)
    assert run.result["statistics"]["unexplained_usdt"] == pytest.approx(0, abs=1e-4)


def test_money_that_no_fill_explains_is_told(tmp_path):
    engine, recorder = run_backtest([], minute_bars(BTC, 3, base=50_000))
    recorder.entries[0] = recorder.entries[0]._replace(total=Decimal(99_993))

    statistics, _ = _finish(engine, recorder, tmp_path)

    assert statistics["unexplained_usdt"] == 7.0


def test_worst_case_exposure_is_never_less_than_the_position(two_symbols):
    *_, run = two_symbols
    rows = run.tables["exposure"].to_pylist()

    assert {row["instrument_id"] for row in rows} == {str(BTC.id), str(ETH.id)}
    for row in rows:
        assert -row["short_worst_usdt"] <= row["position_usdt"] <= row["long_worst_usdt"]


def test_an_order_on_its_way_counts_in_the_worst_case_before_it_fills(two_symbols):
    *_, run = two_symbols
    rows = [
        row for row in run.tables["exposure"].to_pylist() if row["instrument_id"] == str(ETH.id)
    ]

    assert (rows[0]["position_qty"], rows[0]["long_worst_usdt"] > 4_000) == (0.0, True)
    assert rows[1]["position_qty"] == 1.5


def test_prices_are_sampled_with_the_extremes_of_their_bars(two_symbols):
    *_, run = two_symbols
    bars = minute_bars(BTC, 290, base=50_000)

    rows = [row for row in run.tables["prices"].to_pylist() if row["instrument_id"] == str(BTC.id)]

    assert [(row["ts_event"], row["price"], row["low"], row["high"]) for row in rows] == [
        (bar.ts_event, float(bar.close), float(bar.low), float(bar.high)) for bar in bars
    ]


def test_closing_orders_tell_why_trades_ended(two_symbols):
    *_, run = two_symbols
    rows = run.tables["positions"].to_pylist()

    reasons = {row["exit_reason"] for row in rows if row["instrument_id"] == str(BTC.id)}

    assert {"stop", "target"} <= reasons
    assert [row["exit_reason"] for row in rows if row["ts_closed"] is None] == ["open"]


def test_excursions_enclose_what_a_trade_earned(two_symbols):
    *_, run = two_symbols
    for row in run.tables["positions"].to_pylist():
        if row["ts_closed"] is None:
            continue
        direction = 1 if row["side"] == "LONG" else -1
        earned_bps = (float(row["avg_px_close"] / row["avg_px_open"]) - 1) * direction * 10_000

        assert -row["adverse_bps"] - 1e-6 <= earned_bps <= row["favorable_bps"] + 1e-6


def test_the_same_run_has_the_same_hash_and_another_has_not(tmp_path):
    hashes = [
        bracket_run(tmp_path / str(number), trade_size=size).result["result_hash"]
        for number, size in enumerate([Decimal("0.1"), Decimal("0.1"), Decimal("0.101")])
    ]

    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]


def test_how_finely_a_run_is_sampled_is_no_part_of_its_hash(tmp_path):
    fine = bracket_run(tmp_path / "fine")
    coarse = bracket_run(tmp_path / "coarse", sample_ns=3600 * 10**9)

    assert fine.tables["equity"].num_rows > coarse.tables["equity"].num_rows
    assert fine.result["result_hash"] == coarse.result["result_hash"]


@pytest.mark.parametrize("name", ["fills", "orders", "positions", "denials"])
def test_whatever_was_done_differently_changes_the_hash(name):
    row = {"client_order_id": "O-1", "last_px": Decimal("50000.10"), "ts_event": 5}
    rows = {table: [row] for table in ("fills", "orders", "positions", "denials")}
    balances = {"BINANCE-001.USDT": "100"}
    before = result_hash(rows, balances)

    assert result_hash(rows | {name: [row | {"last_px": Decimal("50000.1")}]}, balances) == before
    assert result_hash(rows | {name: [row | {"last_px": Decimal("50000.2")}]}, balances) != before
    assert result_hash(rows | {name: [row, row]}, balances) != before
    assert result_hash(rows, {"BINANCE-001.USDT": "101"}) != before


def test_a_sample_on_the_hour_holds_the_bar_that_closed_on_the_hour(tmp_path):
    run = bracket_run(tmp_path, sample_ns=60 * MINUTE_NS)

    stamps = [row["ts_event"] for row in run.tables["prices"].to_pylist()]

    assert stamps == [START_NS + hour * 60 * MINUTE_NS for hour in range(1, 11)]


def test_equity_is_taken_at_every_fill_however_coarse_the_samples(tmp_path):
    run = bracket_run(tmp_path, sample_ns=1440 * MINUTE_NS)

    filled = {row["ts_event"] for row in run.tables["fills"].to_pylist()}

    assert len(filled) > 10
    assert filled <= {row["ts_event"] for row in run.tables["equity"].to_pylist()}


def test_neither_the_time_a_run_took_nor_its_name_is_part_of_its_hash(two_symbols):
    engine, recorder, run = two_symbols

    later = collect(engine, recorder, profile(), None, data={"counts": [1]}, run_sec=99.0)

    assert later.result["result_hash"] == run.result["result_hash"]


def test_a_run_folder_holds_every_table_with_its_types(two_symbols, tmp_path):
    *_, run = two_symbols
    run_dir = tmp_path / "20250101-demo"

    write(run, run_dir)

    for name, schema in SCHEMAS.items():
        assert pq.read_schema(run_dir / f"{name}.parquet") == schema
    assert read_result(run_dir)["run_id"] == "20250101-demo"
    assert check_run(run_dir, profile().limits).as_dict() == run.result["check"]


def test_an_order_that_was_sent_past_the_strategys_methods_is_recorded_whole(tmp_path):
    """Its first event is never published, so the recorder has to fetch it."""
    run = bracket_run(tmp_path, minutes=40, has_stop=False, sends_directly=True)

    (entry, _) = run.tables["orders"].to_pylist()

    assert (entry["status"], entry["quantity"]) == ("FILLED", Decimal("0.1"))
    events = [row["event"] for row in run.tables["order_events"].to_pylist()]
    assert events.count("OrderInitialized") == 2


def test_naked_entries_are_found_by_the_checker_of_the_run(two_symbols):
    *_, run = two_symbols

    assert {(b.rule, b.instrument_id) for b in run.check.breaches} == {
        ("stop_delay_ms_max", str(ETH.id))
    }


def test_an_incomplete_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is not a run folder: it has no result\.json"):
        render(tmp_path)


def _all_numbers(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from _all_numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _all_numbers(item)
    elif isinstance(value, float):
        yield value


def _finish(engine, recorder, run_dir):
    run = collected(engine, recorder)
    engine.dispose()
    write(run, run_dir)
    page = render(run_dir).read_text(encoding="utf-8")
    result = json.loads((run_dir / "result.json").read_text(encoding="utf-8"))
    assert all(math.isfinite(number) for number in _all_numbers(result))
    summary(run_dir)
    return result["statistics"], page


def test_a_run_without_any_trade_is_reported(tmp_path):
    statistics, page = _finish(*run_backtest([], minute_bars(BTC, 30, base=50_000)), tmp_path)

    assert (statistics["trades"], statistics["return_ratio"]) == (0, 0.0)
    assert (statistics["win_ratio"], statistics["max_drawdown"]) == (None, None)
    assert "No position was opened." in page
    assert "Nothing was denied." in page


def test_a_run_of_a_single_bar_is_reported(tmp_path):
    statistics, _ = _finish(*run_backtest([], minute_bars(BTC, 1, base=50_000)), tmp_path)

    assert statistics["final_equity_usdt"] == 100_000


def test_a_liquidated_account_is_reported(tmp_path):
    engine, recorder = run_backtest([], minute_bars(BTC, 3, base=50_000))
    recorder.entries[:] = liquidation()

    statistics, page = _finish(engine, recorder, tmp_path)

    assert statistics["liquidations"] == 1
    assert statistics["max_drawdown"]["ratio"] == pytest.approx(1.0)
    assert "were liquidated by the venue" in page
    assert "the insurance fund paid 361.5 USDT" in page


def test_forty_thousand_orders_still_make_a_page_of_less_than_eight_megabytes(tmp_path):
    engine, recorder = run_backtest([], minute_bars(BTC, 3, base=50_000))
    recorder.entries[:] = round_trips(13_400)

    statistics, page = _finish(engine, recorder, tmp_path)

    assert (statistics["orders"], statistics["trades"]) == (40_200, 13_400)
    assert len(page.encode()) < 8_000_000
    assert "The 500 of 13,400" in page


def test_funding_is_recorded_with_its_trade(tmp_path):
    engine, recorder = run_backtest([], minute_bars(BTC, 3, base=50_000))
    entries = list(round_trips(1))
    opened = next(i for i, e in enumerate(entries) if type(e).__name__ == "OrderFilled")
    recorder.entries[:] = entries[: opened + 1]
    recorder.msgbus.publish(
        FUNDING_TOPIC, FundingPayment(str(BTC.id), Decimal("-3.5"), START_NS + MINUTE_NS)
    )
    recorder.entries += entries[opened + 1 :]

    run = collected(engine, recorder)
    engine.dispose()

    (row,) = run.tables["positions"].to_pylist()
    assert row["funding_usdt"] == Decimal("-3.5")
    assert run.result["statistics"]["funding_usdt"] == -3.5
