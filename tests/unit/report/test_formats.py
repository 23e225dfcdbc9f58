"""Figures and times as a person reads them."""

from decimal import Decimal

import pytest

from report import formats


@pytest.mark.parametrize(
    ("write", "value", "expected"),
    [
        ("money", 1234.5, "1,234.50"),
        ("money", Decimal("-0.5"), "\u22120.50"),
        ("money", None, formats.NONE),
        ("signed", Decimal("12.346"), "+12.35"),
        ("signed", 0, "0.00"),
        ("percent", -0.1234, "\u221212.34 %"),
        ("percent", -0.0, "0.00 %"),
        ("signed_percent", 0.1, "+10.00 %"),
        ("whole", 1234.5678, "1,235"),
        ("exact", Decimal("0.1000000000000000"), "0.1"),
        ("exact", "12000", "12000"),
        ("grouped", "12000.50", "12,000.5"),
        ("rounded", "12327.6392385", "12,327.64"),
        ("rounded", "100", "100"),
        ("rounded", "99.99", "99.99"),
        ("rounded", "6.62649611", "6.626"),
        ("rounded", "0.0011344", "0.001134"),
        ("rounded", "0.000000012346", "0.00000001235"),
        ("rounded", None, formats.NONE),
        ("price", Decimal(1) / 3, "0.33333333"),
        ("price", None, formats.NONE),
        ("symbol", "BTCUSDT-PERP.BINANCE", "BTCUSDT-PERP"),
        ("moment", 1_735_689_600_999_999_999, "2025-01-01 00:00:00"),
        ("moment", None, formats.NONE),
        ("duration", 0, "0 ms"),
        ("duration", 999_000_000, "999 ms"),
        ("duration", 59_000_000_000, "59s"),
        ("duration", 93_784_000_000_000, "1d 2h"),
    ],
)
def test_a_value_is_written_for_a_person(write, value, expected):
    assert getattr(formats, write)(value) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("win_ratio", 0.5, "50.00 %"),
        ("sharpe_ratio", 0.5, "0.50"),
        ("trades", 1000, "1,000"),
        ("fees_usdt", 1000.0, "1,000.00"),
        ("profit_factor", None, formats.NONE),
    ],
)
def test_a_statistic_is_written_in_the_unit_of_its_name(name, value, expected):
    assert formats.figure(value, name) == expected
