"""For how long something has been so without a break."""

from decimal import Decimal

from nautilus_trader.model.identifiers import InstrumentId

from actors.guarded_symbol import GuardedSymbol
from risk.protection import Fault, Finding

MS = 1_000_000
ORPHAN = Finding(Fault.ORPHANED, Decimal(1), "seen", ("S",))


def symbol() -> GuardedSymbol:
    return GuardedSymbol(InstrumentId.from_str("BTCUSDT-PERP.BINANCE"))


def test_a_finding_stands_since_it_was_seen_first():
    watched = symbol()

    assert watched.stand([ORPHAN], 5 * MS) == {(Fault.ORPHANED, "S"): 0}
    assert watched.stand([ORPHAN], 1_004 * MS) == {(Fault.ORPHANED, "S"): 999}


def test_a_finding_that_was_gone_for_one_look_stands_anew():
    watched = symbol()
    watched.stand([ORPHAN], 0)
    watched.stand([], 500 * MS)

    assert watched.stand([ORPHAN], 1_000 * MS) == {(Fault.ORPHANED, "S"): 0}


def test_the_same_stop_with_another_fault_stands_anew():
    watched = symbol()
    watched.stand([ORPHAN], 0)

    other = ORPHAN._replace(fault=Fault.DUPLICATE)

    assert watched.stand([other], 1_000 * MS) == {(Fault.DUPLICATE, "S"): 0}


def test_a_price_is_through_a_stop_since_it_passed_it_without_a_break():
    watched = symbol()

    assert watched.pass_through({"A": True, "B": False}, 1) == {"A": 1}
    assert watched.pass_through({"A": True, "B": True}, 2) == {"A": 1, "B": 2}
    assert watched.pass_through({"A": False, "B": True}, 3) == {"B": 2}
    assert watched.pass_through({"A": True, "B": True}, 4) == {"A": 4, "B": 2}


def test_the_next_position_begins_with_nothing_passed():
    watched = symbol()
    watched.pass_through({"A": True}, 1)

    watched.reset()

    assert watched.pass_through({"A": True}, 9) == {"A": 9}
