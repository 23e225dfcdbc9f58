"""Whatever is asked of the exchange: no money is made, no reduce-only order opens, fills add up."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.engine_kit import BTC, START_MS
from venue.api import handle
from venue.engine.errors import VenueError
from venue.engine.exchange import Exchange
from venue.engine.options import Options
from venue.engine.symbols import builtin

D = Decimal
ORDERS_MAX = 3
NAMES = ("cross", "isolated", "hedge")
ACCOUNTS = {
    "cross": {"leverage": 50},
    "isolated": {"leverage": 20, "margin_type": "ISOLATED"},
    "hedge": {"leverage": 100, "dual_side": True},
}
# Prices in tenths of a dollar around 60000, sizes in thousandths of a coin.
PRICES = st.integers(590_000, 610_000).map(lambda tenths: D(tenths) / 10)
WILD_PRICES = st.integers(500_000, 720_000).map(lambda tenths: D(tenths) / 10)
SIZES = st.integers(1, 800).map(lambda thousandths: D(thousandths) / 1000)
NAME = st.sampled_from(NAMES)
SIDE = st.sampled_from(["BUY", "SELL"])
TIF = st.sampled_from(["GTC", "IOC", "FOK", "GTX"])
POSITION_SIDE = st.sampled_from(["LONG", "SHORT"])
STP = st.sampled_from(["EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH"])


def build(*, fund: object = 2_000) -> Exchange:
    spec = builtin(BTC)[0]
    ex = Exchange([spec], now_ms=START_MS, options=Options(insurance_fund_usdt=D(str(fund))))
    ex.change_symbol(BTC, max_num_orders=ORDERS_MAX)
    for name, terms in ACCOUNTS.items():
        ex.open_account(name, wallet={"USDT": D(3_000)}, **terms)
    show(ex, D(60_000), D("0.1"), D(1), D(60_000))
    return ex


def show(ex: Exchange, bid: Decimal, spread: Decimal, qty: Decimal, mark: Decimal) -> None:
    ex.on_quote(BTC, bid, qty, bid + spread, qty)
    ex.on_mark(BTC, mark, mark, D("0.0005"), START_MS + 60_000)


def ask(ex: Exchange, name: str, method: str, path: str, **params: object) -> dict | None:
    """Ask as a client would; a refusal is an answer, too."""
    with suppress(VenueError):
        texts = {key: str(value) for key, value in params.items()}
        return handle(ex, name, method, f"/fapi/v1/{path}", {"symbol": BTC, **texts})
    return None


def positions_of(ex: Exchange, name: str) -> dict[str, Decimal]:
    return {p.side: p.amt for p in ex.account(name).positions.values()}


class VenueMachine(RuleBasedStateMachine):
    """Random clients and a random market, against the books kept here."""

    @initialize(fund=st.sampled_from([0, 2_000]))
    def open(self, fund: int) -> None:
        self.ex = build(fund=fund)

    @rule(bid=PRICES, spread=st.integers(1, 500), qty=SIZES, gap=st.integers(-300, 300))
    def quote(self, bid: Decimal, spread: int, qty: Decimal, gap: int) -> None:
        show(self.ex, bid, D(spread) / 10, qty, bid + gap)

    @rule(bid=WILD_PRICES, qty=SIZES)
    def jump(self, bid: Decimal, qty: Decimal) -> None:
        show(self.ex, bid, D(1), qty, bid)

    @rule(name=NAME, side=SIDE, fall=st.integers(1_000, 9_000), qty=SIZES)
    def crash(self, name: str, side: str, fall: int, qty: Decimal) -> None:
        """Let an account buy all it can afford, and the market turn against it on a thin book."""
        show(self.ex, D(60_000), D("0.1"), D(5), D(60_000))
        hedge = {"positionSide": "LONG" if side == "BUY" else "SHORT"} if name == "hedge" else {}
        for size in ("1", "0.5", "0.2"):
            ask(self.ex, name, "POST", "order", side=side, type="MARKET", quantity=size, **hedge)
        worse = D(60_000 - fall if side == "BUY" else 60_000 + fall)
        show(self.ex, worse, D("0.1"), qty, worse)

    @rule(price=PRICES, qty=SIZES, is_buyer_maker=st.booleans())
    def trade(self, price: Decimal, qty: Decimal, is_buyer_maker: bool) -> None:
        self.ex.on_trade(BTC, price, qty, is_buyer_maker)

    @rule(ms=st.integers(1, 100_000))
    def wait(self, ms: int) -> None:
        self.ex.advance(self.ex.now_ms + ms)

    @rule(
        name=NAME, side=SIDE, qty=SIZES, price=st.none() | PRICES, tif=TIF,
        position_side=POSITION_SIDE, stp=STP, is_reducing=st.booleans(),
    )  # fmt: skip
    def order(  # noqa: PLR0917 - Hypothesis names them
        self, name: str, side: str, qty: Decimal, price: Decimal | None, tif: str,
        position_side: str, stp: str, is_reducing: bool,
    ) -> None:  # fmt: skip
        terms: dict[str, object] = {"side": side, "quantity": qty, "selfTradePreventionMode": stp}
        kind = (
            {"type": "LIMIT", "price": price, "timeInForce": tif} if price else {"type": "MARKET"}
        )
        if name == "hedge":
            terms["positionSide"] = position_side
            is_reducing = (position_side, side) in (("LONG", "SELL"), ("SHORT", "BUY"))
        elif is_reducing:
            terms["reduceOnly"] = "true"
        before = positions_of(self.ex, name)
        ask(self.ex, name, "POST", "order", **terms, **kind)
        # A resting order of the same account may be filled by a taker in hedge mode only on the
        # other position side, so the side that was asked for tells.
        key = position_side if name == "hedge" else "BOTH"
        was, now = before.get(key, D(0)), positions_of(self.ex, name).get(key, D(0))
        if is_reducing:
            assert abs(now) <= abs(was)
            assert now * was >= 0

    @rule(
        name=NAME,
        side=SIDE,
        qty=SIZES,
        trigger=PRICES,
        position_side=POSITION_SIDE,
        is_take_profit=st.booleans(),
    )
    def stop(
        self, name: str, side: str, qty: Decimal, trigger: Decimal, position_side: str,
        is_take_profit: bool,
    ) -> None:  # fmt: skip
        extra = {"positionSide": position_side} if name == "hedge" else {"reduceOnly": "true"}
        ask(
            self.ex, name, "POST", "algoOrder", algoType="CONDITIONAL", side=side, quantity=qty,
            type="TAKE_PROFIT_MARKET" if is_take_profit else "STOP_MARKET", triggerPrice=trigger,
            workingType="MARK_PRICE", **extra,
        )  # fmt: skip

    @rule(name=NAME, which=st.integers(0, ORDERS_MAX - 1), qty=SIZES, price=PRICES)
    def amend(self, name: str, which: int, qty: Decimal, price: Decimal) -> None:
        orders = list(self.ex.account(name).open_orders.values())
        if which < len(orders):
            order = orders[which]
            ask(
                self.ex, name, "PUT", "order", orderId=order.order_id, side=order.side,
                quantity=qty, price=price,
            )  # fmt: skip

    @rule(name=NAME)
    def cancel_all(self, name: str) -> None:
        ask(self.ex, name, "DELETE", "allOpenOrders")

    @rule(name=NAME, amount=st.integers(-2_000, 1_000))
    def transfer(self, name: str, amount: int) -> None:
        with suppress(VenueError):
            self.ex.actions.transfer(name, "USDT", D(amount))

    @rule(name=NAME, leverage=st.integers(1, 125))
    def set_leverage(self, name: str, leverage: int) -> None:
        ask(self.ex, name, "POST", "leverage", leverage=leverage)

    @rule(amount=st.integers(1, 500), kind=st.sampled_from([1, 2]))
    def move_margin(self, amount: int, kind: int) -> None:
        ask(self.ex, "isolated", "POST", "positionMargin", amount=amount, type=kind)

    @rule(name=NAME)
    def deleverage(self, name: str) -> None:
        self.ex.actions.adl(name, BTC, qty=D("0.05"))

    @invariant()
    def money_is_conserved(self) -> None:
        if not hasattr(self, "ex"):
            return
        ledger = self.ex.ledger
        held = sum(
            (
                a.cross_wallet["USDT"]
                + a.isolated_wallet()
                - sum(p.cost for p in a.positions.values())
                for a in self.ex.accounts.values()
            ),
            D(0),
        )
        total = held + ledger.outside_cash + ledger.fees["USDT"] + ledger.insurance_fund
        assert total == ledger.deposits["USDT"]

    @invariant()
    def somebody_holds_the_other_side(self) -> None:
        if hasattr(self, "ex"):
            held = sum((sum(positions_of(self.ex, name).values()) for name in NAMES), D(0))
            assert held + self.ex.ledger.outside_amt[BTC] == 0

    @invariant()
    def fills_add_up_to_orders_and_positions(self) -> None:
        if not hasattr(self, "ex"):
            return
        for name, account in self.ex.accounts.items():
            by_order: dict[int, Decimal] = defaultdict(lambda: D(0))
            by_side: dict[str, Decimal] = defaultdict(lambda: D(0))
            for t in account.trades:
                by_order[t["orderId"]] += t["qty"]
                by_side[t["positionSide"]] += t["qty"] if t["buyer"] else -t["qty"]
            assert {i: o.executed for i, o in account.orders.items() if o.executed} == by_order
            for side, amt in positions_of(self.ex, name).items():
                assert by_side[side] == amt

    @invariant()
    def open_orders_are_few_resting_and_never_reduce_more_than_there_is(self) -> None:
        if not hasattr(self, "ex"):
            return
        resting = {id(o) for queue in self.ex.resting[BTC].values() for o in queue}
        opened = [o for a in self.ex.accounts.values() for o in a.open_orders.values()]
        assert resting == {id(o) for o in opened}
        for account in self.ex.accounts.values():
            assert len(account.open_orders) <= ORDERS_MAX
            reducing: dict[tuple[str, str], Decimal] = defaultdict(lambda: D(0))
            for o in account.open_orders.values():
                assert o.is_open
                assert o.leaves > 0
                if o.is_reducing:
                    reducing[o.position_side, o.side] += o.leaves
            for (position_side, side), leaves in reducing.items():
                amt = account.position(BTC, position_side).amt
                assert leaves <= (amt if side == "SELL" else -amt)

    @invariant()
    def a_hedge_position_keeps_its_direction(self) -> None:
        if hasattr(self, "ex"):
            amts = positions_of(self.ex, "hedge")
            assert amts.get("LONG", D(0)) >= 0 >= amts.get("SHORT", D(0))

    @invariant()
    def the_fund_is_never_overdrawn_by_a_liquidation(self) -> None:
        if hasattr(self, "ex"):
            for account in self.ex.accounts.values():
                for position in account.positions.values():
                    assert position.amt or not position.isolated_wallet


TestVenueMachine = VenueMachine.TestCase
TestVenueMachine.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

STEP = st.tuples(
    st.sampled_from(["order", "limit", "stop", "quote", "wait"]), NAME, SIDE, SIZES, PRICES
)


def play(script: list[tuple[str, str, str, Decimal, Decimal]]) -> list[tuple[str, dict]]:
    ex = build()
    for kind, name, side, qty, price in script:
        hedge = {"positionSide": "LONG"} if name == "hedge" else {}
        if kind == "order":
            ask(ex, name, "POST", "order", side=side, type="MARKET", quantity=qty, **hedge)
        elif kind == "limit":
            limit = {"type": "LIMIT", "timeInForce": "GTC", "price": price}
            ask(ex, name, "POST", "order", side=side, quantity=qty, **limit, **hedge)
        elif kind == "stop":
            stop = {"type": "STOP_MARKET", "algoType": "CONDITIONAL", "triggerPrice": price}
            ask(ex, name, "POST", "algoOrder", side=side, quantity=qty, **stop, **hedge)
        elif kind == "quote":
            show(ex, price, D("0.1"), qty, price)
        else:
            ex.advance(ex.now_ms + 20)
    return ex.drain()


@settings(max_examples=40, deadline=None)
@given(script=st.lists(STEP, max_size=30))
def test_the_same_script_gives_the_same_events(script):
    assert play(script) == play(script)
