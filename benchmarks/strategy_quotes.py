"""What a quote costs the imbalance strategy, against a strategy that does nothing with it."""

import argparse
import json
import random
import time
from decimal import Decimal
from pathlib import Path

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from strategies.imbalance import BookImbalance, BookImbalanceConfig

BTC = TestInstrumentProvider.btcusdt_perp_binance()


class Idle(Strategy):
    """Receive every quote and do nothing."""

    def on_start(self) -> None:
        self.subscribe_quote_ticks(BTC.id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        pass


def make_imbalance() -> BookImbalance:
    return BookImbalance(
        BookImbalanceConfig(
            instrument_id=BTC.id,
            trade_risk_usdt=Decimal(10),
            trade_notional_usdt_max=Decimal(5_000),
        )
    )


def make_quotes(count: int, seed: int) -> list[QuoteTick]:
    """Return *count* quotes 10 ms apart around 50,000 with random sizes."""
    rng = random.Random(seed)
    sizes = [BTC.make_qty(rng.uniform(0.1, 20)) for _ in range(1_000)]
    bid, ask = BTC.make_price(50_000), BTC.make_price(50_000.1)
    return [
        QuoteTick(BTC.id, bid, ask, rng.choice(sizes), rng.choice(sizes), ts, ts)
        for ts in range(10_000_000, (count + 1) * 10_000_000, 10_000_000)
    ]


def run_secs(strategy: Strategy, quotes: list[QuoteTick]) -> float:
    """Return the processor seconds a backtest of *strategy* over *quotes* takes, loading left out."""
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=Venue("BINANCE"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USDT,
        starting_balances=[Money(100_000, USDT)],
    )
    engine.add_instrument(BTC)
    engine.add_data(quotes)
    engine.add_strategy(strategy)
    started = time.process_time()
    engine.run()
    elapsed = time.process_time() - started
    engine.dispose()
    return elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quotes", type=int, default=200_000, help="quotes in each run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; the fastest counts")
    parser.add_argument("--seed", type=int, default=7, help="of the random sizes")
    parser.add_argument("--out", type=Path, help="write the figures as JSON to this file")
    args = parser.parse_args()

    quotes = make_quotes(args.quotes, args.seed)
    run_secs(Idle(StrategyConfig()), quotes)  # the first run warms everything up
    rounds = [
        (run_secs(Idle(StrategyConfig()), quotes), run_secs(make_imbalance(), quotes))
        for _ in range(args.rounds)
    ]
    idle_secs, busy_secs = (min(column) for column in zip(*rounds, strict=True))
    figures = {
        "quotes": args.quotes,
        "idle_us_per_quote": round(idle_secs / args.quotes * 1e6, 2),
        "imbalance_us_per_quote": round(busy_secs / args.quotes * 1e6, 2),
        "strategy_us_per_quote": round((busy_secs - idle_secs) / args.quotes * 1e6, 2),
        "ratio": round(busy_secs / idle_secs, 3),
    }
    for key, value in figures.items():
        print(f"{key:24}{value:>12}")
    if args.out is not None:
        args.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
