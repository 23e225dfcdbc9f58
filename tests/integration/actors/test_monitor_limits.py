"""The monitor acts at its limits, not a millisecond before: a clock that stands until it is moved."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, OrderType

from actors.position_monitor import PositionMonitor
from risk.install import Guard
from risk.limits import ProtectionLimits
from tests.attacks.scene import BTC
from tests.bracket_rig import Rig
from tests.monitor_kit import PROTECTION

NS_PER_MS = 1_000_000
GRACE_MS: int = PROTECTION["stop_grace_ms_max"]
BARE_MS: int = PROTECTION["unprotected_ms_max"]
LOOK_MS = 100
STOP_PX, FAR_PX = 49_500, 50_000
"""Where the stop of the position lies, and a price that is far from it."""


class Watched:
    """A long position of 0.1 with its stop at 49,500 before a scripted venue, and its monitor."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        rig = self.rig
        guard = Guard(rig.gate, rig.ledger, rig.record)
        self.monitor = PositionMonitor(guard, ProtectionLimits(**PROTECTION), rig.client)
        self.monitor.register_base(rig.portfolio, rig.bus, rig.cache, rig.clock)
        self.monitor.start()
        rig.enter(OrderSide.BUY, target=False)
        rig.settle()
        rig.fill(rig.entries[0], Decimal(1))
        rig.settle()
        assert (rig.position, len(rig.stops)) == (Decimal("0.1"), 1)

    def wait(self, ms: int) -> None:
        """Let time pass, and the monitor look when it is due."""
        clock = self.rig.clock
        for _ in range(ms):  # each look at its own time
            for handler in clock.advance_time(clock.timestamp_ns() + NS_PER_MS):
                handler.handle()

    def quote(self, px: int) -> None:
        """Let the market stand at a price, its ask half a tick above it or at it."""
        now_ns = self.rig.clock.timestamp_ns()
        bid, ask, size = BTC.make_price(px - 1), BTC.make_price(px), BTC.make_qty(10)
        tick = QuoteTick(BTC.id, bid, ask, size, size, now_ns, now_ns)
        self.rig.cache.add_quote_tick(tick)
        self.monitor.on_quote_tick(tick)

    def lose_stop(self) -> None:
        """Let the venue cancel the stop, tell of it, and answer nothing more."""
        (stop,) = self.rig.stops
        stop.is_working, order = False, stop.order
        self.rig.client.generate_order_canceled(
            order.strategy_id, order.instrument_id, order.client_order_id, order.venue_order_id,
            self.rig.clock.timestamp_ns(),
        )  # fmt: skip

    def closes(self) -> list[Decimal]:
        """Return what was asked to be closed at market."""
        orders = (getattr(command, "order", None) for command in self.rig.client.asked)
        return [
            order.quantity.as_decimal() for order in orders
            if order is not None and order.is_reduce_only and order.order_type == OrderType.MARKET
        ]  # fmt: skip

    def causes(self) -> list[str]:
        return [cause.split(":")[0] for cause in self.rig.gate.judge.state.causes]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


# -- a stop that the venue does not act on -----------------------------------------------------------


def test_a_price_through_the_stop_is_closed_at_the_end_of_the_grace_and_not_before(watched) -> None:
    watched.quote(STOP_PX)
    watched.wait(GRACE_MS - 1)
    watched.quote(STOP_PX)
    assert watched.closes() == []

    watched.wait(1)
    watched.quote(STOP_PX)

    assert watched.closes() == [Decimal("0.1")]


def test_a_price_one_step_before_the_stop_closes_nothing_however_long_it_stays(watched) -> None:
    watched.quote(STOP_PX + 1)

    watched.wait(10 * GRACE_MS)

    assert (watched.closes(), watched.monitor.symbols[BTC.id].clock.mends) == ([], 0)


def test_a_price_that_comes_back_for_a_moment_has_the_whole_grace_again(watched) -> None:
    watched.quote(STOP_PX)
    watched.wait(GRACE_MS - 1)
    watched.quote(FAR_PX)
    watched.quote(STOP_PX)

    watched.wait(GRACE_MS - 1)
    watched.quote(STOP_PX)
    assert watched.closes() == []

    watched.wait(1)
    watched.quote(STOP_PX)
    assert watched.closes() == [Decimal("0.1")]


def test_a_price_that_grows_old_while_it_is_through_the_stop_closes_nothing(tmp_path) -> None:
    watched = Watched(tmp_path)
    age_ms = watched.rig.gate.judge.limits.market_data.price_age_ms_max
    watched.quote(FAR_PX)
    watched.wait(age_ms - GRACE_MS // 2)
    now_ns = watched.rig.clock.timestamp_ns()
    old_ns = now_ns - (age_ms - GRACE_MS // 2) * NS_PER_MS
    size = BTC.make_qty(10)
    tick = QuoteTick(
        BTC.id, BTC.make_price(STOP_PX - 1), BTC.make_price(STOP_PX), size, size, old_ns, now_ns
    )
    watched.rig.cache.add_quote_tick(tick)
    watched.monitor.on_quote_tick(tick)  # through the stop, and too old before the grace is over

    watched.wait(10 * GRACE_MS)

    assert watched.closes() == []


# -- a position without its stop ---------------------------------------------------------------------


def test_a_position_bare_for_as_long_as_allowed_trips_nothing_and_a_look_later_it_does(
    watched,
) -> None:
    watched.lose_stop()

    watched.wait(BARE_MS)  # to a look, exactly
    assert watched.monitor.symbols[BTC.id].clock.heard_ms() == BARE_MS
    assert watched.causes() == []

    watched.wait(LOOK_MS)
    assert watched.causes() == ["STOP_INVARIANT_BROKEN"]


def test_a_position_bare_for_a_millisecond_longer_than_allowed_trips(watched) -> None:
    watched.wait(LOOK_MS - 1)
    watched.lose_stop()

    watched.wait(BARE_MS - LOOK_MS + 1)
    assert watched.causes() == []

    watched.wait(LOOK_MS)
    assert watched.monitor.symbols[BTC.id].clock.heard_ms() == BARE_MS + 1
    assert watched.causes() == ["STOP_INVARIANT_BROKEN"]


def test_a_stop_that_comes_just_in_time_trips_and_closes_nothing(watched) -> None:
    watched.lose_stop()
    watched.wait(BARE_MS // 2)

    watched.rig.answer_all()
    watched.wait(2 * BARE_MS)

    assert (watched.causes(), watched.closes(), len(watched.rig.stops)) == ([], [], 1)


# -- a monitor that fails ----------------------------------------------------------------------------


def test_a_monitor_that_fails_halts_and_raises_nothing_into_the_node(watched, monkeypatch) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise ArithmeticError("a stop of nothing")

    monkeypatch.setattr(watched.monitor._mender, "cover", fail)

    watched.lose_stop()

    assert watched.causes() == ["MONITOR_BROKEN"]


def test_a_monitor_that_looks_on_and_on_halts_nothing(watched) -> None:
    for price in (FAR_PX, STOP_PX + 1, FAR_PX):
        watched.quote(price)
        watched.wait(LOOK_MS)

    assert watched.causes() == []
