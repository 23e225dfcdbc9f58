"""Every way to write a perpetual is one instrument, and nothing else is."""

import pytest
from nautilus_trader.model.identifiers import InstrumentId

from catalog.symbols import SymbolError, instrument_id, raw_symbol


@pytest.mark.parametrize(
    "text",
    [
        "BTCUSDT",
        "btcusdt",
        "BTC/USDT",
        "btc/usdt:usdt",
        "BTC/USDT:USDT",
        "BTCUSDT-PERP",
        "BTCUSDT-PERP.BINANCE",
        "btcusdt-perp.binance",
    ],
)
def test_every_form_of_a_perpetual_is_one_instrument(text: str) -> None:
    assert instrument_id(text) == InstrumentId.from_str("BTCUSDT-PERP.BINANCE")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1000SHIBUSDT", "1000SHIBUSDT-PERP.BINANCE"),
        ("ETHUSDC", "ETHUSDC-PERP.BINANCE"),
        ("USDCUSDT", "USDCUSDT-PERP.BINANCE"),
        ("BUSDT", "BUSDT-PERP.BINANCE"),
    ],
)
def test_unusual_bases_and_quotes_are_kept(text: str, expected: str) -> None:
    assert instrument_id(text).value == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BTC",
        "USDT",
        "BTC-USD",
        "BTCUSD",
        "BTC/USD",
        "BTCUSD_PERP",
        "BTCUSDT_220325",
        "BTC/USDT:BTC",
        "BTC/USDT:USDC",
        "BTCUSDT.BINANCE",
        "BTCUSDT-PERP.BYBIT",
        "BTCUSDTUSDC",
        "BTC/USDT:USDT-220325",
        " BTCUSDT",
        "BTC USDT",
    ],
)
def test_a_symbol_that_is_ambiguous_or_of_another_product_is_refused(text: str) -> None:
    with pytest.raises(SymbolError, match="symbol"):
        instrument_id(text)


def test_raw_symbol_is_the_venues_own() -> None:
    assert raw_symbol(InstrumentId.from_str("BTCUSDT-PERP.BINANCE")) == "BTCUSDT"


def test_raw_symbol_refuses_an_instrument_of_another_kind() -> None:
    with pytest.raises(SymbolError, match=r"BTCUSDT\.BINANCE"):
        raw_symbol(InstrumentId.from_str("BTCUSDT.BINANCE"))
