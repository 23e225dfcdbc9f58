"""The lines that a run leaves in the terminal."""

import io
from decimal import Decimal

import pytest
from rich.console import Console

from report.artifacts import read_result, write
from report.terminal import summary
from tests.report_kit import (
    BTC,
    BracketerConfig,
    bracket_run,
    collected,
    guard_report,
    minute_bars,
    run_backtest,
)


def _lines(run_dir):
    """Return what a pipe would get, without the path of the report at the end."""
    console = Console(file=io.StringIO(), width=80)
    console.print(summary(run_dir))
    text = console.file.getvalue()
    return text[: text.rindex("report    ")].splitlines()


@pytest.fixture(scope="module")
def guarded_dir(tmp_path_factory):
    """Return a guarded run that was halted for 200 minutes, with one without the gate in it."""
    run_dir = tmp_path_factory.mktemp("runs") / "guarded"
    denied = bracket_run(run_dir, halted_minutes=200)
    bracket_run(run_dir, halted_minutes=200, guard=guard_report(denied))
    bracket_run(run_dir / "unguarded", trade_size=Decimal("0.25"))
    return run_dir


def test_no_line_is_padded_or_longer_than_a_terminal(guarded_dir):
    lines = _lines(guarded_dir)

    assert [line for line in lines if line != line.rstrip() or len(line) > 80] == []


def test_the_run_without_the_gate_has_a_line(guarded_dir):
    (line,) = [line for line in _lines(guarded_dir) if line.startswith("unguarded ")]

    assert line == "unguarded 99,953.95 USDT (gate: +58.90); broke position caps 20 times"


def test_a_run_alone_has_no_line_about_another(tmp_path):
    bracket_run(tmp_path)

    assert not [line for line in _lines(tmp_path) if line.startswith("unguarded ")]


def test_every_strategy_has_a_line_with_what_it_did(guarded_dir):
    assert "          Bracketer-000  14 trades  +12.86 USDT  18 denied" in _lines(guarded_dir)


def test_a_strategy_that_sent_nothing_is_named(tmp_path):
    busy = BracketerConfig(instrument_id=BTC.id, trade_size=Decimal("0.1"))
    idle = BracketerConfig(instrument_id=BTC.id, trade_size=Decimal("0.1"), enter_every_bars=9_999)
    engine, recorder = run_backtest([busy, idle], minute_bars(BTC, 100, base=50_000))
    write(collected(engine, recorder), tmp_path)
    engine.dispose()

    lines = _lines(tmp_path)

    assert "          Bracketer-001  sent nothing" in lines
    assert not [line for line in lines if "Bracketer-000  sent nothing" in line]


def test_refusals_are_counted_in_requests_and_in_orders(tmp_path):
    denied = bracket_run(tmp_path, halted_minutes=200)
    entries = guard_report(denied)
    entries["denials"] = entries["denials"][::3]
    bracket_run(tmp_path, halted_minutes=200, guard=entries)

    lines = _lines(tmp_path)

    at = lines.index("denied    6 requests (18 orders with their stops)")
    assert lines[at + 1] == "          POSITION_EXCEEDS_MAX 6"


def test_a_clean_run_says_how_close_it_came(guarded_dir):
    (line,) = [line for line in _lines(guarded_dir) if line.startswith("check ")]

    check = read_result(guarded_dir)["check"]
    closest = max(check["closest_position_ratio"], check["closest_gross_ratio"])
    assert 0.2 < closest < 1
    assert line == (
        f"check     caps kept (closest {closest * 100:.2f} %), every position with its stop"
    )


def test_the_cap_that_came_closest_counts_of_all(tmp_path):
    run = bracket_run(tmp_path)
    run.result["check"] |= {"closest_position_ratio": 0.5, "closest_gross_ratio": 0.75}
    write(run, tmp_path)

    assert [line for line in _lines(tmp_path) if "caps kept (closest 75.00 %)" in line]


def test_a_broken_cap_is_named_with_its_count(guarded_dir):
    (line,) = [line for line in _lines(guarded_dir / "unguarded") if line.startswith("check ")]

    assert line == "check     BREACHED: position_notional_usdt_max 20"


def test_without_a_fill_nothing_was_checked(tmp_path):
    bracket_run(tmp_path, minutes=5)

    lines = _lines(tmp_path)

    assert "check     nothing was filled, nothing to check" in lines
    assert "trades    none" in lines
