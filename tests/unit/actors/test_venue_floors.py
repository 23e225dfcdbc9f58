"""What the venue says of positions counts when two looks in a row say it."""

from decimal import Decimal

import pytest
from nautilus_trader.model.identifiers import InstrumentId

from actors.venue_floors import VenueFloors
from adapters.facts import PositionFact
from risk.limits import ProtectionLimits
from risk.protection import Fault

BTC = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")
ETH = InstrumentId.from_str("ETHUSDT-PERP.BINANCE")
LIMITS = ProtectionLimits(
    unprotected_ms_max=1_000, stop_grace_ms_max=1_000, verify_ms=500,
    liquidation_distance_bps_min=Decimal(300), margin_ratio_max=Decimal("0.5"),
)  # fmt: skip
RICH = Decimal(1_000_000)


def fact(amount="1", liquidation="90", mark="100", margin="1", symbol="BTCUSDT"):
    values = [None if v is None else Decimal(v) for v in (amount, "100", liquidation, mark, margin)]
    return PositionFact(symbol, *values)


def looked(floors, facts, balance=RICH):
    return [(key, found.fault) for key, found in floors.look(facts, balance)]


def test_two_looks_in_a_row_must_show_it():
    floors, near = VenueFloors(LIMITS), {BTC: fact(liquidation="98")}

    assert looked(floors, near) == []
    assert floors.is_suspicious
    assert looked(floors, {BTC: fact()}) == []
    assert not floors.is_suspicious
    assert looked(floors, near) == []
    assert looked(floors, near) == [(BTC, Fault.NEAR_LIQUIDATION)]


def test_looks_at_two_symbols_do_not_add_up():
    floors = VenueFloors(LIMITS)

    assert looked(floors, {BTC: fact(liquidation="98"), ETH: fact()}) == []
    assert looked(floors, {BTC: fact(), ETH: fact(liquidation="98")}) == []


def test_over_the_margin_ratio_the_largest_position_goes():
    floors = VenueFloors(LIMITS)
    facts = {BTC: fact("1", margin="30"), ETH: fact("-2", liquidation="900", margin="30")}

    looked(floors, facts, Decimal(100))

    assert next(iter(floors.look(facts, Decimal(100))))[1].qty == 2
    assert looked(floors, facts, Decimal(100)) == [(ETH, Fault.MARGIN_RATIO)]


@pytest.mark.parametrize(("mark", "is_over"), [("100", False), ("99", True)])
def test_the_margin_balance_has_the_unrealized_result_at_the_venues_own_mark(mark, is_over):
    floors, facts = VenueFloors(LIMITS), {BTC: fact("1", mark=mark, margin="50")}

    looked(floors, facts, Decimal(100))

    assert bool(looked(floors, facts, Decimal(100))) is is_over


@pytest.mark.parametrize("balance", [None, Decimal("NaN")])
def test_a_balance_that_is_unknown_closes_nothing(balance):
    floors, facts = VenueFloors(LIMITS), {BTC: fact(margin="1000000")}

    looked(floors, facts, balance)

    assert looked(floors, facts, balance) == []


def test_a_sum_with_a_part_missing_closes_nothing():
    floors, facts = VenueFloors(LIMITS), {BTC: fact(margin="99999999"), ETH: fact(mark=None)}

    looked(floors, facts)

    assert looked(floors, facts) == []


def test_a_position_differs_when_two_looks_in_a_row_say_so():
    floors = VenueFloors(LIMITS)
    here, there = {BTC: Decimal(1)}, {BTC: fact("2")}

    assert [floors.differ(there, here), floors.differ(there, here)] == [False, True]
    assert not floors.differ({BTC: fact("1")}, here)
    assert [floors.differ({}, here), floors.differ({}, here)] == [False, True]
