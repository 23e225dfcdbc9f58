"""A file's name and folders say what it holds; options say it louder."""

from pathlib import Path

import pytest

from catalog.naming import Description, NamingError, Options, describe
from catalog.symbols import SymbolError


def told(path: str, **options: str) -> tuple[str, str, str | None]:
    found: Description = describe(Path(path), Options(**options))
    interval = found.interval.name if found.interval else None
    return found.instrument_id.value, found.data_type, interval


BTC = "BTCUSDT-PERP.BINANCE"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/d/BTCUSDT-1m-2024-08.zip", (BTC, "klines", "1m")),
        ("/d/BTCUSDT-1mo-2024-08-05.csv", (BTC, "klines", "1mo")),
        ("/d/BTCUSDT-1m-2023-04.EXCERPT-20230404T2356.csv", (BTC, "klines", "1m")),
        ("/d/markPriceKlines/BTCUSDT/1h/BTCUSDT-1h-2024-08.zip", (BTC, "markPriceKlines", "1h")),
        ("/d/futures/um/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-08-01.zip", (BTC, "klines", "1h")),
        ("/d/BTCUSDT-aggTrades-2024-08-05.zip", (BTC, "aggTrades", None)),
        ("/d/BTCUSDT-trades-2024-08.csv", (BTC, "trades", None)),
        ("/d/BTCUSDT-bookTicker-2024-01-05.csv", (BTC, "bookTicker", None)),
        ("/d/BTCUSDT-fundingRate-2024-01.csv", (BTC, "fundingRate", None)),
        ("/d/BTC_USDT_USDT-5m-futures.feather", (BTC, "klines", "5m")),
        ("/d/BTC_USDT_USDT-8h-mark.parquet", (BTC, "markPriceKlines", "8h")),
        ("/d/BTC_USDT_USDT-8h-funding_rate.feather", (BTC, "fundingRate", "8h")),
        ("/d/btcusdt_20230404.dat.gz", (BTC, "websocket", None)),
        ("/d/btcusdt_20240718", (BTC, "websocket", None)),
    ],
)
def test_names_of_each_kind_are_understood(
    path: str, expected: tuple[str, str, str | None]
) -> None:
    assert told(path) == expected


def test_options_count_more_than_the_name() -> None:
    found = told("/d/BTCUSDT-1m-2024-08.zip", symbol="eth/usdt", data_type="klines", interval="5m")

    assert found == ("ETHUSDT-PERP.BINANCE", "klines", "5m")


def test_options_say_what_a_name_does_not() -> None:
    found = told("/d/x.csv", symbol="BTCUSDT", data_type="klines", interval="1d")

    assert found == (BTC, "klines", "1d")


@pytest.mark.parametrize(
    ("path", "is_stated"),
    [
        ("/d/BTCUSDT-1m-2024-08.zip", False),
        ("/d/klines/BTCUSDT-1m-2024-08.zip", True),
        ("/d/markPriceKlines/BTCUSDT-1m-2024-08.zip", True),
        ("/d/BTC_USDT_USDT-8h-mark.feather", True),
    ],
)
def test_a_kline_archive_without_its_folder_does_not_state_its_type(
    path: str, is_stated: bool
) -> None:
    assert describe(Path(path), Options()).is_type_stated is is_stated


@pytest.mark.parametrize(
    ("path", "options", "reason"),
    [
        ("/d/README.md", {}, "--symbol and --type"),
        ("/d/ADAUSDT-quote-20221213.zip", {}, "--symbol and --type"),
        ("/d/x.csv", {"symbol": "BTCUSDT"}, "--type"),
        ("/d/x.csv", {"data_type": "klines", "interval": "1m"}, "--symbol"),
        ("/d/x.csv", {"symbol": "BTCUSDT", "data_type": "klines"}, "--interval"),
        ("/d/x.csv", {"symbol": "BTCUSDT", "data_type": "depth"}, "'depth'"),
        ("/d/x.csv", {"symbol": "BTCUSDT", "data_type": "klines", "interval": "7m"}, "'7m'"),
        ("/d/indexPriceKlines/BTCUSDT-1m-2024-08.zip", {}, "indexPriceKlines"),
        ("/d/spot/monthly/klines/BTCUSDT-1m-2024-08.zip", {}, "another market"),
        ("/d/futures/cm/monthly/klines/BTCUSDT-1m-2024-08.zip", {}, "another market"),
    ],
)
def test_what_is_stated_nowhere_or_is_not_usd_m_is_refused(
    path: str, options: dict[str, str], reason: str
) -> None:
    with pytest.raises(NamingError, match=reason):
        told(path, **options)


@pytest.mark.parametrize(
    "path", ["/d/BTCUSDT_220325-1m-2022-03.zip", "/d/BTCUSD_PERP-1m-2022-03.zip"]
)
def test_an_archive_of_another_product_is_refused(path: str) -> None:
    with pytest.raises(SymbolError):
        told(path)
