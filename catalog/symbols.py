"""Turn every way of writing a Binance USD-M perpetual into one instrument id."""

import re

from nautilus_trader.model.identifiers import InstrumentId

VENUE = "BINANCE"

# Quote currencies a USD-M perpetual can be margined in. Plain USD is not among them:
# those contracts are coin-margined (COIN-M) and another product.
QUOTES = ("USDT", "USDC", "BUSD")

_SUFFIX = f"-PERP.{VENUE}"
_UNIFIED = re.compile(r"(?P<base>[A-Z0-9]+)/(?P<quote>[A-Z0-9]+)(:(?P<settle>[A-Z0-9]+))?")
_RAW = re.compile(r"(?P<symbol>[A-Z0-9]+)(-PERP(\.(?P<venue>[A-Z0-9_]+))?)?")


class SymbolError(ValueError):
    """A symbol that does not name exactly one USD-M perpetual."""


def instrument_id(text: str) -> InstrumentId:
    """
    Return the instrument a piece of text names.

    Parameters
    ----------
    text : str
        ``BTCUSDT``, ``BTC/USDT``, ``BTC/USDT:USDT``, ``BTCUSDT-PERP`` or
        ``BTCUSDT-PERP.BINANCE``, in either case of letters.

    Raises
    ------
    SymbolError
        If the quote currency is missing or not a USD-M one, or if the text names another
        product (spot, delivery, coin-margined) or another venue.

    """
    upper = text.upper()
    if (match := _UNIFIED.fullmatch(upper)) is not None:
        return _from_unified(text, **match.groupdict())
    if (match := _RAW.fullmatch(upper)) is None:
        raise SymbolError(f"symbol {text!r} has none of the forms of a USD-M perpetual")
    if match["venue"] not in (None, VENUE):
        raise SymbolError(f"symbol {text!r} names venue {match['venue']}, expected {VENUE}")
    return _from_raw(text, match["symbol"])


def raw_symbol(instrument_id: InstrumentId) -> str:
    """Return the venue's own symbol of an instrument, such as ``BTCUSDT``."""
    value = instrument_id.value
    if not value.endswith(_SUFFIX):
        raise SymbolError(f"instrument {value!r} does not end in {_SUFFIX!r}")
    return value.removesuffix(_SUFFIX)


def _from_unified(text: str, base: str, quote: str, settle: str | None) -> InstrumentId:
    if quote not in QUOTES:
        raise SymbolError(f"symbol {text!r} is quoted in {quote}, expected one of {QUOTES}")
    if settle not in (None, quote):
        raise SymbolError(f"symbol {text!r} settles in {settle}, a USD-M perpetual in {quote}")
    return _from_raw(text, base + quote)


def _from_raw(text: str, symbol: str) -> InstrumentId:
    base = next((symbol.removesuffix(quote) for quote in QUOTES if symbol.endswith(quote)), "")
    if not base:
        raise SymbolError(f"symbol {text!r} must be a base and one quote of {QUOTES}")
    if base not in QUOTES and base.endswith(QUOTES):
        raise SymbolError(f"symbol {text!r} is ambiguous: it names more than one quote")
    return InstrumentId.from_str(symbol + _SUFFIX)
