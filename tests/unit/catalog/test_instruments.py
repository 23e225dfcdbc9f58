"""Instruments carry the venue's filters, fees and brackets."""

import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Money, Price, Quantity

from catalog.instruments import (
    InstrumentError,
    builtin_instruments,
    find_instrument,
    from_exchange_info,
)
from catalog.store import Store

BTC = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")


def exchange_info(path: Path, **changes: object) -> Path:
    symbol = {
        "symbol": "BTCUSDT",
        "contractType": "PERPETUAL",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "tickSize": "0.50",
                "minPrice": "1.00",
                "maxPrice": "900000.00",
            },
            {"filterType": "LOT_SIZE", "stepSize": "0.01", "minQty": "0.02", "maxQty": "77"},
            {"filterType": "MARKET_LOT_SIZE", "maxQty": "33"},
            {"filterType": "MIN_NOTIONAL", "notional": "100"},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "1.1", "multiplierDown": "0.9"},
            {"filterType": "MAX_NUM_ORDERS", "limit": 150},
        ],
    } | changes
    path.write_text(json.dumps({"serverTime": 1_700_000_000_000, "symbols": [symbol]}))
    return path


def test_the_builtin_table_has_the_main_symbols_with_ticks_of_the_published_prices() -> None:
    table = builtin_instruments()

    main = ["BTC", "ETH", "BNB", "SOL", "XRP", "DOGE", "ADA", "AVAX", "FIL", "NEAR", "ALGO", "LINK"]
    assert set(table) >= {f"{base}USDT-PERP.BINANCE" for base in main}
    assert table["BTCUSDT-PERP.BINANCE"].price_increment == Price.from_str("0.10")
    assert table["ETHUSDT-PERP.BINANCE"].price_increment == Price.from_str("0.01")


def test_margins_are_those_of_the_first_bracket() -> None:
    instrument = builtin_instruments()[BTC.value]

    assert instrument.margin_init == Decimal(1) / 125
    assert instrument.margin_maint == Decimal("0.004")
    assert instrument.info["brackets"][0] == ["50000", "125", "0.004", "0"]


@pytest.mark.parametrize("instrument", builtin_instruments().values(), ids=str)
def test_brackets_join_without_a_jump_in_maintenance_margin(instrument: object) -> None:
    brackets = [[Decimal(value) for value in row] for row in instrument.info["brackets"]]

    for this, following in pairwise(brackets):
        cap, leverage, ratio, cum = this
        cap_next, lever_next, ratio_next, cum_next = following
        assert cap < cap_next
        assert leverage > lever_next
        assert cap * ratio - cum == cap * ratio_next - cum_next


def test_an_instrument_reads_back_from_the_catalog_with_its_info(tmp_path: Path) -> None:
    store = Store(tmp_path)
    instrument = builtin_instruments()[BTC.value]

    changed = store.write_instruments([instrument])

    found = store.instrument(BTC)
    assert changed == 1
    assert found.to_dict(found) == instrument.to_dict(instrument)
    assert found.info == instrument.info


def test_writing_the_same_instruments_again_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_instruments(list(builtin_instruments().values()))

    assert store.write_instruments(list(builtin_instruments().values())) == 0


def test_a_new_definition_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_instruments(list(builtin_instruments().values()))
    answer = from_exchange_info(exchange_info(tmp_path / "info.json"))

    store.write_instruments(list(answer.instruments.values()))

    assert store.instrument(BTC).price_increment == Price.from_str("0.50")
    assert len(store.catalog().instruments(instrument_ids=[BTC.value])) == 1


def test_an_exchange_info_answer_gives_every_filter(tmp_path: Path) -> None:
    answer = from_exchange_info(exchange_info(tmp_path / "info.json"))

    instrument = answer.instruments[BTC.value]
    assert instrument.price_precision == 2
    assert instrument.min_quantity == Quantity.from_str("0.02")
    assert instrument.max_quantity == Quantity.from_str("77.00")
    assert instrument.min_notional == Money.from_str("100 USDT")
    assert instrument.min_price == Price.from_str("1.00")
    assert instrument.max_price == Price.from_str("900000.00")
    assert instrument.info["market_max_qty"] == "33"
    assert instrument.info["percent_price_up"] == "1.1"
    assert instrument.info["percent_price_down"] == "0.9"
    assert instrument.info["max_num_orders"] == "150"
    assert instrument.info["filters_as_of"] == "2023-11-14"


def test_brackets_of_an_answer_count_more_than_the_builtin_ones(tmp_path: Path) -> None:
    brackets = tmp_path / "brackets.json"
    first = {"notionalCap": 5000, "initialLeverage": 20, "maintMarginRatio": 0.025, "cum": 0.0}
    brackets.write_text(json.dumps([{"symbol": "BTCUSDT", "brackets": [first]}]))

    answer = from_exchange_info(exchange_info(tmp_path / "info.json"), brackets)

    instrument = answer.instruments[BTC.value]
    assert instrument.margin_init == Decimal("0.05")
    assert instrument.margin_maint == Decimal("0.025")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"contractType": "CURRENT_QUARTER"}, "CURRENT_QUARTER"),
        ({"symbol": "BTCUSD"}, "quote"),
        ({"symbol": "NEWUSDT"}, "brackets"),
    ],
)
def test_a_symbol_that_cannot_be_used_is_skipped_with_the_reason(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    answer = from_exchange_info(exchange_info(tmp_path / "info.json", **changes))

    assert answer.instruments == {}
    assert reason in next(iter(answer.skipped.values()))


def test_an_answer_without_a_filter_is_refused(tmp_path: Path) -> None:
    path = exchange_info(tmp_path / "info.json", filters=[])

    with pytest.raises(InstrumentError, match=r"BTCUSDT.*PRICE_FILTER"):
        from_exchange_info(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"symbols": []}'])
def test_a_file_that_is_no_exchange_info_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "info.json"
    path.write_text(text)

    with pytest.raises(InstrumentError, match=r"info\.json"):
        from_exchange_info(path)


def test_the_catalogs_own_definition_comes_before_the_builtin_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    answer = from_exchange_info(exchange_info(tmp_path / "info.json"))
    store.write_instruments(list(answer.instruments.values()))

    assert find_instrument(store, BTC).price_increment == Price.from_str("0.50")


def test_an_unknown_instrument_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match=r"NEWUSDT.*--exchange-info"):
        find_instrument(Store(tmp_path), InstrumentId.from_str("NEWUSDT-PERP.BINANCE"))
