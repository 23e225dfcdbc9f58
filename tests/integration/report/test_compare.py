"""What the guard refused, and what that was worth, where it can be said."""

import shutil
from decimal import Decimal

import pytest

from report.compare import NO_COUNTERPART, compare, refused_orders
from report.tables import read_rows, to_table, write_table
from tests.report_kit import bracket_run, guard_report


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return a run that was halted for its first 200 minutes, and the same one without that."""
    root = tmp_path_factory.mktemp("runs")
    denied = bracket_run(root / "probe", halted_minutes=200)
    bracket_run(root / "guarded", halted_minutes=200, guard=guard_report(denied))
    bracket_run(root / "unguarded")
    return root / "guarded", root / "unguarded"


def test_a_refused_order_has_the_result_of_its_twin(runs):
    rows = refused_orders(*runs)

    assert len(rows) == 6  # one entry every 30 minutes
    assert all(row["outcome"].startswith("opened a position, closed by") for row in rows)
    assert rows[0]["net_pnl_usdt"] == pytest.approx(-22.0466446)


def test_the_difference_between_the_runs_is_what_the_refused_orders_did(runs):
    """The strategy is flat when it is let go again, so nothing else can differ."""
    found = compare(*runs)

    assert (found["refused_total"], found["refused_known"]) == (6, 6)
    assert found["difference_usdt"] == pytest.approx(-found["refused_net_usdt"], abs=1e-6)
    assert found["differences"] == []


def test_an_order_without_a_twin_is_said_to_have_none(runs, tmp_path):
    guarded, _ = runs
    bracket_run(tmp_path, trade_size=Decimal("0.11"))

    rows = refused_orders(guarded, tmp_path)

    assert {row["outcome"] for row in rows} == {"no counterpart: the runs had parted"}
    assert {row["net_pnl_usdt"] for row in rows} == {None}


def test_refused_orders_with_a_twin_come_first(runs, tmp_path):
    guarded, unguarded = runs
    shutil.copytree(unguarded, tmp_path, dirs_exist_ok=True)
    orders = read_rows(unguarded, "orders")
    first = refused_orders(guarded, unguarded)[0]["ts_event"]
    moved = [{**row, "ts_init": row["ts_init"] + (row["ts_init"] == first)} for row in orders]
    write_table(tmp_path, "orders", to_table("orders", moved))

    refused = compare(guarded, tmp_path)["refused"]

    assert [row["outcome"] == NO_COUNTERPART for row in refused] == [False] * 5 + [True]
    assert refused[-1]["ts_event"] == first


def test_the_breaches_of_the_run_without_the_gate_are_counted_with_the_worst(runs, tmp_path):
    bracket_run(tmp_path, trade_size=Decimal("0.25"))

    (breach,) = compare(runs[0], tmp_path)["breaches"]

    assert breach["rule"] == "position_notional_usdt_max"
    assert breach["count"] == 20
    assert float(breach["worst"]["observed"]) > 12_500


def test_runs_that_differ_in_more_than_the_gate_are_called_so(runs):
    guarded, _ = runs

    assert compare(guarded, guarded)["differences"] == ["the other run had a gate as well"]
