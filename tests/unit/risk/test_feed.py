"""The feed: what the breakers are told of a bar depends on how long it lasted."""

from __future__ import annotations

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from risk.feed import SymbolFeed
from risk.judge import Judge
from tests.risk_builders import BTC, T0, make_judge


def tell_bar(judge: Judge, spec: str, low: str, high: str) -> None:
    feed = SymbolFeed(judge, Cache(), InstrumentId.from_str(BTC), use_bars=True)
    prices = (Price.from_str(px) for px in (high, high, low, low))
    bar_type = BarType.from_str(f"{BTC}-{spec}-LAST-EXTERNAL")
    feed.on_bar(Bar(bar_type, *prices, Quantity.from_str("1"), T0, T0))


@pytest.mark.parametrize(
    ("spec", "causes"),
    [("1-SECOND", 1), ("1-MINUTE", 1), ("2-MINUTE", 0), ("1-DAY", 0), ("1000-TICK", 0)],
)
def test_the_range_of_a_bar_is_a_shock_only_when_it_lies_within_the_window(
    spec: str, causes: int
) -> None:
    judge = make_judge(price_move_bps_max=500, price_move_window_sec=60)

    tell_bar(judge, spec, low="94.0", high="100.0")

    assert len(judge.state.causes) == causes


@pytest.mark.parametrize(("after_sec", "causes"), [(60, 1), (61, 0)])
def test_a_gap_between_two_closes_is_a_shock_within_the_window_and_none_after_an_outage(
    after_sec: int, causes: int
) -> None:
    judge = make_judge(price_move_bps_max=500, price_move_window_sec=60)
    feed = SymbolFeed(judge, Cache(), InstrumentId.from_str(BTC), use_bars=True)
    bar_type = BarType.from_str(f"{BTC}-1-MINUTE-LAST-EXTERNAL")

    for close, ts_ns in (("100.0", T0), ("94.0", T0 + after_sec * 1_000_000_000)):
        flat = [Price.from_str(close)] * 4
        feed.on_bar(Bar(bar_type, *flat, Quantity.from_str("1"), ts_ns, ts_ns))

    assert len(judge.state.causes) == causes
