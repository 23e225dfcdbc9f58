"""Cost of the guard: whole backtests with and without it, in turn, in processor time."""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from pathlib import Path

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, TriggerType
from nautilus_trader.trading.strategy import Strategy

from backtest.engine import build_engine
from catalog.instruments import builtin_instruments
from configs.profile import load_profile
from risk.install import install_guard
from strategies.trade import entry_list

BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]
QTY = BTC.make_qty("0.010")


class EveryNth(Strategy):
    """
    Enter with a stop and exit reduce-only, in turn: one order in *quotes_per_order* quotes.

    A round trip is three orders (entry, stop, exit), so something is sent every 1.5 times as many.
    """

    def __init__(self, quotes_per_order: int) -> None:
        super().__init__(StrategyConfig(oms_type="NETTING"))
        self._every = quotes_per_order * 3 // 2
        self._count = 0
        self._is_in = False

    def on_start(self) -> None:
        self.subscribe_quote_ticks(BTC.id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self._count += 1
        if self._count % self._every:
            return
        if self._is_in:
            exit_order = self.order_factory.market(BTC.id, OrderSide.SELL, QTY, reduce_only=True)
            self.submit_order(exit_order)
        else:
            entry = entry_list(
                self.order_factory,
                BTC,
                side=OrderSide.BUY,
                quantity=QTY.as_decimal(),
                stop=tick.bid_price.as_decimal() * 97 / 100,
                target=None,
                stop_trigger=TriggerType.DEFAULT,
                now_ns=self.clock.timestamp_ns(),
            )
            self.submit_order_list(entry)
        self._is_in = not self._is_in

    def on_position_closed(self, _event: object) -> None:
        for order in self.cache.orders_open(strategy_id=self.id):
            self.cancel_order(order)


def quotes(count: int) -> list[QuoteTick]:
    """Return quotes 20 ms apart around 60,000, deterministic."""
    ticks = []
    for i in range(count):
        bid = 60_000 + (i * 7919 % 2_001 - 1_000) / 10
        ticks.append(
            QuoteTick(
                BTC.id,
                BTC.make_price(bid),
                BTC.make_price(bid + 0.1),
                BTC.make_qty(5),
                BTC.make_qty(5),
                1_767_225_600_000_000_000 + i * 20_000_000,
                1_767_225_600_000_000_000 + i * 20_000_000,
            )
        )
    return ticks


def run(ticks: list[QuoteTick], every: int, *, is_guarded: bool) -> tuple[float, int]:
    """Return processor seconds of the run alone, and its number of orders."""
    profile = load_profile(Path("configs/profiles/backtest.toml"))
    with tempfile.TemporaryDirectory() as folder:
        engine = build_engine(profile, [BTC])
        engine.add_data(ticks)
        if is_guarded:
            limits = profile.limits
            loose = limits.rates.model_copy(
                update={
                    "messages_per_sec_max": 10**6,
                    "messages_per_min_max": 10**6,
                    "repeated_entries_max": 10**6,
                }
            )
            limits = limits.model_copy(update={"rates": loose})
            guard = install_guard(engine.kernel, limits, state_dir=Path(folder), sync="none")
        engine.add_strategy(EveryNth(every))
        gc.collect()
        started = time.process_time()
        engine.run()
        seconds = time.process_time() - started
        orders = engine.kernel.cache.orders_total_count()
        if is_guarded:
            denied = len(guard.record.denials)
            assert denied == 0, f"the benchmark measures approvals, {denied} were denied"
            guard.close()
        engine.dispose()
    return seconds, orders


def main() -> None:
    """Print one row for each rate of orders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quotes", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    ticks = quotes(args.quotes)
    rows = []
    print(
        f"{'orders, quotes an order':>24} {'unguarded s':>12} {'guarded s':>10} {'ratio':>7}  aim"
    )
    for every, aim in ((1_000, 1.03), (20, 1.10)):
        pairs = []
        for _ in range(args.rounds):
            bare, orders = run(ticks, every, is_guarded=False)
            guarded, same = run(ticks, every, is_guarded=True)
            assert orders == same, "both runs must do the same"
            pairs.append((bare, guarded))
        # The fastest round of each: whatever else the machine does only ever adds.
        bare, guarded = (min(pair[i] for pair in pairs) for i in (0, 1))
        ratio = guarded / bare
        print(
            f"{orders:>9} (one in {every:>5}) {bare:>12.2f} {guarded:>10.2f} {ratio:>7.3f}  {aim}"
        )
        rows.append({"every": every, "orders": orders, "ratio": ratio, "aim": aim})
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
