"""Read from a file's name what is in it."""

import re
from dataclasses import dataclass
from pathlib import Path

from nautilus_trader.model.identifiers import InstrumentId

from catalog import symbols, vision
from catalog.intervals import INTERVALS, Interval

RECORDING = "websocket"
TYPES = (*vision.TYPES, RECORDING)

_INTERVAL = "|".join(INTERVALS)
_TICKS = "|".join((*vision.TICK_TYPES, *vision.MONTHLY_ONLY_TYPES))
# data.binance.vision: BTCUSDT-1m-2024-08.zip, BTCUSDT-aggTrades-2024-08-05.csv
_VISION = re.compile(
    rf"(?P<symbol>[A-Z0-9_]+)-((?P<interval>{_INTERVAL})|(?P<type>{_TICKS}))"
    r"-\d{4}-\d\d(-\d\d)?(\..*)?\.(zip|csv)",
)
# freqtrade: BTC_USDT_USDT-1m-futures.feather, BTC_USDT_USDT-8h-funding_rate.feather
_FREQTRADE = re.compile(
    rf"(?P<base>[A-Z0-9]+)_(?P<quote>[A-Z0-9]+)_(?P<settle>[A-Z0-9]+)-(?P<interval>{_INTERVAL})"
    r"-(?P<type>futures|mark|funding_rate)\.(feather|parquet|csv)",
)
_FREQTRADE_TYPES = {
    "futures": "klines",
    "mark": "markPriceKlines",
    "funding_rate": "fundingRate",
}
# recorded messages: btcusdt_20240718.gz, btcusdt_20230404.dat.gz
_RECORDING = re.compile(r"(?P<symbol>[a-z0-9]+)_\d{8}(\.dat)?(\.gz)?")


class NamingError(ValueError):
    """A file whose name and the options together do not say what it is."""


class UnknownKindError(NamingError):
    """A file of which nothing says that it holds market data at all."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user said, which counts more than any name."""

    symbol: str | None = None
    data_type: str | None = None
    interval: str | None = None


@dataclass(frozen=True, kw_only=True)
class Description:
    """
    What a file holds.

    ``is_type_stated`` is False if the type is only what such a name usually means: archives of
    klines and of mark price klines bear the same names.
    """

    instrument_id: InstrumentId
    data_type: str
    interval: Interval | None
    is_type_stated: bool


def describe(path: Path, options: Options) -> Description:
    """
    Return what a file holds, from the options, its name and its folders.

    Raises
    ------
    UnknownKindError
        If symbol or type is stated nowhere.
    NamingError
        If the interval of klines is stated nowhere, or the folder is of another market.
    SymbolError
        If the symbol is not a USD-M perpetual.

    """
    _refuse_other_markets(path)
    symbol, data_type, interval = _from_name(path)
    folders = (part for part in reversed(path.parts[:-1]) if part.lower().endswith("klines"))
    folder = next(folders, None)
    is_type_stated = bool(options.data_type or folder or data_type != "klines")
    if data_type == "klines" and folder is not None:
        data_type = folder
    symbol = options.symbol or symbol
    data_type = options.data_type or data_type
    interval = options.interval or interval
    if symbol is None or data_type is None:
        missing = [name for name, value in (("symbol", symbol), ("type", data_type)) if not value]
        options_text = " and ".join(f"--{name}" for name in missing)
        raise UnknownKindError(f"the name is of no known kind of file; say {options_text}")
    if data_type not in TYPES:
        raise NamingError(f"type {data_type!r} is not one of {', '.join(TYPES)}")
    if data_type in vision.KLINE_TYPES and interval is None:
        raise NamingError("the name states no interval; say --interval")
    if interval is not None and interval not in INTERVALS:
        raise NamingError(f"interval {interval!r} is not one of {', '.join(INTERVALS)}")
    return Description(
        instrument_id=symbols.instrument_id(symbol),
        data_type=data_type,
        interval=INTERVALS[interval] if interval else None,
        is_type_stated=is_type_stated,
    )


def _from_name(path: Path) -> tuple[str | None, str | None, str | None]:
    if (match := _VISION.fullmatch(path.name)) is not None:
        return match["symbol"], match["type"] or "klines", match["interval"]
    if (match := _FREQTRADE.fullmatch(path.name)) is not None:
        symbol = f"{match['base']}/{match['quote']}:{match['settle']}"
        return symbol, _FREQTRADE_TYPES[match["type"]], match["interval"]
    if (match := _RECORDING.fullmatch(path.name)) is not None:
        return match["symbol"], RECORDING, None
    return None, None, None


def _refuse_other_markets(path: Path) -> None:
    """Refuse the folders in which data.binance.vision keeps spot and coin-margined data."""
    parts = path.parts
    markets = {parts[i + 1 : i + 2] for i, part in enumerate(parts) if part == "futures"}
    if "spot" in parts or ("cm",) in markets:
        raise NamingError("the folder is of another market than USD-M futures")
