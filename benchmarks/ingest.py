"""
Measure ingestion against NautilusTrader's own path and against reading the bare file.

Both sides do the same work from the same CSV file to a catalog on disk: ours is
``catalog.ingest``, the stock one is ``pandas.read_csv``, the wrangler and ``write_data``.
With ``--memory`` a file of 20,000,000 aggTrades is ingested in a process of its own and its
peak memory is shown.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from nautilus_trader.model.data import BarType
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.persistence.wranglers import BarDataWrangler, TradeTickDataWrangler
from pyarrow import csv

from catalog.ingest import ingest_file
from catalog.instruments import builtin_instruments
from catalog.naming import Options
from catalog.store import Store

_START_MS = 1_704_067_200_000  # 2024-01-01
_DAY_MS = 86_400_000
_BLOCK = 1_000_000
_BAR_TYPE = BarType.from_str("BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each file")
    parser.add_argument(
        "--repeat", type=int, default=3, help="runs of ours and of read_csv (best counts)"
    )
    parser.add_argument("--memory", type=int, nargs="?", const=20_000_000, metavar="ROWS")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--child", type=Path, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        _ingest_and_tell(*args.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = _figures(Path(folder), args)
    if args.out:
        args.out.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def _figures(folder: Path, args: argparse.Namespace) -> dict[str, dict[str, float]]:
    print(f"{args.rows:,} rows, seconds on the clock (and of processor time)")
    print("file        ours         stock         read_csv     stock/ours    ours/read_csv")
    print("                                                    aim 20        aim 4")
    figures = {}
    for name, write, stock in (
        ("aggTrades", write_trades, stock_trades),
        ("1m", write_bars, stock_bars),
    ):
        path = folder / f"BTCUSDT-{name}-2024-01.csv"
        write(path, args.rows)
        figures[name] = _measure(path, folder, stock, args.repeat)
        path.unlink()
    if args.memory:
        figures["memory"] = _memory(folder, args.memory)
    return figures


def _measure(
    path: Path,
    folder: Path,
    stock: Callable[[Path, Path], None],
    repeat: int,
) -> dict[str, float]:
    catalogs = (folder / f"ours{n}" for n in range(2 * repeat))
    ours = _best(repeat, lambda: _ours(path, folder / next(catalogs)))
    bare = _best(repeat, lambda: csv.read_csv(path))
    theirs = _best(1, lambda: stock(path, folder / "stock"))
    cells = [f"{sec:5.2f} ({cpu_sec:5.2f})" for sec, cpu_sec in (ours, theirs, bare)]
    cells += [f"{a[0] / b[0]:5.1f} ({a[1] / b[1]:4.1f})" for a, b in ((theirs, ours), (ours, bare))]
    name = "aggTrades" if "aggTrades" in path.name else "bars"
    print(name.ljust(10), "  ".join(cells))
    return {
        f"{who}_{what}": seconds[index]
        for who, seconds in (("ours", ours), ("stock", theirs), ("read_csv", bare))
        for index, what in enumerate(("sec", "cpu_sec"))
    }


def _memory(folder: Path, rows: int) -> dict[str, float]:
    path = folder / "BTCUSDT-aggTrades-2024-01.csv"
    write_trades(path, rows)
    command = [sys.executable, "-m", "benchmarks.ingest", "--child", str(path), str(folder / "big")]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(told)
    size = path.stat().st_size / 2**30
    print(
        f"{rows:,} aggTrades ({size:.2f} GiB of csv): {figures['sec']:.1f} s, "
        f"peak {figures['peak_gib']:.2f} GiB (aim 1.5)",
    )
    return figures


def _ingest_and_tell(path: Path, catalog: Path) -> None:
    started = time.perf_counter()
    _ours(path, catalog)
    sec = time.perf_counter() - started
    print(json.dumps({"sec": sec, "peak_gib": _peak_gib()}))


def _peak_gib() -> float:
    """Return this program's peak memory; ``ru_maxrss`` would count what its parent held at the fork."""
    [line] = [x for x in Path("/proc/self/status").read_text("utf-8").splitlines() if "VmHWM" in x]
    return int(line.split()[1]) / 2**20


def _ours(path: Path, catalog: Path) -> None:
    report = ingest_file(Store(catalog), path, Options(data_type=None))
    assert report.refused is None, report.refused


def stock_trades(path: Path, catalog: Path) -> None:
    frame = pd.read_csv(path)
    frame.index = pd.to_datetime(frame["transact_time"], unit="ms", utc=True)
    frame = frame.rename(columns={"agg_trade_id": "trade_id", "is_buyer_maker": "buyer_maker"})
    wrangler = TradeTickDataWrangler(_instrument())
    _stock_catalog(catalog).write_data(wrangler.process(frame))


def stock_bars(path: Path, catalog: Path) -> None:
    frame = pd.read_csv(path)
    frame.index = pd.to_datetime(frame["close_time"] + 1, unit="ms", utc=True)
    frame = frame[["open", "high", "low", "close", "volume"]]
    # Two blocks in the frame: the wrangler cannot read the one block pandas 3 makes by itself.
    frame["volume"] = frame.pop("volume")
    wrangler = BarDataWrangler(_BAR_TYPE, _instrument())
    _stock_catalog(catalog).write_data(wrangler.process(frame))


def write_trades(path: Path, rows: int) -> None:
    """Write aggTrades of one month, block by block, with repeated milliseconds."""
    rng = np.random.default_rng(1)
    step_ms = max(1, 31 * _DAY_MS // rows)
    names = "agg_trade_id price quantity first_trade_id last_trade_id transact_time is_buyer_maker"
    price, last_ms = 600_000, _START_MS
    with path.open("wb") as file:
        file.write(names.replace(" ", ",").encode() + b"\n")
        for first in range(0, rows, _BLOCK):
            count = min(_BLOCK, rows - first)
            ids = np.arange(first, first + count)
            prices = np.maximum(price + np.cumsum(rng.integers(-3, 4, count)), 100_000)
            times = last_ms + np.cumsum(rng.integers(0, 2 * step_ms + 1, count))
            price, last_ms = prices[-1], times[-1]
            columns = [
                pa.array(ids + 2_000_000_000),
                decimal(prices, 1),
                decimal(rng.integers(1, 3000, count), 3),
                pa.array(2 * ids + 4_000_000_000),
                pa.array(2 * ids + 4_000_000_001),
                pa.array(times),
                pa.array(rng.random(count) < 0.5),
            ]
            _append(file, columns, names.split())


def write_bars(path: Path, rows: int) -> None:
    """Write one-minute klines that close where the next one opens."""
    rng = np.random.default_rng(2)
    closes = np.maximum(600_000 + np.cumsum(rng.integers(-50, 51, rows)), 100_000)
    opens = np.concatenate([[600_000], closes[:-1]])
    highs = np.maximum(opens, closes) + rng.integers(0, 50, rows)
    lows = np.minimum(opens, closes) - rng.integers(0, 50, rows)
    times = _START_MS + 60_000 * np.arange(rows)
    volume, quote = rng.integers(1, 10**6, rows), rng.integers(1, 10**12, rows)
    columns = [
        pa.array(times),
        *(decimal(prices, 1) for prices in (opens, highs, lows, closes)),
        decimal(volume, 3),
        pa.array(times + 59_999),
        decimal(quote, 5),
        pa.array(rng.integers(1, 9999, rows)),
        decimal(volume // 2, 3),
        decimal(quote // 2, 5),
        pa.array(np.zeros(rows, np.int64)),
    ]
    names = [
        "open_time",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "close_time",
        "quote_volume",
        "count",
        "taker_buy_volume",
        "taker_buy_quote_volume",
        "ignore",
    ]
    with path.open("wb") as file:
        file.write(",".join(names).encode() + b"\n")
        _append(file, columns, names)


def decimal(units: "np.ndarray", decimals: int) -> pa.Array:  # type: ignore[type-arg] - integers
    """Return whole units as decimals: 123 with one decimal is 12.3."""
    wide = np.zeros((len(units), 2), np.int64)
    wide[:, 0] = units
    buffers = [None, pa.py_buffer(wide)]
    return pa.Array.from_buffers(pa.decimal128(38, decimals), len(units), buffers)


def _append(file: object, columns: list[pa.Array], names: list[str]) -> None:
    csv.write_csv(pa.table(columns, names=names), file, csv.WriteOptions(include_header=False))


def _instrument() -> CryptoPerpetual:
    return builtin_instruments()["BTCUSDT-PERP.BINANCE"]


def _stock_catalog(path: Path) -> ParquetDataCatalog:
    path.mkdir(exist_ok=True)
    return ParquetDataCatalog(str(path))


def _best(repeat: int, run: Callable[[], object]) -> tuple[float, float]:
    """Return the least seconds on the clock, and of processor time in all threads, of some runs."""
    runs = []
    for _ in range(repeat):
        started, cpu_started = time.perf_counter(), time.process_time()
        run()
        runs.append((time.perf_counter() - started, time.process_time() - cpu_started))
    secs, cpu_secs = zip(*runs, strict=True)
    return min(secs), min(cpu_secs)


if __name__ == "__main__":
    main()
