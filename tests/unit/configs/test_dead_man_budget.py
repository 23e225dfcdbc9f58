"""A profile whose countdowns would eat the venue's patience does not start."""

from __future__ import annotations

import pytest

from adapters.budget import WEIGHT_1M_MAX, weight_of
from adapters.last_hop import COUNTDOWN_PATH
from configs.profile import COUNTDOWN_WEIGHT, VENUE_WEIGHT_1M_MAX, ProfileError, parse_profile
from tests.unit.configs.test_profile import changed


def with_symbols(mode: str, count: int, *, rearm_sec: int) -> dict:
    """Return a profile of *count* symbols whose countdowns are renewed every *rearm_sec*."""
    table = changed(mode, dead_man={"rearm_sec": rearm_sec, "countdown_sec": 600})
    limits = table["limits"]["symbols"]["BTCUSDT-PERP.BINANCE"]
    more = {
        f"S{i}USDT-PERP.BINANCE": limits for i in range(count - len(table["limits"]["symbols"]))
    }
    table["limits"]["symbols"] |= more
    return table


def test_renewals_may_cost_a_fifth_of_the_venues_weight() -> None:
    # Eight symbols every ten seconds: 8 x 6 x 10 = 480 of 2,400.
    profile = parse_profile(with_symbols("rehearsal", 8, rearm_sec=10), source="test")

    assert len(profile.limits.symbols) == 8


def test_one_symbol_more_refuses_the_start_with_keys_and_values() -> None:
    with pytest.raises(ProfileError) as refusal:
        parse_profile(with_symbols("rehearsal", 9, rearm_sec=10), source="test")

    text = str(refusal.value)
    assert "dead_man.rearm_sec = 10 with 9 limits.symbols costs weight 540 a minute" in text
    assert "must be at most 480" in text


def test_a_paper_node_arms_nothing_and_has_no_such_bound() -> None:
    profile = parse_profile(with_symbols("paper", 9, rearm_sec=10), source="test")

    assert profile.dead_man is not None


def test_the_weights_are_those_of_the_adapter() -> None:
    assert weight_of("POST", COUNTDOWN_PATH, {"symbol": "BTCUSDT"}) == COUNTDOWN_WEIGHT
    assert WEIGHT_1M_MAX == VENUE_WEIGHT_1M_MAX
