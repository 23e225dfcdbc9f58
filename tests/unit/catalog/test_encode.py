"""Tables equal what NautilusTrader itself writes, and a value is kept exactly or refused."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from nautilus_trader.model.data import (
    Bar,
    BarType,
    BookOrder,
    FundingRateUpdate,
    MarkPriceUpdate,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.serialization.arrow.serializer import ArrowSerializer

from catalog import encode
from catalog.encode import EncodeError
from catalog.instruments import builtin_instruments

BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]  # two decimals of price, three of size
T0 = 1_700_000_000_000_000_000
TS = np.array([T0, T0 + 1])

price, size = Price.from_str, Quantity.from_str


def stock(objects: list[object]) -> pa.Table:
    return ArrowSerializer.serialize_batch(objects, type(objects[0]))


def assert_equal_tables(ours: pa.Table, theirs: pa.Table) -> None:
    assert ours.schema.equals(theirs.schema, check_metadata=True)
    assert ours.equals(theirs)


def test_bars_equal_the_stock_table() -> None:
    bar_type = BarType.from_str(f"{BTC.id}-1-MINUTE-LAST-EXTERNAL")
    columns = {
        "open": np.array([100.1, 100.25]),
        "high": np.array([101.0, 100.25]),
        "low": np.array([99.99, 100.25]),
        "close": np.array([100.3, 100.25]),
        "volume": np.array([1.234, 0.0]),
        "ts_event": TS,
    }

    table = encode.bars_table(bar_type, BTC, columns)

    first = [price(p) for p in ("100.10", "101.00", "99.99", "100.30")]
    second = [price("100.25")] * 4
    theirs = [
        Bar(bar_type, *first, size("1.234"), T0, T0),
        Bar(bar_type, *second, size("0.000"), T0 + 1, T0 + 1),
    ]
    assert_equal_tables(table, stock(theirs))


def test_quotes_equal_the_stock_table() -> None:
    columns = {
        "bid_price": pa.array(["60000.10", "60000.20"]),
        "ask_price": pa.array(["60000.20", "60000.3"]),
        "bid_size": pa.array(["1", "0.001"]),
        "ask_size": pa.array(["2.5", "1000"]),
        "ts_event": TS,
    }

    table = encode.quotes_table(BTC, columns)

    theirs = [
        QuoteTick(BTC.id, price("60000.10"), price("60000.20"), size("1.000"), size("2.500"), T0, T0),
        QuoteTick(
            BTC.id, price("60000.20"), price("60000.30"), size("0.001"), size("1000.000"), T0 + 1, T0 + 1
        ),
    ]  # fmt: skip
    assert_equal_tables(table, stock(theirs))


def test_trades_equal_the_stock_table() -> None:
    columns = {
        "price": pa.array([Decimal("28144.00"), Decimal("28144.10")], pa.decimal128(10, 2)),
        "size": pa.array([Decimal("0.001"), Decimal(1)]),
        "aggressor_side": np.array([1, 2]),
        "trade_id": np.array([7, 8]),
        "ts_event": TS,
    }

    table = encode.trades_table(BTC, columns)

    sides = (AggressorSide.BUYER, AggressorSide.SELLER)
    theirs = [
        TradeTick(BTC.id, price("28144.00"), size("0.001"), sides[0], TradeId("7"), T0, T0),
        TradeTick(BTC.id, price("28144.10"), size("1.000"), sides[1], TradeId("8"), T0 + 1, T0 + 1),
    ]
    assert_equal_tables(table, stock(theirs))


def test_mark_prices_equal_the_stock_table() -> None:
    table = encode.mark_prices_table(
        BTC, {"value": np.array([28144.12345678, 0.5]), "ts_event": TS}
    )

    theirs = [
        MarkPriceUpdate(BTC.id, price("28144.12345678"), T0, T0),
        MarkPriceUpdate(BTC.id, price("0.50000000"), T0 + 1, T0 + 1),
    ]
    assert_equal_tables(table, stock(theirs))


def test_funding_equals_the_stock_table() -> None:
    columns = {"rate": np.array([0.0001, -1e-8]), "interval": np.array([480, 60]), "ts_event": TS}

    table = encode.funding_table(BTC, columns)

    theirs = [
        FundingRateUpdate(BTC.id, Decimal("0.00010000"), T0, T0, interval=480),
        FundingRateUpdate(BTC.id, Decimal("-0.00000001"), T0 + 1, T0 + 1, interval=60),
    ]
    assert_equal_tables(table, stock(theirs))


def test_deltas_equal_the_stock_table() -> None:
    columns = {
        "action": np.array([BookAction.CLEAR.value, BookAction.ADD.value]),
        "side": np.array([OrderSide.NO_ORDER_SIDE.value, OrderSide.SELL.value]),
        "price": pa.array(["0", "28144.10"]),
        "size": pa.array(["0", "1.5"]),
        "flags": np.array([32, 160]),
        "sequence": np.array([9, 9]),
        "ts_event": TS,
    }

    table = encode.deltas_table(BTC, columns)

    order = BookOrder(OrderSide.SELL, price("28144.10"), size("1.500"), 0)
    theirs = [
        OrderBookDelta(BTC.id, BookAction.CLEAR, None, 32, 9, T0, T0),
        OrderBookDelta(BTC.id, BookAction.ADD, order, 160, 9, T0 + 1, T0 + 1),
    ]
    assert_equal_tables(table, stock(theirs))


def test_mark_bars_are_refused_because_mark_prices_have_their_own_class() -> None:
    bar_type = BarType.from_str(f"{BTC.id}-8-HOUR-MARK-EXTERNAL")

    with pytest.raises(ValueError, match="MarkPriceUpdate"):
        encode.bars_table(bar_type, BTC, {})


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["0.1", "-12.34"]),
        pa.array([0.1, -12.34]),
        pa.array([Decimal("0.1"), Decimal("-12.34")]),
        pa.chunked_array([["0.1"], ["-12.34"]]),
        pa.array(["9", "0.1", "-12.34"])[1:],
        np.array([0.1, -12.34]),
    ],
    ids=["strings", "floats", "decimals", "chunks", "slice", "numpy"],
)
def test_a_column_of_any_kind_is_kept_to_the_last_decimal(column: encode.Column) -> None:
    kept = encode.raw(column, 2, "price")

    assert encode.decimals(kept).to_pylist() == [Decimal("0.1"), Decimal("-12.34")]
    assert encode.floats(kept) == pytest.approx([0.1, -12.34], rel=1e-15)


def test_the_greatest_number_of_decimals_is_sixteen() -> None:
    kept = encode.raw(pa.array(["0.1234567890123456", "-1"]), 16, "price")

    assert encode.decimals(kept).to_pylist() == [Decimal("0.1234567890123456"), Decimal(-1)]


def test_a_float_beside_its_decimal_by_noise_alone_is_that_decimal() -> None:
    kept = encode.raw(np.array([0.1 + 0.2, 13_160_689.6000000015]), 1, "volume")

    assert encode.decimals(kept).to_pylist() == [Decimal("0.3"), Decimal("13160689.6")]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["1.00", "1.001"]),
        pa.array([1.0, 1.001]),
        pa.array([1.0, 1.000_001]),
        pa.array([1.0, float("nan")]),
        pa.array([1.0, float("inf")]),
        pa.array([1.0, 1e16]),
        pa.array(["1", "x"]),
        pa.array(["1", ""]),
        pa.array(["1", None]),
        pa.array([1.0, None]),
        pa.array(["1", "1e30"]),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_kept_exactly_is_refused_with_its_row(column: pa.Array) -> None:
    with pytest.raises(EncodeError, match="row 1: price") as caught:
        encode.raw(column, 2, "price")

    assert caught.value.row == 1


def test_a_negative_size_is_refused() -> None:
    columns = {"price": np.ones(2), "size": np.array([0.0, -0.001]), "aggressor_side": np.ones(2)}

    with pytest.raises(EncodeError, match=r"row 1: size=-0\.001 is negative"):
        encode.trades_table(BTC, columns | {"trade_id": np.arange(2), "ts_event": TS})


def test_a_stamp_before_1970_is_refused() -> None:
    with pytest.raises(EncodeError, match="row 0: ts_event=-1"):
        encode.mark_prices_table(BTC, {"value": np.ones(1), "ts_event": np.array([-1])})
