"""Know the layout of data.binance.vision for USD-M futures: which file holds which days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

BASE_URL = "https://data.binance.vision"

KLINE_TYPES = ("klines", "markPriceKlines")
TICK_TYPES = ("aggTrades", "trades", "bookTicker")
MONTHLY_ONLY_TYPES = ("fundingRate",)
TYPES = KLINE_TYPES + TICK_TYPES + MONTHLY_ONLY_TYPES


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """
    One archive: *path* is relative to the base URL, the days are both included.

    ``has_daily`` says that the same data may be had by the day.
    """

    path: str
    first_day: date
    last_day: date
    has_daily: bool

    @property
    def name(self) -> str:
        """Return the file's name without its folders."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, kw_only=True)
class Series:
    """One symbol's data of one type; ``interval`` only for the kline types."""

    symbol: str
    data_type: str
    interval: str | None = None

    def daily(self, day: date) -> RemoteFile:
        """Return the archive of one day."""
        return self._file("daily", f"{day:%Y-%m-%d}", day, day)

    def monthly(self, month: date) -> RemoteFile:
        """Return the archive of the month that *month* lies in."""
        first = month.replace(day=1)
        return self._file("monthly", f"{first:%Y-%m}", first, _next_month(first) - timedelta(1))

    def _file(self, period: str, stamp: str, first_day: date, last_day: date) -> RemoteFile:
        folders = f"data/futures/um/{period}/{self.data_type}/{self.symbol}"
        if self.interval is not None:
            folders = f"{folders}/{self.interval}"
        name = f"{self.symbol}-{self.interval or self.data_type}-{stamp}.zip"
        return RemoteFile(
            path=f"{folders}/{name}",
            first_day=first_day,
            last_day=last_day,
            has_daily=period == "monthly" and self.data_type not in MONTHLY_ONLY_TYPES,
        )


def plan(series: Series, first_day: date, last_day: date, today: date) -> Iterator[RemoteFile]:
    """
    Yield the fewest archives that hold the days from *first_day* to *last_day*.

    A month that lies wholly in the span and is over by *today* comes as one file, every other
    day as its own. Funding rates are published by the month only, so for them the months that
    the span touches are taken.
    """
    month = first_day.replace(day=1)
    while month <= last_day:
        archive = series.monthly(month)
        is_whole = first_day <= archive.first_day and archive.last_day <= last_day
        if series.data_type in MONTHLY_ONLY_TYPES or (is_whole and archive.last_day < today):
            yield archive
        else:
            yield from days(series, max(first_day, month), min(last_day, archive.last_day))
        month = _next_month(month)


def days(series: Series, first_day: date, last_day: date) -> Iterator[RemoteFile]:
    """Yield the archive of each day from *first_day* to *last_day*."""
    for offset in range((last_day - first_day).days + 1):
        yield series.daily(first_day + timedelta(offset))


def _next_month(first: date) -> date:
    return (first + timedelta(31)).replace(day=1)
