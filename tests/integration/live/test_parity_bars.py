"""A day of bars: what the strategies ask for is the same as backtest, on paper and in rehearsal."""

import subprocess
import sys

from tests.parity_kit import ROOT, parity

DAY = "20250504-20250603"


def test_a_day_of_bars_asks_for_the_same_orders_in_every_mode(shared_data, tmp_path):
    folder = shared_data / "um_klines_freqtrade" / DAY
    files = [folder / f"{symbol}_USDT_USDT-1m-futures.feather" for symbol in ("BTC", "ETH")]

    told = parity(ROOT / "configs/profiles/parity-bars.toml", files, tmp_path)

    assert told["EmaCross-000"] == [77, 77, 77]
    assert told["DonchianBreakout-001"] == [211, 211, 211]


def test_a_profile_without_a_window_is_refused():
    command = ["-m", "ops.parity", "--profile", "configs/profiles/backtest.toml"]

    done = subprocess.run(
        [sys.executable, "-W", "ignore", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 78
    assert "parity needs a backtest with data.start and data.end" in done.stderr
