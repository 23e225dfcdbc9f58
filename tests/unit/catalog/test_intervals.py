"""Bars close where the next one opens, also those of a week or a month."""

import numpy as np
import pytest
from nautilus_trader.model.identifiers import InstrumentId

from catalog.intervals import INTERVALS


def ns(*times: str) -> np.ndarray:
    return np.array(times, dtype="datetime64[ns]").astype(np.int64)


@pytest.mark.parametrize(
    ("name", "opens", "closes"),
    [
        ("1m", "2024-02-29T23:59", "2024-03-01T00:00"),
        ("8h", "2024-02-29T16:00", "2024-03-01T00:00"),
        ("3d", "2024-02-28T00:00", "2024-03-02T00:00"),
        ("1w", "2024-02-26T00:00", "2024-03-04T00:00"),
        ("1mo", "2024-02-01T00:00", "2024-03-01T00:00"),
    ],
)
def test_a_bar_closes_where_the_next_one_opens(name: str, opens: str, closes: str) -> None:
    interval = INTERVALS[name]

    assert interval.closes(ns(opens)).tolist() == ns(closes).tolist()
    assert interval.first_unaligned(ns(opens)) is None


@pytest.mark.parametrize(
    ("name", "opens"),
    [
        ("1m", "2024-02-29T23:59:01"),
        ("5m", "2024-02-29T23:59"),
        ("8h", "2024-02-29T15:00"),
        ("3d", "2024-02-28T01:00"),
        ("1w", "2024-02-27T00:00"),
        ("1mo", "2024-02-02T00:00"),
    ],
)
def test_a_time_at_which_no_bar_opens_is_found(name: str, opens: str) -> None:
    good = INTERVALS[name].closes(ns("2024-01-01T00:00"))

    assert INTERVALS[name].first_unaligned(np.concatenate([good, ns(opens)])) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [("1m", "1-MINUTE"), ("12h", "12-HOUR"), ("3d", "3-DAY"), ("1w", "1-WEEK"), ("1mo", "1-MONTH")],
)
def test_bar_types_are_external_ones_of_last_prices(name: str, expected: str) -> None:
    instrument_id = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")

    assert (
        str(INTERVALS[name].bar_type(instrument_id)) == f"{instrument_id}-{expected}-LAST-EXTERNAL"
    )
