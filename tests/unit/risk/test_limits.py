"""Limits: nothing has a default, nothing is coerced, and every error names its key."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from risk.limits import RiskLimits
from tests.risk_builders import BTC, D, limits_table, make_limits

TABLES = ("orders", "market_data", "portfolio", "rates", "losses", "shock")


def homes() -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path of every table of limits and each key in it."""
    table = limits_table()
    paths = [(name,) for name in TABLES] + [("symbols", BTC)]
    for path in paths:
        for key in at(table, path):
            yield path, key


def at(table: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for part in path:
        table = table[part]
    return table


def refusal(table: dict[str, Any]) -> list[str]:
    """Return the keys that a table is refused for."""
    with pytest.raises(ValidationError) as caught:
        RiskLimits.model_validate(table)
    return [".".join(str(part) for part in error["loc"]) for error in caught.value.errors()]


KEYS = [pytest.param(path, key, id=f"{path[0]}.{key}") for path, key in homes()]
NUMBERS = [
    pytest.param(path, key, id=f"{path[0]}.{key}")
    for path, key in homes()
    if isinstance(at(limits_table(), path)[key], Decimal | int)
]


def test_a_complete_table_is_accepted() -> None:
    assert make_limits().symbols[BTC].order_qty_max == 1_000


@pytest.mark.parametrize(("path", "key"), KEYS)
def test_a_limit_that_is_not_set_is_refused_by_name(path: tuple[str, ...], key: str) -> None:
    table = limits_table()
    del at(table, path)[key]

    assert refusal(table) == [".".join((*path, key))]


@pytest.mark.parametrize("name", ["symbols", *TABLES])
def test_a_table_that_is_not_set_is_refused_by_name(name: str) -> None:
    table = limits_table()
    del table[name]

    assert refusal(table) == [name]


@pytest.mark.parametrize("path", [(), ("symbols", BTC), *[(name,) for name in TABLES]])
def test_an_unknown_key_is_refused_by_name(path: tuple[str, ...]) -> None:
    table = limits_table()
    at(table, path)["order_qty_maxx"] = D(1)

    assert refusal(table) == [".".join((*path, "order_qty_maxx"))]


@pytest.mark.parametrize(("path", "key"), NUMBERS)
@pytest.mark.parametrize(
    "value",
    [D("NaN"), D("Infinity"), D("-Infinity"), D(-1), True, "1", 1.5, None, [D(1)]],
    ids=["nan", "inf", "-inf", "negative", "bool", "string", "float", "none", "list"],
)
def test_what_is_no_number_of_the_right_kind_is_refused(
    path: tuple[str, ...], key: str, value: object
) -> None:
    table = limits_table()
    at(table, path)[key] = value

    assert refusal(table) == [".".join((*path, key))]


@pytest.mark.parametrize(("path", "key"), NUMBERS)
def test_zero_is_no_limit_except_for_the_reserve(path: tuple[str, ...], key: str) -> None:
    table = limits_table()
    at(table, path)[key] = 0

    if key == "exit_reserve_ratio":
        assert RiskLimits.model_validate(table).rates.exit_reserve_ratio == 0
    else:
        assert refusal(table) == [".".join((*path, key))]


@pytest.mark.parametrize(
    ("key", "largest", "too_large"),
    [
        ("unrealized_loss_ratio_max", 1, "1.0001"),
        ("daily_loss_ratio_max", 1, "1.0001"),
        ("drawdown_ratio_max", 1, "1.0001"),
        ("exit_reserve_ratio", "0.9999", 1),
        ("stop_distance_bps_max", "9999.9", 10_000),
    ],
)
def test_a_ratio_ends_where_it_loses_its_meaning(
    key: str, largest: object, too_large: object
) -> None:
    make_limits(**{key: D(largest)})

    with pytest.raises(ValidationError, match=key):
        make_limits(**{key: D(too_large)})


def test_a_whole_number_stands_for_a_decimal() -> None:
    limits = make_limits(order_qty_max=3)

    assert limits.symbols[BTC].order_qty_max == D(3)
    assert isinstance(limits.symbols[BTC].order_qty_max, Decimal)


def test_a_fraction_does_not_stand_for_a_whole_number() -> None:
    with pytest.raises(ValidationError, match="price_age_ms_max"):
        make_limits(price_age_ms_max=D("1.5"))


def test_the_alarm_may_equal_the_limit_and_not_exceed_it() -> None:
    make_limits(unrealized_loss_ratio_alarm=D("0.1"), unrealized_loss_ratio_max=D("0.1"))

    with pytest.raises(ValidationError, match=r"unrealized_loss_ratio_alarm = 0\.11 must not be"):
        make_limits(unrealized_loss_ratio_alarm=D("0.11"), unrealized_loss_ratio_max=D("0.1"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sides", ()),
        ("sides", ("LONG",)),
        ("sides", "BUY"),
        ("entry_types", ()),
        ("entry_types", ("MARKET", "ICEBERG")),
        ("price_source", "last"),
    ],
)
def test_a_word_that_is_not_on_the_list_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        make_limits(**{key: value})


def test_no_symbols_at_all_is_refused() -> None:
    assert refusal(limits_table() | {"symbols": {}}) == ["symbols"]


def test_limits_cannot_be_changed_afterwards() -> None:
    limits = make_limits()

    with pytest.raises(ValidationError, match="frozen"):
        limits.portfolio.leverage_max = D(100)


def test_every_limit_is_described_with_control_place_and_meaning() -> None:
    limits = make_limits()
    wanted = {f"{'.'.join(path)}.{key}" for path, key in homes()}
    rows = {row[0]: row for row in limits.describe() if "ETH" not in row[0]}

    assert set(rows) == wanted
    assert all(control > 0 and where and meaning for _, _, control, where, meaning in rows.values())
    assert rows["rates.messages_per_sec_max"][1] == 1_000


def test_a_refused_table_is_left_as_it_was() -> None:
    table = limits_table(order_qty_max=D(-1))
    before = copy.deepcopy(table)

    refusal(table)

    assert table == before


def test_limits_survive_their_own_json() -> None:
    limits = make_limits(drawdown_ratio_max=D("0.15"))

    assert RiskLimits.model_validate_json(limits.model_dump_json()) == limits


@pytest.mark.parametrize("value", ["12", "twelve"])
def test_text_is_no_number_in_a_profile(value: str) -> None:
    with pytest.raises(ValidationError, match="order_qty_max"):
        make_limits(order_qty_max=value)


def test_text_that_is_no_number_is_none_in_json_either() -> None:
    text = make_limits(drawdown_ratio_max=D("0.15")).model_dump_json()

    with pytest.raises(ValidationError, match="drawdown_ratio_max"):
        RiskLimits.model_validate_json(text.replace('"0.15"', '"much"'))
