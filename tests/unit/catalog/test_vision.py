"""The layout of data.binance.vision: names, folders, and which archive holds which days."""

from datetime import date

import pytest

from catalog import vision
from catalog.vision import Series

KLINES = Series(symbol="BTCUSDT", data_type="klines", interval="1m")
TRADES = Series(symbol="BTCUSDT", data_type="aggTrades")
FUNDING = Series(symbol="BTCUSDT", data_type="fundingRate")
TODAY = date(2024, 5, 3)


def names(series: Series, first: str, last: str, today: date = TODAY) -> list[str]:
    span = date.fromisoformat(first), date.fromisoformat(last)
    return [file.name for file in vision.plan(series, *span, today)]


def test_paths_are_those_of_the_venue() -> None:
    assert KLINES.daily(date(2024, 8, 5)).path == (
        "data/futures/um/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-08-05.zip"
    )
    assert TRADES.monthly(date(2024, 8, 5)).path == (
        "data/futures/um/monthly/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-08.zip"
    )


@pytest.mark.parametrize(
    ("day", "last"),
    [(date(2024, 2, 10), date(2024, 2, 29)), (date(2023, 12, 31), date(2023, 12, 31))],
)
def test_a_month_ends_with_its_last_day(day: date, last: date) -> None:
    archive = KLINES.monthly(day)

    assert (archive.first_day, archive.last_day) == (day.replace(day=1), last)


def test_whole_past_months_come_by_the_month_and_the_rest_by_the_day() -> None:
    assert names(KLINES, "2024-02-28", "2024-05-02") == [
        "BTCUSDT-1m-2024-02-28.zip",
        "BTCUSDT-1m-2024-02-29.zip",
        "BTCUSDT-1m-2024-03.zip",
        "BTCUSDT-1m-2024-04.zip",
        "BTCUSDT-1m-2024-05-01.zip",
        "BTCUSDT-1m-2024-05-02.zip",
    ]


def test_a_month_that_lacks_a_day_comes_by_the_day() -> None:
    assert len(names(TRADES, "2024-04-01", "2024-04-29")) == 29
    assert names(TRADES, "2024-04-01", "2024-04-30") == ["BTCUSDT-aggTrades-2024-04.zip"]


def test_a_month_is_past_from_the_day_after_its_last_on() -> None:
    april = ("2024-04-01", "2024-04-30")

    assert len(names(KLINES, *april, today=date(2024, 4, 30))) == 30
    assert len(names(KLINES, *april, today=date(2024, 5, 1))) == 1


def test_the_plan_holds_every_day_once() -> None:
    archives = vision.plan(KLINES, date(2023, 11, 17), date(2024, 3, 4), TODAY)

    held = [
        date.fromordinal(n)
        for archive in archives
        for n in range(archive.first_day.toordinal(), archive.last_day.toordinal() + 1)
    ]

    assert held == [
        date.fromordinal(n)
        for n in range(date(2023, 11, 17).toordinal(), date(2024, 3, 4).toordinal() + 1)
    ]


def test_funding_rates_come_by_the_month_only() -> None:
    assert names(FUNDING, "2024-02-28", "2024-03-02") == [
        "BTCUSDT-fundingRate-2024-02.zip",
        "BTCUSDT-fundingRate-2024-03.zip",
    ]
    assert not FUNDING.monthly(date(2024, 2, 1)).has_daily
    assert KLINES.monthly(date(2024, 2, 1)).has_daily
    assert not KLINES.daily(date(2024, 2, 1)).has_daily
