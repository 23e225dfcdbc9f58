"""Names of orders and instruments, as node and venue write them."""

from collections.abc import Mapping

_PERP = "-PERP.BINANCE"
# Order types of Nautilus by those of the venue.
NAUTILUS_TYPES: Mapping[str, str] = {
    "MARKET": "MARKET",
    "LIMIT": "LIMIT",
    "STOP_MARKET": "STOP_MARKET",
    "STOP": "STOP_LIMIT",
    "TAKE_PROFIT_MARKET": "MARKET_IF_TOUCHED",
    "TAKE_PROFIT": "LIMIT_IF_TOUCHED",
    "TRAILING_STOP_MARKET": "TRAILING_STOP_MARKET",
}


def symbol_of(instrument_id: str) -> str:
    """Return the venue's symbol of an instrument id."""
    return instrument_id.removesuffix(_PERP)


def base_of(client_id: str) -> str:
    """Return the order that an id stands for: ``base`` of a replacement ``base:n``."""
    base, _, serial = client_id.rpartition(":")
    return base if base and serial.isdecimal() else client_id
