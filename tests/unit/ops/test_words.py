"""Spans, figures and the words for what is unknown."""

import pytest

from ops.words import cover_words, significant, span, use_figures
from tests.ops_kit import D, naked, position, use


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.0s"), (9.94, "9.9s"), (10, "10s"), (59, "59s"), (60, "1m"), (3_599, "59m"),
        (3_600, "1h00"), (11_100, "3h05"), (86_399, "23h59"), (187_200, "2d04h"),
    ],
)  # fmt: skip
def test_a_span_takes_few_characters(seconds, expected):
    assert span(seconds) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (D("93566.05"), "93566.05"), (D("50000.10"), "50000.1"), (D("0.000012345678"), "0.00001234568"),
        (D("123456789"), "123456800"), (D("100"), "100"), (None, "unknown"),
    ],
)  # fmt: skip
def test_a_price_keeps_seven_digits(value, expected):
    assert significant(value) == expected


def test_cover_is_said_in_full_in_part_or_not_at_all():
    assert cover_words(position()) == "covered"
    assert cover_words(naked()) == "NAKED for 3.2s"
    assert cover_words(position(covered_qty=D("0.06"), unprotected_sec=61)) == "40% NAKED for 1m"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (use("daily_loss_ratio_max", "0.03", "0.0123"), "1.23% of 3.00%"),
        (use("daily_loss_ratio_max", "0.03", None), "unknown of 3.00%"),
        (use("leverage_max", 3, "1.456"), "1.46 of 3"),
        (use("gross_notional_usdt_max", 15_000, "9356.4"), "9,356 of 15,000"),
    ],
)
def test_a_use_is_written_in_its_limits_unit(shown, expected):
    assert use_figures(shown) == expected
