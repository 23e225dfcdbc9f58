"""What the daily quality verdict costs a backtest, against reading the same bars for it."""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nautilus_trader.model.data import Bar
from nautilus_trader.model.identifiers import InstrumentId

from catalog.demo import DEFAULT_SEED, build_demo
from catalog.quality import bad_days
from catalog.store import Store


def fastest_secs(work: Callable[[], object], rounds: int) -> float:
    """Return the least wall time *work* takes in some rounds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalog", type=Path, help="default: a demo catalog, built for this run")
    parser.add_argument("--instrument", default="BTCUSDT-PERP.BINANCE", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each; the fastest counts")
    parser.add_argument("--out", type=Path, help="write the figures as JSON to this file")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        if args.catalog is None:
            args.catalog = Path(folder) / "demo"
            build_demo(args.catalog, DEFAULT_SEED)
        store, instrument_id = Store(args.catalog), InstrumentId.from_str(args.instrument)
        bar_type = f"{instrument_id}-1-MINUTE-LAST-EXTERNAL"
        judge_secs = fastest_secs(
            lambda: bad_days(store, [instrument_id], data_types=["bars"]), args.rounds
        )
        read_secs = fastest_secs(
            lambda: store.catalog().query(Bar, identifiers=[bar_type]), args.rounds
        )
        figures = {
            "bars": store.rows(Bar, bar_type),
            "judge_secs": judge_secs,
            "read_secs": read_secs,
            "judge_over_read": judge_secs / read_secs,
        }
    for name, value in figures.items():
        print(f"{name:>16}  {value:,.4g}" if isinstance(value, float) else f"{name:>16}  {value:,}")
    if args.out:
        args.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
