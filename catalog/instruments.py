"""Instruments with the venue's real filters, fees and leverage brackets."""

import argparse
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from nautilus_trader.model.identifiers import InstrumentId, Symbol
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Currency, Money, Price, Quantity

from catalog import symbols
from catalog.store import Store

# What the filters of an exchangeInfo answer are called here: key -> (filterType, field).
_FILTER_FIELDS = {
    "tick": ("PRICE_FILTER", "tickSize"),
    "min_price": ("PRICE_FILTER", "minPrice"),
    "max_price": ("PRICE_FILTER", "maxPrice"),
    "step": ("LOT_SIZE", "stepSize"),
    "min_qty": ("LOT_SIZE", "minQty"),
    "max_qty": ("LOT_SIZE", "maxQty"),
    "market_max_qty": ("MARKET_LOT_SIZE", "maxQty"),
    "min_notional": ("MIN_NOTIONAL", "notional"),
    "percent_price_up": ("PERCENT_PRICE", "multiplierUp"),
    "percent_price_down": ("PERCENT_PRICE", "multiplierDown"),
    "max_num_orders": ("MAX_NUM_ORDERS", "limit"),
}
_INFO_KEYS = ("market_max_qty", "percent_price_up", "percent_price_down", "max_num_orders")


class InstrumentError(ValueError):
    """A description of an instrument that is incomplete or contradicts itself."""


@dataclass(frozen=True)
class ExchangeInfo:
    """What an exchangeInfo answer held: the perpetuals, and why each other symbol is not one."""

    instruments: dict[str, CryptoPerpetual]
    skipped: dict[str, str]


@cache
def builtin_instruments() -> dict[str, CryptoPerpetual]:
    """
    Return the perpetuals of the dated table shipped with the package, by instrument id.

    ``info`` of each carries, as strings, ``market_max_qty`` (base units),
    ``percent_price_up`` and ``percent_price_down`` (multiples of the mark price),
    ``max_num_orders``, ``filters_as_of``, ``brackets_as_of``, ``assumed`` (keys without a
    source), and ``brackets``: lists of notional cap (quote currency), leverage, maintenance
    margin ratio, cumulative maintenance amount (quote currency).
    """
    instruments = (_build(symbol, spec) for symbol, spec in _builtin_specs().items())
    return {instrument.id.value: instrument for instrument in instruments}


def from_exchange_info(path: Path, brackets_path: Path | None = None) -> ExchangeInfo:
    """
    Return the perpetuals of a saved answer to ``GET /fapi/v1/exchangeInfo``.

    Parameters
    ----------
    path : Path
        The answer, as JSON.
    brackets_path : Path, optional
        A saved answer to ``GET /fapi/v1/leverageBracket``. Without it the brackets of the
        built-in table are used; a symbol in neither is skipped, because its margins would be
        guesses (the percentages in exchangeInfo are to be ignored, the venue says).

    Raises
    ------
    InstrumentError
        If a file is not such an answer.

    """
    answer = _load(path)
    if not isinstance(answer, dict) or "symbols" not in answer or "serverTime" not in answer:
        raise InstrumentError(f"{path}: not an exchangeInfo answer (symbols, serverTime)")
    as_of = datetime.fromtimestamp(answer["serverTime"] / 1000, UTC).date().isoformat()
    builtin = _builtin_specs()
    brackets = {s: (spec["brackets"], spec["brackets_as_of"]) for s, spec in builtin.items()}
    if brackets_path is not None:
        brackets |= _brackets(brackets_path, as_of)
    instruments: dict[str, CryptoPerpetual] = {}
    skipped: dict[str, str] = {}
    for entry in answer["symbols"]:
        symbol = entry["symbol"]
        if (reason := _not_usable(entry, has_brackets=symbol in brackets)) is not None:
            skipped[symbol] = reason
            continue
        spec = _spec(entry, as_of)
        spec["brackets"], spec["brackets_as_of"] = brackets[symbol]
        instrument = _build(symbol, spec)
        instruments[instrument.id.value] = instrument
    return ExchangeInfo(instruments, skipped)


def find_instrument(store: Store, instrument_id: InstrumentId) -> CryptoPerpetual:
    """
    Return the instrument as the catalog has it, or as the built-in table has it.

    Raises
    ------
    InstrumentError
        If neither knows it.

    """
    known = store.instrument(instrument_id) or builtin_instruments().get(instrument_id.value)
    if known is None:
        raise InstrumentError(
            f"no instrument {instrument_id}: load it with "
            "`python -m catalog instruments --exchange-info FILE`",
        )
    return known


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the ``instruments`` command."""
    parser = subparsers.add_parser(
        "instruments",
        help="write instruments with the venue's filters, fees and leverage brackets",
        description="Write instruments into the catalog: from the dated built-in table, or "
        "from a saved answer to GET /fapi/v1/exchangeInfo.",
    )
    parser.add_argument("--exchange-info", type=Path, metavar="FILE", help="a saved answer, JSON")
    parser.add_argument(
        "--brackets",
        type=Path,
        metavar="FILE",
        help="a saved answer to GET /fapi/v1/leverageBracket (default: the built-in brackets)",
    )
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    if args.exchange_info is None:
        if args.brackets is not None:
            raise InstrumentError("--brackets needs --exchange-info")
        found = ExchangeInfo(builtin_instruments(), {})
    else:
        found = from_exchange_info(args.exchange_info, args.brackets)
    for symbol, reason in found.skipped.items():
        print(f"skipped {symbol}: {reason}")  # noqa: T201 - a command prints
    written = Store(args.catalog).write_instruments(list(found.instruments.values()))
    print(f"{len(found.instruments)} instruments, {written} new or changed")  # noqa: T201 - as above
    return 0


@cache
def _builtin_table() -> dict[str, Any]:
    return tomllib.loads(files("catalog").joinpath("instruments.toml").read_text("utf-8"))


def _builtin_shared() -> dict[str, str]:
    return {key: value for key, value in _builtin_table().items() if isinstance(value, str)}


def _builtin_specs() -> dict[str, dict[str, Any]]:
    return {
        symbol: {**_builtin_shared(), "base": symbol.removesuffix("USDT"), "quote": "USDT", **spec}
        for symbol, spec in _builtin_table().items()
        if isinstance(spec, dict)
    }


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as e:
        raise InstrumentError(f"{path}: {e}") from e


def _brackets(path: Path, as_of: str) -> dict[str, tuple[list[list[str]], str]]:
    fields = ("notionalCap", "initialLeverage", "maintMarginRatio", "cum")
    try:
        return {
            entry["symbol"]: ([[str(b[f]) for f in fields] for b in entry["brackets"]], as_of)
            for entry in _load(path)
        }
    except (TypeError, KeyError) as e:
        raise InstrumentError(f"{path}: not a leverageBracket answer, missing {e}") from e


def _not_usable(entry: Mapping[str, Any], *, has_brackets: bool) -> str | None:
    if entry["contractType"] != "PERPETUAL":
        return f"contract type is {entry['contractType']!r}, not PERPETUAL"
    try:
        symbols.instrument_id(entry["symbol"])
    except symbols.SymbolError as e:
        return str(e)
    return None if has_brackets else "no leverage brackets (give --brackets FILE)"


def _spec(entry: Mapping[str, Any], as_of: str) -> dict[str, Any]:
    filters = {f["filterType"]: f for f in entry["filters"]}
    try:
        values = {k: str(filters[kind][field]) for k, (kind, field) in _FILTER_FIELDS.items()}
    except KeyError as e:
        raise InstrumentError(f"{entry['symbol']}: exchangeInfo has no {e} filter") from e
    currencies = {"base": entry["baseAsset"], "quote": entry["quoteAsset"]}
    return {**_builtin_shared(), **values, **currencies, "filters_as_of": as_of}


def _build(symbol: str, spec: Mapping[str, Any]) -> CryptoPerpetual:
    # Precision is the number of decimals in the tick and step strings, trailing zeros
    # included, as the live adapter counts it: prices compare equal between the two.
    tick, step = Price.from_str(spec["tick"]), Quantity.from_str(spec["step"])
    quote = Currency.from_str(spec["quote"])
    _, leverage_max, margin_maint, _ = spec["brackets"][0]
    as_of = datetime.fromisoformat(spec["filters_as_of"]).replace(tzinfo=UTC)
    as_of_ns = int(as_of.timestamp()) * 1_000_000_000
    info = {key: str(spec[key]) for key in _INFO_KEYS}
    info |= {key: spec[key] for key in ("filters_as_of", "brackets_as_of", "brackets")}
    return CryptoPerpetual(
        instrument_id=symbols.instrument_id(symbol),
        raw_symbol=Symbol(symbol),
        base_currency=Currency.from_str(spec["base"]),
        quote_currency=quote,
        settlement_currency=quote,
        is_inverse=False,
        price_precision=tick.precision,
        size_precision=step.precision,
        price_increment=tick,
        size_increment=step,
        min_quantity=Quantity(Decimal(spec["min_qty"]), step.precision),
        max_quantity=Quantity(Decimal(spec["max_qty"]), step.precision),
        min_notional=Money(Decimal(spec["min_notional"]), quote),
        min_price=Price(Decimal(spec["min_price"]), tick.precision),
        max_price=Price(Decimal(spec["max_price"]), tick.precision),
        margin_init=1 / Decimal(leverage_max),
        margin_maint=Decimal(margin_maint),
        maker_fee=Decimal(spec["maker_fee"]),
        taker_fee=Decimal(spec["taker_fee"]),
        ts_event=as_of_ns,
        ts_init=as_of_ns,
        info={**info, "assumed": list(spec.get("assumed", ()))},
    )
