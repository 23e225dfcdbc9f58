"""
However fills, answers and refusals interleave, a position ends up under stops for all of it.

The venue of the rig keeps its own orders and position; the promises are checked against those.
"""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from nautilus_trader.model.enums import OrderStatus, OrderType

from risk.book import ZERO
from risk.trading_state import TradingState
from tests.attacks.scene import BUY, SELL
from tests.bracket_rig import AtVenue, Rig

FULL = Decimal("0.100")
quantities = st.integers(1, 60).map(lambda thousandths: Decimal(thousandths) / 1000)
refusals = st.sampled_from((False, False, False, True))
picks = st.integers(0, 3)


class Interleaved(RuleBasedStateMachine):
    """One trade after another before a venue that answers when it likes."""

    @initialize(side=st.sampled_from((BUY, SELL)), with_target=st.booleans())
    def begin(self, side, with_target: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.rig = Rig(Path(self.folder.name))
        self.sign = 1 if side == BUY else -1
        self.was_reduced = self.was_doubted = False
        self.rig.enter(side, target=with_target)
        self.rig.answer_all()

    def teardown(self) -> None:
        if not hasattr(self, "rig"):
            return
        try:
            self.settle()
        finally:
            self.rig.close()
            self.folder.cleanup()

    # -- what the venue does --------------------------------------------------------------------------

    @rule(refuse=refusals)
    def serve(self, refuse: bool) -> None:
        self.rig.serve(refuse=refuse)

    @rule()
    def hear(self) -> None:
        self.rig.hear()

    @rule()
    def lose(self) -> None:
        self.rig.lose()

    @rule()
    def answer_all(self) -> None:
        self.rig.answer_all()

    @rule(qty=quantities)
    def fill_entry(self, qty: Decimal) -> None:
        for entry in self.rig.entries:
            self.rig.fill(entry, qty)

    @rule()
    def cancel_the_rest_of_the_entry(self) -> None:
        for entry in self.rig.entries:
            self.rig.end(entry)

    @rule(qty=quantities, pick=picks)
    def fill_stop(self, qty: Decimal, pick: int) -> None:
        self._reduce(self.rig.stops, qty, pick)

    @rule(qty=quantities, pick=picks)
    def fill_target(self, qty: Decimal, pick: int) -> None:
        self._reduce(self.rig.targets, qty, pick)

    def _reduce(self, orders: list[AtVenue], qty: Decimal, pick: int) -> None:
        if orders:
            before = self.rig.position
            self.rig.fill(orders[pick % len(orders)], qty)
            self.was_reduced |= self.rig.position != before

    @rule(pick=picks)
    def take_a_stop_away(self, pick: int) -> None:
        if self.rig.stops:
            self.rig.end(self.rig.stops[pick % len(self.rig.stops)])

    # -- what the strategy and time do ----------------------------------------------------------------

    @rule()
    def exit(self) -> None:
        self.was_reduced = True
        self.rig.strategy.exit()

    @rule()
    def tick(self) -> None:
        # Beside a stop that is unanswered for a second another is placed, and both may come to rest;
        # that of an entry of which nothing is heard goes out for all of it.
        rig = self.rig
        self.was_doubted |= bool(rig.client.asked or rig.said or rig.lost or rig.entries)
        self.rig.tick()

    @precondition(lambda self: self.rig.strategy.is_idle)
    @rule(side=st.sampled_from((BUY, SELL)), with_target=st.booleans())
    def enter_again(self, side, with_target: bool) -> None:
        self.settle()
        if self.rig.strategy.is_idle and self.rig.gate.judge.state.state is TradingState.ACTIVE:
            self.sign = 1 if side == BUY else -1
            self.was_reduced = self.was_doubted = False
            self.rig.orders.clear()
            self.rig.enter(side, target=with_target)
            self.rig.answer_all()

    # -- what must hold --------------------------------------------------------------------------------

    @invariant()
    def the_position_never_flips(self) -> None:
        assert ZERO <= self.rig.position * self.sign <= FULL

    @invariant()
    def nothing_breaks(self) -> None:
        causes = self.rig.gate.judge.state.causes
        assert not [cause for cause in causes if not cause.startswith("REPEATED_EXECUTION")]

    @rule()
    def settle(self) -> None:
        self.rig.settle()
        open_qty = abs(self.rig.position)
        covered = sum((stop.leaves for stop in self.rig.stops), ZERO)
        assert covered >= open_qty
        if not self.was_reduced and not self._was_closed():
            assert covered == open_qty or self.was_doubted
            assert all(target.leaves == open_qty for target in self.rig.targets)
        if open_qty == 0 and not self.rig.entries:
            assert self.rig.stops == self.rig.targets == []
            assert self.rig.unclosed() == []
            assert self.rig.strategy.is_idle
        self._the_books_agree()

    def _was_closed(self) -> bool:
        """Return whether the gate or the strategy has closed a part of it at market."""
        return any(
            o.order.is_reduce_only and o.order.order_type == OrderType.MARKET and o.filled
            for o in self.rig.orders.values()
        )

    def _the_books_agree(self) -> None:
        book = self.rig.gate.judge.account.symbol(str(self.rig.strategy.instrument_id))
        assert book.position_qty == self.rig.position
        working = {o.order.client_order_id.value for o in self.rig.orders.values() if o.is_working}
        held = {
            o.client_order_id.value for o in self.rig.unclosed()
            if o.status == OrderStatus.INITIALIZED
        }  # fmt: skip
        assert set(book.pending) == working | held
        for key in working:
            assert book.pending[key].leaves_qty == self.rig.orders[key].leaves


TestInterleaved = Interleaved.TestCase
