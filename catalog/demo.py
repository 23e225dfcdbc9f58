"""Build the embedded catalog: a month of a drawn market, the same for everybody with a seed."""

import argparse
import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from nautilus_trader.model.data import (
    Bar,
    BarType,
    FundingRateUpdate,
    MarkPriceUpdate,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.instruments import CryptoPerpetual

from catalog import encode, market, market_ticks, symbols
from catalog.instruments import builtin_instruments
from catalog.store import Store

DEFAULT_OUT = Path("data/demo")
DEFAULT_SEED = 2
# Raised whenever the same seed draws other data, so that an older demo is built anew.
VERSION = 2
MARKER = "demo.json"

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 30
TICKS_FROM, TICKS_HOURS = datetime(2026, 1, 14, 12, tzinfo=UTC), 4
CRASH_AT = datetime(2026, 1, 14, 14, 7, tzinfo=UTC)
OUTAGE_FROM, OUTAGE_MINUTES = datetime(2026, 1, 21, 3, 12, tzinfo=UTC), 47

AGGRESSOR_BUYER, AGGRESSOR_SELLER = 1, 2


class DemoError(ValueError):
    """A place where a demo catalog must not be built."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What stands in a demo's marker file: which demo it is and what is in it."""

    seed: int
    version: int
    rows: dict[str, int]
    symbols: tuple[str, ...]
    first_day: date
    days: int
    crash_at: datetime
    outage_from: datetime
    outage_minutes: int


def build_demo(out: Path, seed: int) -> bool:
    """
    Build the demo catalog at *out* unless it is there; return whether it was built.

    Everything is written beside *out* and moved there in one step, so that *out* is either
    whole or as it was. A demo of another seed or version is replaced.

    Raises
    ------
    DemoError
        If *out* holds something that is not a demo catalog.

    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with _alone(out.parent / f".{out.name}.lock"):
        if _is_there(out, seed):
            return False
        part = out.parent / f".{out.name}.part"
        old = out.parent / f".{out.name}.old"
        for leftover in (part, old):
            shutil.rmtree(leftover, ignore_errors=True)
        demo = _write(Store(part), seed)
        (part / MARKER).write_text(json.dumps(asdict(demo), default=str, indent=2) + "\n", "utf-8")
        if out.exists():
            out.rename(old)
        part.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    return True


def outage_day(out: Path) -> date | None:
    """Return the day (UTC) of the outage drawn into the demo at *out*, None if it is no demo."""
    marker = out / MARKER
    if not marker.is_file():
        return None
    return datetime.fromisoformat(json.loads(marker.read_text("utf-8"))["outage_from"]).date()


def timeline() -> market.Timeline:
    """Return when the demo's crash, outage and tick hours are."""

    def minute(moment: datetime) -> int:
        return (moment - START) // timedelta(minutes=1)

    return market.Timeline(
        start_ns=int(START.timestamp()) * 1_000_000_000,
        minutes=DAYS * 1440,
        crash_minute=minute(CRASH_AT),
        outage_minute=minute(OUTAGE_FROM),
        outage_minutes=OUTAGE_MINUTES,
        ticks_minute=minute(TICKS_FROM),
        ticks_minutes=TICKS_HOURS * 60,
    )


def contracts() -> tuple[market.Contract, ...]:
    """Return the demo's contracts, on the ticks and steps of the built-in instruments."""
    return (
        _contract("BTCUSDT", 91_000, 180, beta=1.0, own_sigma=0.00016, crash_depth=0.065),
        _contract("ETHUSDT", 3_100, 3_400, beta=1.25, own_sigma=0.00030, crash_depth=0.08),
        _contract("SOLUSDT", 135, 21_000, beta=1.45, own_sigma=0.00040, crash_depth=0.10),
    )


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the ``demo`` command."""
    parser = subparsers.add_parser(
        "demo",
        help="build the embedded demo catalog",
        description="Draw a month of BTCUSDT, ETHUSDT and SOLUSDT from a seed: one-minute bars, "
        "mark prices and funding, four hours of quotes and trades, a flash crash and an outage.",
    )
    parser.add_argument(
        "--out",
        dest="catalog",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="the same as --catalog",
    )
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="default: %(default)s")
    parser.set_defaults(func=_run, catalog_default=DEFAULT_OUT)


def _run(args: argparse.Namespace) -> int:
    did = "built" if build_demo(args.catalog, args.seed) else "already there"
    print(f"demo catalog {did}: {args.catalog} (seed {args.seed}, version {VERSION})")  # noqa: T201
    return 0


def _contract(
    symbol: str, price: float, quantity_per_minute: float, **character: float
) -> market.Contract:
    instrument = _instrument(symbol)
    return market.Contract(
        symbol=symbol,
        price_start=price,
        price_tick=instrument.price_increment.as_decimal(),
        quantity_step=instrument.size_increment.as_decimal(),
        quantity_per_minute=quantity_per_minute,
        **character,
    )


def _instrument(symbol: str) -> CryptoPerpetual:
    return builtin_instruments()[symbols.instrument_id(symbol).value]


def _write(store: Store, seed: int) -> Demo:
    rng = np.random.default_rng(seed)
    when = timeline()
    paths = market.draw_paths(contracts(), when, rng)
    store.write_instruments([_instrument(contract.symbol) for contract in contracts()])
    rows: dict[str, int] = {}
    for contract in contracts():
        for table, data_cls, identifier in _tables(contract, paths[contract.symbol], when, rng):
            store.write(table, data_cls, identifier)
            rows[data_cls.__name__] = rows.get(data_cls.__name__, 0) + table.num_rows
    return Demo(
        seed=seed,
        version=VERSION,
        rows=rows,
        symbols=tuple(contract.symbol for contract in contracts()),
        first_day=START.date(),
        days=DAYS,
        crash_at=CRASH_AT,
        outage_from=OUTAGE_FROM,
        outage_minutes=OUTAGE_MINUTES,
    )


def _tables(
    contract: market.Contract,
    path: market.Path,
    when: market.Timeline,
    rng: np.random.Generator,
) -> Iterator[tuple[pa.Table, type, str]]:
    """Yield each table of a contract with its data class and identifier."""
    instrument = _instrument(contract.symbol)
    identifier = instrument.id.value
    quotes, trades = market_ticks.draw_ticks(contract, path, when, rng)
    bars = market.bars_of_path(contract, path, when)
    bars = market_ticks.with_bars(bars, market_ticks.bars_of_trades(trades, contract))
    mark = market.draw_mark_prices(contract, path, rng)
    settled_ns, rates = market.draw_funding(path, when, rng)

    kept = when.is_recorded
    close_ns = bars.open_ns[kept] + market.MINUTE_NS
    names = ("open", "high", "low", "close", "volume")
    columns = {name: getattr(bars, name)[kept] for name in names} | {"ts_event": close_ns}
    bar_type = BarType.from_str(f"{identifier}-1-MINUTE-LAST-EXTERNAL")
    yield encode.bars_table(bar_type, instrument, columns), Bar, str(bar_type)
    marks = {"value": mark[kept], "ts_event": close_ns}
    yield encode.mark_prices_table(instrument, marks), MarkPriceUpdate, identifier
    intervals = np.full(len(rates), market.FUNDING_MINUTES, np.uint16)
    funding = {"rate": rates, "interval": intervals, "ts_event": settled_ns}
    yield encode.funding_table(instrument, funding), FundingRateUpdate, identifier
    yield encode.quotes_table(instrument, _quote_columns(quotes)), QuoteTick, identifier
    yield encode.trades_table(instrument, _trade_columns(trades)), TradeTick, identifier


def _quote_columns(quotes: market_ticks.Quotes) -> dict[str, np.ndarray]:
    names = ("bid_price", "ask_price", "bid_size", "ask_size")
    return {**{name: getattr(quotes, name) for name in names}, "ts_event": quotes.ts_ns}


def _trade_columns(trades: market_ticks.Trades) -> dict[str, np.ndarray]:
    return {
        "price": trades.price,
        "size": trades.size,
        "aggressor_side": np.where(trades.is_buyer, AGGRESSOR_BUYER, AGGRESSOR_SELLER),
        "trade_id": trades.trade_id,
        "ts_event": trades.ts_ns,
    }


def _is_there(out: Path, seed: int) -> bool:
    marker = out / MARKER
    if not marker.is_file():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise DemoError(f"{out} holds something that is not a demo catalog: name another")
        return False
    demo = json.loads(marker.read_text("utf-8"))
    return (demo["seed"], demo["version"]) == (seed, VERSION)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process builds here: two first runs may start at once."""
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
