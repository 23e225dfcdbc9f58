"""
Whatever is asked, and whatever the venue does and reports late, the promises of the gate hold.

The model venue keeps raw orders and positions. No cap, flip or stop is checked against the books
of the gate; they are only compared with a recount.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from risk.decision import Denial
from risk.intent import BUY, SELL, AmendIntent, Market, OrderIntent
from risk.trading_state import TradingState
from tests.model_venue import ZERO, Event, ModelVenue, VenueOrder
from tests.risk_builders import BTC, ETH, SECOND, T0, UNIT, D, make_judge, make_limits

SYMBOLS = (BTC, ETH)
TICK = D("0.1")
POSITION_MAX = D(600)
GROSS_MAX = D(900)
NET_MAX = D(800)
ORDER_MAX = D(450)
LIST_MAX = D(500)
LEVERAGE_MAX = D("0.9")

symbols = st.sampled_from(SYMBOLS)
sides = st.sampled_from((BUY, SELL))
picks = st.integers(0, 40)
quantities = st.integers(1, 4).map(D)
offsets = st.integers(-3, 3)


def has_position(machine: JudgeAndVenue) -> bool:
    return any(machine.told.values())


def has_orders(machine: JudgeAndVenue) -> bool:
    return any(book.pending for book in machine.judge.account.symbols.values())


def has_venue_work(machine: JudgeAndVenue) -> bool:
    return not machine.venue.is_idle()


class JudgeAndVenue(RuleBasedStateMachine):
    """The judge between two careless strategies and a venue that answers late."""

    @initialize(grows_stops=st.booleans())
    def begin(self, grows_stops: bool) -> None:
        self.judge = make_judge(
            make_limits(
                order_notional_usdt_max=ORDER_MAX,
                list_notional_usdt_max=LIST_MAX,
                position_notional_usdt_max=POSITION_MAX,
                gross_notional_usdt_max=GROSS_MAX,
                net_notional_usdt_max=NET_MAX,
                leverage_max=LEVERAGE_MAX,
                messages_per_sec_max=1_000_000,
                messages_per_min_max=1_000_000,
                repeated_entries_max=1_000_000,
                stop_distance_bps_max=1_000,
                unrealized_loss_ratio_alarm=1,
                unrealized_loss_ratio_max=1,
                daily_loss_ratio_max=1,
                drawdown_ratio_max=1,
                price_move_bps_max=100_000,
            ),
            balance=1_000,
        )
        self.venue = ModelVenue(grows_stops=grows_stops)
        self.mid = dict.fromkeys(SYMBOLS, D(100))
        self.told = dict.fromkeys(SYMBOLS, ZERO)
        self.worst = dict.fromkeys(SYMBOLS, (ZERO, ZERO))
        self.loosest: dict[tuple[str, int], Decimal] = {}
        self.now = T0
        self.count = 0
        for key in SYMBOLS:
            self.move(key, 0)

    # -- helpers ----------------------------------------------------------------------------------

    def next_id(self, name: str) -> str:
        self.count += 1
        return f"{name}-{self.count}"

    def market(self, key: str) -> Market:
        return Market(self.mid[key] - TICK, self.mid[key] + TICK, self.now)

    def order(self, key: str, side: int, qty: Decimal, **terms: object) -> OrderIntent:
        given = {"order_type": "MARKET", "strategy_id": f"S-{self.count % 2}"} | terms
        return OrderIntent(self.next_id("O"), instrument_id=key, side=side, qty=qty, **given)  # type: ignore[arg-type]

    def stop(self, entry: OrderIntent, away: int) -> OrderIntent:
        touch = self.mid[entry.instrument_id]
        start = touch if entry.price is None else entry.price
        trigger = start - entry.side * (2 + D(away))
        return self.order(
            entry.instrument_id, -entry.side, entry.qty, order_type="STOP_MARKET",
            trigger_price=trigger, is_reduce_only=True, parent_id=entry.client_order_id,
        )  # fmt: skip

    def submit(self, *orders: OrderIntent) -> Denial | None:
        self.now += SECOND
        markets = {o.instrument_id: self.market(o.instrument_id) for o in orders}
        denial = self.judge.submit(orders, markets, self.now)
        if denial is None:
            self.venue.send(orders)
            self.approved(orders[0].instrument_id)
        return denial

    def approved(self, key: str) -> None:
        """Take the new worst case as allowed, once the caps have been found to hold."""
        if self.worst[key] != self.venue.extremes(key):
            self.check_caps(key)
            self.worst[key] = self.venue.extremes(key)

    def pick(self, orders: list[VenueOrder], pick: int) -> VenueOrder | None:
        return orders[pick % len(orders)] if orders else None

    def known(self) -> list[VenueOrder]:
        """Return the orders that a strategy can speak about: not yet reported as over."""
        books = self.judge.account.symbols.values()
        return [o for o in self.venue.orders.values() if any(o.id in b.pending for b in books)]

    def held(self, key: str) -> str:
        """Return *key*, or the other symbol where only that one has a position."""
        return key if self.told[key] else next(k for k in SYMBOLS if self.told[k])

    # -- what strategies ask ----------------------------------------------------------------------

    @rule(
        key=symbols, side=sides, qty=quantities, away=st.integers(-1, 4), offset=offsets,
        is_market=st.booleans(), with_target=st.booleans(), twice=st.booleans(),
    )  # fmt: skip
    def enter(  # noqa: PLR0917 - Hypothesis hands them over by name
        self, key: str, side: int, qty: Decimal, away: int, offset: int,
        is_market: bool, with_target: bool, twice: bool,
    ) -> None:  # fmt: skip
        orders: list[OrderIntent] = []
        for _ in range(2 if twice else 1):
            terms = {} if is_market else {"order_type": "LIMIT", "price": self.mid[key] + offset}
            entry = self.order(key, side, qty, **terms)
            orders += [entry, self.stop(entry, away)]
            if with_target:
                orders.append(
                    self.order(
                        key,
                        -side,
                        qty,
                        order_type="LIMIT",
                        price=self.mid[key] + side * 8,
                        is_reduce_only=True,
                        parent_id=entry.client_order_id,
                    )
                )
        state = self.judge.state.state
        if self.submit(*orders) is None:
            assert state is TradingState.ACTIVE
            assert qty * self.mid[key] <= ORDER_MAX
            assert sum(o.qty for o in orders if not o.is_reduce_only) * self.mid[key] <= LIST_MAX
            for stop in (o for o in orders if o.order_type == "STOP_MARKET"):
                self.widen(key, side, stop.trigger_price)
        else:
            assert self.submit(self.order(key, side, qty)) is not None, "an entry without a stop"

    def widen(self, key: str, side: int, trigger: Decimal | None) -> None:
        assert trigger is not None
        known = self.loosest.get((key, side), trigger)
        self.loosest[key, side] = min(known, trigger) if side == BUY else max(known, trigger)

    @precondition(has_position)
    @rule(key=symbols, qty=quantities, price=offsets, is_market=st.booleans())
    def exit(self, key: str, qty: Decimal, price: int, is_market: bool) -> None:
        key = self.held(key)
        side = BUY if self.told[key] < 0 else SELL
        terms: dict[str, object] = {"is_reduce_only": True}
        if not is_market:
            terms |= {"order_type": "LIMIT", "price": self.mid[key] + price}
        self.submit(self.order(key, side, qty, **terms))

    @precondition(has_position)
    @rule(key=symbols, qty=quantities, away=st.integers(-2, 30), pick=picks)
    def add_stop(self, key: str, qty: Decimal, away: int, pick: int) -> None:
        key = self.held(key)
        side = BUY if self.told[key] < 0 else SELL
        parent = self.pick(list(self.venue.orders.values()), pick) if pick % 2 else None
        stop = self.order(
            key, side, qty, order_type="STOP_MARKET", is_reduce_only=True,
            trigger_price=self.mid[key] + side * D(2 + away),
        )  # fmt: skip
        if parent is None or parent.intent.instrument_id != key:
            self.submit(stop)
            return
        claimed = stop._replace(parent_id=parent.id)
        if self.judge.submit((claimed,), {key: self.market(key)}, self.now) is None:
            self.venue.send((stop,))  # a parent of an earlier list means nothing to the venue

    @precondition(has_orders)
    @rule(pick=picks, qty=st.none() | quantities, away=st.none() | st.integers(-8, 8))
    def amend(self, pick: int, qty: Decimal | None, away: int | None) -> None:
        order = self.pick(self.known(), pick)
        if order is None or (qty is None and away is None):
            return
        key, self.now = order.intent.instrument_id, self.now + SECOND
        price = None if away is None else self.mid[key] + away
        is_stop = order.trigger is not None
        amend = AmendIntent(
            order.id, key, qty, None if is_stop else price, price if is_stop else None
        )
        if order.intent.order_type == "MARKET":
            amend = amend._replace(price=None)
        if self.judge.amend(amend, self.market(key), self.now) is None and not order.is_over:
            order.amends.append(amend)
            self.approved(key)

    @precondition(has_orders)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        order = self.pick(self.known(), pick)
        if order is None:
            return
        self.now += SECOND
        if self.judge.cancel(order.intent.instrument_id, order.id, self.now) is None:
            order.cancels += 1

    @precondition(has_orders)
    @rule()
    def cancel_every_stop(self) -> None:
        for order in self.known():
            if order.is_stop and self.judge.cancel(
                order.intent.instrument_id, order.id, self.now
            ) is None:  # fmt: skip
                order.cancels += 1

    # -- what the venue does ----------------------------------------------------------------------

    @precondition(has_venue_work)
    @rule(steps=st.lists(st.tuples(picks, quantities), min_size=1, max_size=8))
    def go_well(self, steps: list[tuple[int, Decimal]]) -> None:
        """Let orders arrive and trade, commands take effect, and reports come in."""
        for pick, qty in steps:
            venue, orders = self.venue, list(self.venue.orders.values())
            acts = [partial(venue.arrive, o, is_accepted=True) for o in orders if venue.waits(o)]
            acts += [
                partial(venue.fill, o, min(qty, venue.fillable(o)))
                for o in orders
                if venue.fillable(o) > 0
            ]
            for command, has in ((venue.arrive_amend, "amends"), (venue.arrive_cancel, "cancels")):
                acts += [
                    partial(command, o, is_accepted=True)
                    for o in orders
                    if getattr(o, has) and (o.is_there or o.is_over)
                ]
            if venue.events:
                acts += [partial(self.deliver, pick % 4 + 1)] * 2
            if acts:
                acts[pick % len(acts)]()

    @precondition(has_venue_work)
    @rule(pick=picks)
    def go_badly(self, pick: int) -> None:
        """Let the venue refuse what has arrived, or end what works."""
        venue, orders = self.venue, list(self.venue.orders.values())
        acts = [partial(venue.arrive, o, is_accepted=False) for o in orders if venue.waits(o)]
        acts += [partial(venue.expire, o) for o in orders if venue.may_expire(o)]
        for command, has in ((venue.arrive_amend, "amends"), (venue.arrive_cancel, "cancels")):
            acts += [
                partial(command, o, is_accepted=False)
                for o in orders
                if getattr(o, has) and (o.is_there or o.is_over)
            ]
        if acts:
            acts[pick % len(acts)]()

    @rule()
    def settle(self) -> None:
        """Let everything that is on its way arrive, and every report come in."""
        for order in list(self.venue.orders.values()):
            if self.venue.waits(order):
                self.venue.arrive(order, is_accepted=True)
            while order.amends:
                self.venue.arrive_amend(order, is_accepted=True)
            while order.cancels:
                self.venue.arrive_cancel(order, is_accepted=True)
        self.deliver(len(self.venue.events))

    def deliver(self, count: int) -> None:
        for _ in range(min(count, len(self.venue.events))):
            self.tell(self.venue.events.popleft())

    def tell(self, event: Event) -> None:
        """Hand a report to the judge as the ledger does."""
        judge, order, key = self.judge, event.order, event.order.intent.instrument_id
        match event.kind:
            case "accepted":
                judge.on_accepted(key, order.id)
            case "filled":
                order.told_filled += event.qty
                self.told[key] += event.qty * order.intent.side
                judge.on_fill(
                    key, order.id, side=order.intent.side, qty=event.qty,
                    px=order.price or self.mid[key], fee_usdt=ZERO, now_ns=self.now,
                )  # fmt: skip
                if order.told_filled >= order.told_qty:
                    judge.on_closed(key, order.id)
            case "updated" | "amend_rejected":
                if event.kind == "updated":
                    order.told_qty = max(event.qty, order.told_filled)
                    order.told_price, order.told_trigger = event.price, event.trigger
                judge.on_updated(
                    key, order.id, leaves_qty=order.told_qty - order.told_filled,
                    price=order.told_price, trigger_price=order.told_trigger,
                )  # fmt: skip
            case "cancel_rejected":
                judge.on_cancel_rejected(key, order.id)
            case _:
                judge.on_closed(key, order.id)

    # -- what happens around ----------------------------------------------------------------------

    @rule(key=symbols, ticks=st.integers(-40, 40))
    def move(self, key: str, ticks: int) -> None:
        self.mid[key] = min(max(self.mid[key] + ticks * TICK, D(50)), D(200))
        raw = int(self.mid[key] * UNIT)
        self.judge.on_price(key, self.now, low=raw, high=raw, last=self.mid[key])

    @rule(balance=st.sampled_from((600, 1_000, 1_500)))
    def pay(self, balance: int) -> None:
        self.judge.account.balance = D(balance)

    @rule(state=st.sampled_from((*[TradingState.ACTIVE] * 6, *TradingState)))
    def trip(self, state: TradingState) -> None:
        self.judge.trip(state, "TEST: observed=1, limit=0", self.now)

    @precondition(lambda self: self.judge.state.state is not TradingState.ACTIVE)
    @rule()
    def resume(self) -> None:
        self.judge.resume(by="ann", reason="goes on", now_ns=self.now)

    # -- what must hold ---------------------------------------------------------------------------

    def check_caps(self, key: str) -> None:
        """Find the worst cases of all symbols within every cap, from raw orders."""
        gross = longs = shorts = ZERO
        for each in SYMBOLS:
            long, short = (
                qty * self.worst_px(each, side)
                for qty, side in zip(self.venue.extremes(each), (BUY, SELL), strict=True)
            )
            if each == key:
                assert max(long, short) <= POSITION_MAX
            gross += max(long, short)
            longs += long
            shorts += short
        long, short = self.venue.extremes(key)
        if long + short == 0 or self.judge.account.equity() is None:
            return
        assert gross <= GROSS_MAX
        assert (longs if long else shorts) <= NET_MAX
        assert gross <= LEVERAGE_MAX * self.judge.account.equity()

    def worst_px(self, key: str, side: int) -> Decimal:
        prices = [self.mid[key]]
        for order in self.venue.alive(key):
            if order.is_entry and order.intent.side == side:
                prices += order.prices()
        return max(prices)

    @invariant()
    def the_worst_case_never_grows_by_itself(self) -> None:
        for key in SYMBOLS:
            now = self.venue.extremes(key)
            assert now[0] <= self.worst[key][0]
            assert now[1] <= self.worst[key][1]
            self.worst[key] = now

    @invariant()
    def no_position_can_flip(self) -> None:
        for key in SYMBOLS:
            long, short = self.venue.extremes(key)
            assert long == 0 or short == 0

    @invariant()
    def every_position_is_covered_by_stops_that_were_not_loosened(self) -> None:
        for key in SYMBOLS:
            position = self.venue.position.get(key, ZERO)
            side = BUY if position > 0 else SELL
            left = abs(position)
            for trigger, qty in self.venue.cover(key, side):
                if left > 0:
                    assert (self.loosest[key, side] - trigger) * side <= 0, "a stop was loosened"
                left -= qty
            assert left <= 0, f"{key}: {left} of {position} without a stop"
            if position == 0 and not self.venue.alive(key):
                self.loosest.pop((key, BUY), None)
                self.loosest.pop((key, SELL), None)

    @invariant()
    def an_exit_of_the_whole_position_is_approved(self) -> None:
        for key in SYMBOLS:
            position = self.told[key]
            in_flight = any(
                p.is_exit and p.order_type == "MARKET"
                for p in self.judge.account.symbol(key).pending.values()
            )
            if position == 0 or in_flight:
                continue
            probe = self.order(
                key, SELL if position > 0 else BUY, abs(position), is_reduce_only=True
            )
            assert self.judge.submit((probe,), {key: None}, self.now) is None
            self.judge.on_closed(key, probe.client_order_id)

    @invariant()
    def the_books_equal_a_recount(self) -> None:
        for key in SYMBOLS:
            book = self.judge.account.symbol(key)
            assert book.position_qty == self.told[key]
            for side in (BUY, SELL):
                orders = [p for p in book.pending.values() if p.side == side]
                sums = book.side(side)
                assert sums.entry_qty == sum(p.leaves_qty for p in orders if not p.is_exit)
                assert sums.exit_qty == sum(p.leaves_qty for p in orders if p.is_exit)
                assert sums.cover_qty == sum(p.cover_qty for p in orders)
                assert sums.market_exit_qty == sum(
                    p.leaves_qty for p in orders if p.is_exit and p.order_type == "MARKET"
                )

    @invariant()
    def nothing_stays_reserved_when_nothing_is_left(self) -> None:
        if self.venue.is_idle():
            for key in SYMBOLS:
                assert self.judge.account.symbol(key).pending == {}


TestJudgeAndVenue = JudgeAndVenue.TestCase
TestJudgeAndVenue.settings = settings(stateful_step_count=60)
