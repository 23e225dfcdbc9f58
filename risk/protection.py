"""
What is wrong with the protection of one position: facts in, findings with their evidence out.

Pure: no engine, no clock, no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

ZERO = Decimal(0)
BPS = Decimal(10_000)
MARK_PRICE = "MARK_PRICE"
"""The trigger type of a stop that goes by the mark price; every other one goes by the last price."""


class Fault(Enum):
    """What can be wrong."""

    MISSING = "MISSING"
    """No stop protects any of the position."""
    TOO_SMALL = "TOO_SMALL"
    WRONG_SIDE = "WRONG_SIDE"
    NOT_REDUCE_ONLY = "NOT_REDUCE_ONLY"
    TOO_FAR = "TOO_FAR"
    ORPHANED = "ORPHANED"
    """A stop without a position."""
    DUPLICATE = "DUPLICATE"
    THROUGH = "THROUGH"
    """The price is through the stop, and it still rests."""
    NEAR_LIQUIDATION = "NEAR_LIQUIDATION"
    MARGIN_RATIO = "MARGIN_RATIO"


class Finding(NamedTuple):
    """
    One thing that is wrong.

    Parameters
    ----------
    fault : Fault
        What.
    qty : Decimal
        The part of the position that it leaves open, or what a stop has too much (base units, >= 0).
    evidence : str
        What was seen, with the figures.
    stops : tuple[str, ...]
        The client order ids that it is about.

    """

    fault: Fault
    qty: Decimal
    evidence: str
    stops: tuple[str, ...] = ()


class Position(NamedTuple):
    """The net position of one symbol: quantity signed, base units; entry price in quote units."""

    instrument_id: str
    signed_qty: Decimal
    entry_price: Decimal
    shares: Mapping[str, Decimal] = MappingProxyType({})
    """The signed quantity of each strategy, the venue's netting undone."""

    @property
    def side(self) -> int:
        """Return +1 for long, -1 for short, 0 for flat."""
        return (self.signed_qty > 0) - (self.signed_qty < 0)


class Stop(NamedTuple):
    """
    One conditional market order that the venue may hold.

    ``side`` is +1 when it buys; ``is_resting``: the venue holds it, as far as is known, and nobody is
    taking it away; ``is_own``: the gate approved it, which judged its distance and never lets it be
    loosened, so that it is not measured again from an average that later entries have moved.

    """

    client_order_id: str
    strategy_id: str
    side: int
    leaves_qty: Decimal
    trigger_price: Decimal
    trigger_type: str
    is_resting: bool = True
    is_reduce_only: bool = True
    is_own: bool = True


class Priced(NamedTuple):
    """A price and its age, milliseconds by the venue's stamp; ahead of our clock it is below zero."""

    value: Decimal
    age_ms: int


class Prices(NamedTuple):
    """The newest prices of one symbol; best bid and ask are of one age, as they come together."""

    last: Priced | None = None
    mark: Priced | None = None
    bid: Priced | None = None
    ask: Priced | None = None

    def fresh(self, age_ms_max: int) -> Prices:
        """Return those that are numbers above zero and no older than *age_ms_max*; no crossed quote."""
        last, mark, bid, ask = (
            price if price is not None and _is_usable(price, age_ms_max) else None
            for price in self
        )  # fmt: skip
        if bid is None or ask is None or bid.value >= ask.value:
            bid = ask = None
        return Prices(last, mark, bid, ask)


def _is_usable(price: Priced, age_ms_max: int) -> bool:
    return price.value.is_finite() and price.value > 0 and abs(price.age_ms) <= age_ms_max


class Through(NamedTuple):
    """Whether the price is through a stop, and by what that was judged."""

    is_through: bool
    used: str
    stale: str
    """The prices that could not be used; empty when all could."""


def through(stop: Stop, prices: Prices, age_ms_max: int) -> Through:
    """
    Judge whether the price has reached the trigger of a stop.

    A stop by the mark price goes by the mark price alone, one by the last price by last price, bid
    and ask together: whichever of them are fresh must agree, for a price that another contradicts
    is of another moment. Only when none of its own is fresh do the others stand in, all of them.

    Parameters
    ----------
    age_ms_max : int
        Oldest price that counts, milliseconds.

    """
    fresh = prices.fresh(age_ms_max)
    # A stop that sells is passed when even who buys must pay no more than its trigger.
    book = fresh.ask if stop.side < 0 else fresh.bid
    trading = {"last": fresh.last, "bid and ask": book}
    mark = {"mark": fresh.mark}
    own, other = (mark, trading) if stop.trigger_type == MARK_PRICE else (trading, mark)
    chosen = own if any(price is not None for price in own.values()) else other
    used = {name: price for name, price in chosen.items() if price is not None}
    stale = ", ".join(name for name, price in (own | other).items() if price is None)
    passed = [(price.value - stop.trigger_price) * stop.side >= 0 for price in used.values()]
    shown = ", ".join(f"{name} {price.value} ({price.age_ms} ms)" for name, price in used.items())
    return Through(bool(passed) and all(passed), shown, stale)


def protective(
    position: Position, stops: Sequence[Stop], stop_distance_bps_max: Decimal
) -> list[Stop]:
    """Return the stops that do protect: resting, reduce-only, closing, near enough."""
    return [
        stop
        for stop in stops
        if stop.is_resting
        and stop.is_reduce_only
        and stop.side == -position.side
        and not _is_too_far(stop, position, stop_distance_bps_max)
    ]


def _is_too_far(stop: Stop, position: Position, stop_distance_bps_max: Decimal) -> bool:
    distance = _loss(stop, position) * BPS
    return not stop.is_own and distance > stop_distance_bps_max * position.entry_price


def _loss(stop: Stop, position: Position) -> Decimal:
    """Return how far the price may run against the position before the stop acts."""
    return (position.entry_price - stop.trigger_price) * position.side


def look(
    position: Position, stops: Sequence[Stop], *, stop_distance_bps_max: Decimal
) -> list[Finding]:
    """
    Compare the stops of one symbol with its position.

    Parameters
    ----------
    stop_distance_bps_max : Decimal
        Furthest that a stop which nobody here has approved may lie from the entry price, on the
        losing side, basis points of the entry price.

    """
    resting = [stop for stop in stops if stop.is_resting]
    if position.signed_qty == 0:
        return [
            Finding(Fault.ORPHANED, s.leaves_qty, f"{_shown(s)}, and no position", (s.client_order_id,))
            for s in resting if s.is_reduce_only
        ]  # fmt: skip
    good = protective(position, resting, stop_distance_bps_max)
    findings = _cover(position, good)
    for stop in resting:
        fault = _own_fault(stop, position, stop_distance_bps_max)
        if fault is not None:
            seen = f"{_shown(stop)} under {position.signed_qty} at {position.entry_price}"
            findings.append(Finding(fault, stop.leaves_qty, seen, (stop.client_order_id,)))
    return findings


def _cover(position: Position, good: list[Stop]) -> list[Finding]:
    """Return what is not covered; else the stops that are not needed for it."""
    open_qty = abs(position.signed_qty)
    covered = sum((stop.leaves_qty for stop in good), ZERO)
    if covered < open_qty:
        fault = Fault.TOO_SMALL if covered > 0 else Fault.MISSING
        return [Finding(fault, open_qty - covered, f"stops for {covered} of {position.signed_qty}")]
    return [
        Finding(Fault.DUPLICATE, stop.leaves_qty, f"{_shown(stop)} beyond {position.signed_qty}",
                (stop.client_order_id,))
        for stop in _spare(good, position)
    ]  # fmt: skip


def _spare(good: list[Stop], position: Position) -> list[Stop]:
    """
    Return the stops that could go together without uncovering anything.

    Those that nobody here has sent go first, then the loosest. A strategy keeps stops for all that
    it holds itself, whatever others have beside it: it would place them anew.

    """
    spare_qty = sum((stop.leaves_qty for stop in good), ZERO) - abs(position.signed_qty)
    own_qty: dict[str, Decimal] = {}
    for stop in good:
        own_qty[stop.strategy_id] = own_qty.get(stop.strategy_id, ZERO) + stop.leaves_qty
    spare: list[Stop] = []
    for stop in sorted(good, key=lambda s: (s.is_own, -_loss(s, position))):
        held_qty = max(position.shares.get(stop.strategy_id, ZERO) * position.side, ZERO)
        left_qty = own_qty[stop.strategy_id] - stop.leaves_qty
        if stop.leaves_qty <= spare_qty and (left_qty >= held_qty or not stop.is_own):
            spare_qty -= stop.leaves_qty
            own_qty[stop.strategy_id] = left_qty
            spare.append(stop)
    return spare


def _own_fault(stop: Stop, position: Position, stop_distance_bps_max: Decimal) -> Fault | None:
    if stop.is_reduce_only and stop.side == position.side:
        return Fault.WRONG_SIDE
    if stop.side != -position.side:
        return None  # An entry that waits for its trigger.
    if not stop.is_reduce_only:
        return Fault.NOT_REDUCE_ONLY
    return Fault.TOO_FAR if _is_too_far(stop, position, stop_distance_bps_max) else None


def _shown(stop: Stop) -> str:
    side = "BUY" if stop.side > 0 else "SELL"
    return f"{stop.client_order_id} {side} {stop.leaves_qty} at {stop.trigger_price}"


def trigger_for(
    position: Position, last_good: Decimal | None, stop_distance_bps_max: Decimal
) -> Decimal:
    """
    Return where a new stop goes: where the last good one lay, else the allowed distance away.

    Not yet on the venue's ticks; whoever rounds it goes toward the entry price.

    """  # fmt: skip
    if last_good is not None:
        return last_good
    return position.entry_price * (1 - position.side * stop_distance_bps_max / BPS)


# -- liquidation and margin ------------------------------------------------------------------------


def liquidation_distance_bps(
    signed_qty: Decimal, liquidation_price: Decimal | None, mark_price: Decimal | None
) -> Decimal | None:
    """
    Return how far the mark price may still run to the liquidation price, basis points of the mark.

    None when either is unknown or no number above zero; below zero when it is past it.

    """
    if signed_qty == 0 or not _is_price(liquidation_price) or not _is_price(mark_price):
        return None
    assert liquidation_price is not None, "Invariant: checked to be a price"
    assert mark_price is not None, "Invariant: checked to be a price"
    side = 1 if signed_qty > 0 else -1
    return (mark_price - liquidation_price) * side * BPS / mark_price


def _is_price(price: Decimal | None) -> bool:
    return price is not None and price.is_finite() and price > 0


def liquidation_finding(
    signed_qty: Decimal,
    liquidation_price: Decimal | None,
    mark_price: Decimal | None,
    distance_bps_min: Decimal,
) -> Finding | None:
    """Return a finding when the distance is below *distance_bps_min*; at it, there is none."""
    distance = liquidation_distance_bps(signed_qty, liquidation_price, mark_price)
    if distance is None or distance >= distance_bps_min:
        return None
    seen = f"mark {mark_price} is {distance:.1f} bps from liquidation at {liquidation_price}"
    return Finding(Fault.NEAR_LIQUIDATION, abs(signed_qty), seen)


def margin_finding(
    maintenance_margin: Decimal, margin_balance: Decimal | None, margin_ratio_max: Decimal
) -> Finding | None:
    """
    Return a finding when the maintenance margin is more than *margin_ratio_max* of the balance.

    A balance that is unknown, or no number, makes none; one that is used up does.

    """
    if (
        margin_balance is None
        or not margin_balance.is_finite()
        or not maintenance_margin.is_finite()
    ):
        return None  # fmt: skip
    if maintenance_margin <= 0 or maintenance_margin <= margin_balance * margin_ratio_max:
        return None
    seen = f"maintenance margin {maintenance_margin} of a margin balance of {margin_balance}"
    return Finding(Fault.MARGIN_RATIO, ZERO, seen)
