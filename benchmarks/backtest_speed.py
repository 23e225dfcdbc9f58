"""
Speed of a backtest: our kernel against the stock one, per order, on long bars, and a peer.

`python -m benchmarks.backtest_speed` runs the small sizes. The sizes of the targets:
`--quotes 200000 --orders 10000 --growth 1000 10000 40000 --bars 1000000 --bar-orders 38000
--btc FILE` (the stock run alone takes minutes).
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import backtrader
import numpy as np
import pandas as pd
from nautilus_trader.core.data import Data
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.trading.strategy import Strategy

from backtest.engine import build_engine
from catalog.instruments import builtin_instruments
from configs.profile import load_profile

BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]
BAR_TYPE = BarType.from_str(f"{BTC.id}-1-MINUTE-LAST-EXTERNAL")
START_NS = 1_735_689_600_000_000_000
PROFILE = Path(__file__).resolve().parents[1] / "configs/profiles/backtest.toml"


class Flipper(Strategy):
    """Buys and sells in turn: `flip` sends the next order."""

    def __init__(self) -> None:
        super().__init__()
        self._is_long = False
        self._qty = BTC.make_qty("0.010")

    def flip(self) -> None:
        side = OrderSide.SELL if self._is_long else OrderSide.BUY
        self._is_long = not self._is_long
        self.submit_order(self.order_factory.market(BTC.id, side, self._qty))


class FlipEvery(Flipper):
    """Sends an order at every *n*-th quote or bar."""

    def __init__(self, every: int) -> None:
        super().__init__()
        self._every, self._count = every, 0

    def on_start(self) -> None:
        self.subscribe_quote_ticks(BTC.id)
        self.subscribe_bars(BAR_TYPE)

    def on_quote_tick(self, _quote: QuoteTick) -> None:
        self._step()

    def on_bar(self, _bar: Bar) -> None:
        self._step()

    def _step(self) -> None:
        self._count += 1
        if self._count % self._every == 0:
            self.flip()


class EmaFlip(Flipper):
    """Long while EMA(10) is above EMA(30), short while it is below."""

    def __init__(self) -> None:
        super().__init__()
        self._fast, self._slow = ExponentialMovingAverage(10), ExponentialMovingAverage(30)

    def on_start(self) -> None:
        self.register_indicator_for_bars(BAR_TYPE, self._fast)
        self.register_indicator_for_bars(BAR_TYPE, self._slow)
        self.subscribe_bars(BAR_TYPE)

    def on_bar(self, _bar: Bar) -> None:
        if self.indicators_initialized() and self._is_long != (self._fast.value > self._slow.value):
            self.flip()
            self._qty = BTC.make_qty("0.020")  # from now on an order turns the position


class BacktraderEmaFlip(backtrader.Strategy):
    """The same in backtrader, with its own indicators."""

    def __init__(self) -> None:
        self.fast = backtrader.indicators.EMA(period=10)
        self.slow = backtrader.indicators.EMA(period=30)
        self.is_long, self.size, self.orders_sent = False, 0.01, 0

    def next(self) -> None:
        if self.is_long != (self.fast[0] > self.slow[0]):
            (self.sell if self.is_long else self.buy)(size=self.size)
            self.is_long, self.size = not self.is_long, 0.02
            self.orders_sent += 1


def quotes(count: int) -> list[QuoteTick]:
    """Return quotes 100 ms apart around 60,000, deterministic."""
    size, rng = BTC.make_qty(5), np.random.default_rng(1)
    bids = (600_000 + np.cumsum(rng.integers(-2, 3, count))).tolist()
    stamps = range(START_NS, START_NS + count * 100_000_000, 100_000_000)
    price = BTC.make_price
    return [
        QuoteTick(BTC.id, price(bid / 10), price((bid + 1) / 10), size, size, ts, ts)
        for bid, ts in zip(bids, stamps, strict=True)
    ]


def drawn_bars(count: int) -> pd.DataFrame:
    """Return one-minute prices around 60,000, deterministic."""
    rng = np.random.default_rng(1)
    close = 60_000 + np.cumsum(rng.integers(-50, 51, count)) / 10
    opening = np.concatenate(([60_000.0], close[:-1]))
    high = np.maximum(opening, close) + rng.integers(0, 30, count) / 10
    low = np.minimum(opening, close) - rng.integers(0, 30, count) / 10
    return pd.DataFrame({"open": opening, "high": high, "low": low, "close": close})


def bars(frame: pd.DataFrame) -> list[Bar]:
    """Return *frame* as Nautilus bars, a minute apart."""
    columns = [[BTC.make_price(x) for x in frame[c]] for c in ("open", "high", "low", "close")]
    volume = BTC.make_qty(100)
    stamps = range(START_NS, START_NS + len(frame) * 60_000_000_000, 60_000_000_000)
    return [
        Bar(BAR_TYPE, o, h, low, c, volume, ts, ts)
        for o, h, low, c, ts in zip(*columns, stamps, strict=True)
    ]


def run(
    data: Sequence[Data],
    strategy: Strategy,
    *,
    stock: bool = False,
    is_bare: bool = False,
) -> dict[str, Any]:
    """
    Run a backtest and read its result; return processor seconds and statistics.

    A bare run has no latency, funding, liquidation and log, as backtrader has none.
    """
    profile = load_profile(PROFILE)
    simulation = profile.simulation
    if is_bare:
        nothing = {"latency_ms": 0, "funding": False, "liquidation": False}
        simulation = simulation.model_copy(update=nothing)
    account = profile.account.model_copy(update={"starting_balance_usdt": Decimal(10_000_000)})
    engine = build_engine(
        profile.model_copy(update={"account": account, "simulation": simulation}),
        [BTC],
        stock_kernel=stock,
        log_level=None if is_bare else "ERROR",
    )
    engine.add_data(list(data))
    engine.add_strategy(strategy)
    started = time.process_time()
    engine.run()
    result = engine.get_result()
    seconds = time.process_time() - started
    statistics = {"pnls": result.stats_pnls, "returns": result.stats_returns}
    orders = result.total_orders
    engine.dispose()
    gc.collect()
    return {"seconds": seconds, "orders": orders, "statistics": statistics}


def against_stock(quote_count: int, orders: int) -> dict[str, Any]:
    """Return how much faster our kernel is, end to end, and whether the statistics are equal."""
    data = quotes(quote_count)
    ours, theirs = (
        run(data, FlipEvery(quote_count // orders), stock=stock) for stock in (False, True)
    )
    return {
        "quotes": quote_count,
        "orders": ours["orders"],
        "ours_seconds": ours["seconds"],
        "stock_seconds": theirs["seconds"],
        "stock_over_ours": theirs["seconds"] / ours["seconds"],
        "statistics_equal": repr(ours["statistics"]) == repr(theirs["statistics"]),
    }


def growth(counts: Sequence[int]) -> list[dict[str, Any]]:
    """Return the cost of one order in runs with ever more of them, two quotes an order."""
    rows = []
    for orders in counts:
        data = quotes(2 * orders)
        idle = run(data, FlipEvery(math.ceil(2.5 * orders)))["seconds"]
        cost = (run(data, FlipEvery(2))["seconds"] - idle) / orders
        rows.append({"orders": orders, "order_us": cost * 1e6})
    return [row | {"over_first": row["order_us"] / rows[0]["order_us"]} for row in rows]


def long_bars(count: int, orders: int) -> dict[str, Any]:
    """Return the run time over *count* bars with *orders* orders."""
    result = run(bars(drawn_bars(count)), FlipEvery(count // orders))
    return {"bars": count, "orders": result["orders"], "seconds": result["seconds"]}


def against_backtrader(path: Path | None, repeats: int) -> dict[str, Any]:
    """Return the best run times of an EMA(10/30) flip on the bars of *path*, run in turn."""
    frame = drawn_bars(20_000) if path is None else pd.read_feather(path)
    data = bars(frame)
    ours, bare, theirs = [], [], []
    for _ in range(repeats):  # the bare ones first: logging that is once on stays on
        bare.append(run(data, EmaFlip(), is_bare=True))
        theirs.append(run_backtrader(frame))
    for _ in range(repeats):
        ours.append(run(data, EmaFlip()))
        theirs.append(run_backtrader(frame))
    best, best_bare, peer = (min(r["seconds"] for r in part) for part in (ours, bare, theirs))
    return {
        "bars": len(frame),
        "ours_orders": ours[0]["orders"],
        "backtrader_orders": theirs[0]["orders"],
        "ours_seconds": best,
        "ours_bare_seconds": best_bare,
        "backtrader_seconds": peer,
        "backtrader_over_ours": peer / best,
        "backtrader_over_bare": peer / best_bare,
    }


def run_backtrader(frame: pd.DataFrame) -> dict[str, Any]:
    """Run the EMA flip in backtrader; return processor seconds and orders."""
    index = pd.date_range("2025-01-01", periods=len(frame), freq="min")
    feed = frame[["open", "high", "low", "close"]].assign(volume=100.0).set_index(index)
    cerebro = backtrader.Cerebro(stdstats=False)
    cerebro.broker.setcash(10_000_000)
    cerebro.broker.setcommission(commission=0.0005)
    cerebro.addstrategy(BacktraderEmaFlip)
    cerebro.adddata(backtrader.feeds.PandasData(dataname=feed))
    started = time.process_time()
    [strategy] = cerebro.run()
    return {"seconds": time.process_time() - started, "orders": strategy.orders_sent}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quotes", type=int, default=40_000, help="against the stock kernel")
    parser.add_argument("--orders", type=int, default=2_000, help="against the stock kernel")
    parser.add_argument("--growth", type=int, nargs="+", default=[1_000, 4_000], metavar="ORDERS")
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--bar-orders", type=int, default=3_800)
    parser.add_argument("--btc", type=Path, help="feather file with open, high, low, close")
    parser.add_argument("--repeats", type=int, default=3, help="of the runs beside backtrader")
    parser.add_argument("--only", nargs="+", help="stock, growth, bars, backtrader")
    parser.add_argument("--out", type=Path, help="write the figures here, JSON")
    args = parser.parse_args()
    parts: dict[str, Callable[[], Any]] = {
        "stock": lambda: against_stock(args.quotes, args.orders),
        "growth": lambda: growth(args.growth),
        "bars": lambda: long_bars(args.bars, args.bar_orders),
        "backtrader": lambda: against_backtrader(args.btc, args.repeats),
    }
    figures = {}
    for name in args.only or parts:
        figures[name] = parts[name]()
        rows = figures[name] if isinstance(figures[name], list) else [figures[name]]
        print(f"\n{name} (processor seconds)")
        print(pd.DataFrame(rows).to_string(index=False, float_format="{:.2f}".format))
    if args.out:
        args.out.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
