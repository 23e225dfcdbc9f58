"""Recorded ticks with their book: the same requests as backtest, on paper and in rehearsal."""

from tests.parity_kit import ROOT, parity

END = "2024-07-19T00:00:30+00:00"  # three and a half minutes, which pass as they did then


def test_recorded_ticks_ask_for_the_same_orders_in_every_mode(shared_data, tmp_path):
    folder = shared_data / "um_ticks_ws_raw"
    files = [folder / f"btcusdt_{day}.gz" for day in ("20240718", "20240719")]

    told = parity(ROOT / "configs/profiles/parity-ticks.toml", files, tmp_path, "--end", END)

    counts = told["BookImbalance-000"]
    assert len(set(counts)) == 1
    assert counts[0] >= 4
