"""Whatever the facts: nothing raises exposure, nothing is done on prices that say nothing."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from risk.mending import Bare, Close, Place, cover, force
from risk.protection import (
    MARK_PRICE,
    Fault,
    Finding,
    Position,
    Priced,
    Prices,
    Stop,
    look,
    protective,
    through,
)

AGE = 2_000
quantities = st.decimals("0.001", "100", places=3)
signed = st.decimals("-100", "100", places=3)
numbers = st.decimals("0.1", "200", places=1)
flags = st.booleans()
stops = st.builds(
    Stop,
    client_order_id=st.uuids().map(str), strategy_id=st.sampled_from(["A", "B"]),
    side=st.sampled_from([1, -1]), leaves_qty=quantities, trigger_price=numbers,
    trigger_type=st.sampled_from([MARK_PRICE, "DEFAULT"]),
    is_resting=flags, is_reduce_only=flags, is_own=flags,
)  # fmt: skip
shares = st.dictionaries(st.sampled_from(["A", "B"]), signed)
positions = st.builds(Position, st.just("BTC"), signed, numbers, shares)
bares = st.builds(
    Bare,
    bare_ms=st.integers(0, 9_999), known_ms=st.integers(0, 9_999), exits_qty=quantities,
    is_asked=flags, is_through=flags, is_heard=flags, turn=st.integers(0, 9),
    turn_ms=st.integers(0, 9_999),
)  # fmt: skip


@given(positions, signed, bares)
def test_what_is_sent_only_closes_and_never_more_than_is_open_and_not_being_closed(
    position, missing_qty, bare
):
    for action in (
        cover(position, missing_qty, bare, unprotected_ms_max=1_000),
        force(position, Finding(Fault.THROUGH, missing_qty, ""), bare.exits_qty),
    ):
        if action is not None:
            assert isinstance(action, Place | Close)
            assert action.side == -position.side != 0
            assert 0 < action.qty <= abs(position.signed_qty) - bare.exits_qty


broken = st.one_of(
    st.none(),
    st.builds(Priced, numbers, st.integers(AGE + 1, 10**9)),
    st.builds(Priced, numbers, st.integers(-(10**9), -AGE - 1)),
    st.builds(
        Priced, st.sampled_from([Decimal(v) for v in ("NaN", "Infinity", "-1", "0")]), st.just(0)
    ),
)


@given(stops, st.builds(Prices, broken, broken, broken, broken))
def test_prices_that_are_stale_or_no_prices_are_never_through(stop, prices):
    result = through(stop, prices, AGE)

    assert (result.is_through, result.used) == (False, "")


@given(stops, numbers, numbers)
def test_a_crossed_or_locked_quote_alone_is_never_through(stop, low, gap):
    crossed = Prices(bid=Priced(low + gap, 0), ask=Priced(low, 0))

    assert not through(stop, crossed, AGE).is_through


@given(positions, st.lists(stops, max_size=5, unique_by=lambda s: s.client_order_id))
def test_a_position_is_bare_exactly_when_good_stops_do_not_add_up_to_it(position, found):
    good = protective(position, found, Decimal(200))
    covered = sum((stop.leaves_qty for stop in good), Decimal(0))

    faults = [f.fault for f in look(position, found, stop_distance_bps_max=Decimal(200))]

    is_bare = bool({Fault.MISSING, Fault.TOO_SMALL} & set(faults))
    assert is_bare == (covered < abs(position.signed_qty))


@given(positions, st.lists(stops, max_size=5, unique_by=lambda s: s.client_order_id))
def test_without_all_duplicates_the_position_is_still_covered(position, found):
    findings = look(position, found, stop_distance_bps_max=Decimal(200))
    spare = {key for f in findings if f.fault is Fault.DUPLICATE for key in f.stops}
    left = [stop for stop in found if stop.client_order_id not in spare]

    good = protective(position, left, Decimal(200))

    if spare:
        assert sum(stop.leaves_qty for stop in good) >= abs(position.signed_qty)
