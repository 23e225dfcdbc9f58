"""Guarded backtests on recorded Binance data; what they must hold is read from their fills."""

from decimal import Decimal
from pathlib import Path

import pytest

from configs.profile import load_profile
from configs.runner import run_backtest
from report.checker import check_run
from report.tables import read_rows

PROFILES = Path(__file__).resolve().parents[3] / "configs/profiles"
NAMES = ("majors-2025-05", "crash-2025-02", "ticks-2024-07")


@pytest.fixture(scope="module")
def runs(real_catalog, tmp_path_factory):
    """Return profile, run folder and result of each real profile."""
    found = {}
    for name in NAMES:
        profile = load_profile(PROFILES / f"{name}.toml", data={"catalog": str(real_catalog)})
        run_dir = tmp_path_factory.mktemp(name)
        found[name] = profile, run_dir, run_backtest(profile, run_dir, compare=False)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_strategy_of_a_real_run_trades(runs, name):
    profile, run_dir, _ = runs[name]

    traded = {fill["strategy_id"] for fill in read_rows(run_dir, "fills")}

    assert len(traded) == len(profile.strategies)


@pytest.mark.parametrize("name", NAMES)
def test_no_cap_is_passed_and_no_position_is_bare_in_a_real_run(runs, name):
    profile, run_dir, _ = runs[name]

    checked = check_run(run_dir, profile.limits)

    assert checked.breaches == []


@pytest.mark.parametrize("name", NAMES)
def test_the_fills_of_a_real_run_stay_within_the_caps_counted_by_hand(runs, name):
    """The third opinion: a running sum of fills, with nothing else of ours in it."""
    profile, run_dir, _ = runs[name]
    position: dict[str, Decimal] = {}
    largest = Decimal(0)
    for fill in sorted(read_rows(run_dir, "fills"), key=lambda f: f["ts_event"]):
        key = fill["instrument_id"]
        sign = 1 if fill["side"] == "BUY" else -1
        before = position.get(key, Decimal(0))
        position[key] = before + sign * fill["last_qty"]
        if abs(position[key]) > abs(before):
            largest = max(largest, abs(position[key]) * fill["last_px"])
            assert largest <= profile.limits.symbols[key].position_notional_usdt_max
        assert before * position[key] >= 0, "a fill took a position through zero"

    assert largest > 1_000


def test_the_crash_trips_the_price_shock_breaker_and_ends_new_risk(runs):
    _, _, result = runs["crash-2025-02"]

    first = result["guard"]["states"][0]

    assert first["state"] == "REDUCING"
    assert first["cause"].startswith("PRICE_SHOCK: observed=506.00")
    assert first["ts"] == 1_738_547_700_000_000_000  # 2025-02-03 01:55 UTC


def test_funding_of_may_is_paid_into_the_account(runs):
    _, run_dir, result = runs["majors-2025-05"]

    assert len(read_rows(run_dir, "funding")) > 10
    assert result["statistics"]["funding_usdt"] != 0
