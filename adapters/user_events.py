"""What the user-data stream says, told to NautilusTrader and to the gate."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from nautilus_trader.core.datetime import millis_to_nanos
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId, TradeId
from nautilus_trader.model.objects import AccountBalance, Currency, Money
from nautilus_trader.model.orders import Order

from adapters.facts import (
    OrderFact,
    UnreadableFactError,
    algo_from_event,
    order_from_event,
    trade_from_event,
)
from adapters.order_ids import base_of
from adapters.replace import OVER, StopReplacer
from adapters.sync import OrderSync
from adapters.teller import OrderTeller
from adapters.unresolved import Doubt, Resolver
from risk.events import FUNDING_TOPIC, FundingPayment, VenueEventKind
from risk.kills import DIRECT_ORDER_PREFIX

GRACE_SECS = 2.0
"""How long a fill that one event announces may take to come with its fee in another."""
MONEY = "USDT"
TRADING_REASONS = frozenset({"ORDER", "ADL", "MARGIN_TYPE_CHANGE"})
"""Why a balance changes without money being moved in or out (Binance: Balance and Position Update)."""
VENUE_ORDERS = {
    "autoclose-": VenueEventKind.LIQUIDATED,
    "adl_autoclose": VenueEventKind.ADL,
    "settlement_autoclose-": VenueEventKind.LIQUIDATED,
    DIRECT_ORDER_PREFIX: VenueEventKind.KILLED_DIRECT,
}
"""Client ids under which the venue trades for the account (Binance: Order Update), and those of a kill
from outside the node."""
OWN_SHAPES = r"(O-\d{8}-\d{6}-%s-|[XP]-[0-9a-f]{10,}-)"
"""How the client ids of a node with this tag begin (NautilusTrader: ClientOrderIdGenerator), and those
of the orders that the gate makes itself."""

Row = dict[str, Any]


def stranger_kind(client_id: str, tag: str) -> VenueEventKind:
    """
    Return what an order says that nobody here knows.

    Parameters
    ----------
    client_id : str
        Its client order id.
    tag : str
        The tag of the node's trader id, which its own order ids carry.

    """
    kinds = (kind for start, kind in VENUE_ORDERS.items() if client_id.startswith(start))
    is_like_ours = re.match(OWN_SHAPES % re.escape(tag), client_id)
    other = VenueEventKind.UNAPPROVED_ORDER if is_like_ours else VenueEventKind.FOREIGN_ORDER
    return next(kinds, other)


class UserEvents:
    """
    Takes the events of the user-data stream.

    Each is read for itself: one that cannot be read is told as an alarm, and its order looked up.

    Parameters
    ----------
    client : LiveExecutionClient
        For whom they come.
    sync, teller, replacer, resolver
        Those of the client.
    alarm : Callable
        Takes kind, what was seen, and what was expected.

    """

    def __init__(
        self,
        client: Any,
        *,
        sync: OrderSync,
        teller: OrderTeller,
        replacer: StopReplacer,
        resolver: Resolver,
        alarm: Callable[[VenueEventKind, str, str], None],
    ) -> None:
        self._client = client
        self._cache = client._cache
        self._sync = sync
        self._teller = teller
        self._replacer = replacer
        self._resolver = resolver
        self._alarm = alarm
        self._handlers: dict[str, Callable[[Row], None]] = {
            "ORDER_TRADE_UPDATE": self._on_order,
            "ALGO_UPDATE": self._on_algo,
            "TRADE_LITE": self._on_trade_lite,
            "ACCOUNT_UPDATE": self._on_account,
            "MARGIN_CALL": self._on_margin_call,
            "ACCOUNT_CONFIG_UPDATE": self._on_config,
        }

    def handle(self, raw: bytes) -> None:
        """Take one message of the stream."""
        message: Row = msgspec.json.decode(raw)
        handler = self._handlers.get(str(message.get("e")))
        if handler is None:
            self._client.note_unreadable(f"user event {message.get('e')!r}")
            return
        try:
            handler(message)
        except (UnreadableFactError, LookupError, TypeError, ValueError, ArithmeticError) as e:
            self._client.note_unreadable(f"{message.get('e')}: {e}")
            self._look_up_order_of(message)

    def _look_up_order_of(self, message: Row) -> None:
        row = message.get("o")
        client_id = row.get("c") or row.get("caid") if isinstance(row, dict) else None
        order = client_id and self._cache.order(ClientOrderId(base_of(str(client_id))))
        if order and not order.is_closed:
            self._resolver.begin(order, Doubt.SILENCE, "an event about it could not be read")

    # -- orders -------------------------------------------------------------------------------------

    def _on_order(self, message: Row) -> None:
        row = message["o"]
        fact = order_from_event(row)
        is_fill = row["x"] in {"TRADE", "CALCULATED"} and Decimal(row["l"]) > 0
        order = self._order_of(fact)
        if order is None or self._replacer.is_beside(fact):
            return
        self._replacer.take_over(order, fact)
        if is_fill:
            trade = trade_from_event(row)
            if fact.executed - trade.quantity > self._teller.filled(order):
                self._resolver.begin(order, Doubt.SILENCE, "an earlier fill was not told")
            self._teller.stand(order, fact)
            self._teller.fill(order, trade)
        elif fact.is_open:
            is_new = self._teller.stand(order, fact)
            is_answer = row["x"] == "AMENDMENT" and order.status == OrderStatus.PENDING_UPDATE
            if is_answer and not is_new:
                self._teller.update(order, fact.updated_ms)
        if not fact.is_open and fact.status != "FILLED":
            self._end(order, fact)

    def _order_of(self, fact: OrderFact) -> Order | None:
        order = self._sync.own(fact)
        if order is None and (fact.is_open or fact.executed > 0):
            order = self._sync.adopt(fact)
        return order

    def _end(self, order: Order, fact: OrderFact) -> None:
        """Tell that an order is over, once its fills are complete."""
        if fact.executed > self._teller.filled(order):
            self._resolver.begin(order, Doubt.SILENCE, "it ended with fills that were not told")
            return
        if self._teller.venue_id(order) is None and fact.status != "REJECTED":
            # Its beginning was lost or comes later: no order expires that was not accepted.
            self._teller.stand(order, fact)
        self._teller.close(order, fact.status, fact.updated_ms, fact.reason)

    def _on_algo(self, message: Row) -> None:
        fact = algo_from_event(message["o"], int(message["T"]))
        order = self._order_of(fact)
        if order is None or self._replacer.is_beside(fact):
            return
        if fact.is_waiting:
            self._teller.stand(order, fact)
            return
        if fact.child_id is not None:
            # From now on the venue speaks of the order that the conditional one has become.
            fact = fact._replace(venue_id=fact.child_id)
            self._replacer.take_over(order, fact)
            self._teller.stand(order, fact)
        if fact.status in OVER:
            self._end(order, fact)
        elif fact.status == "FINISHED":
            self._later(lambda: self._look_up_open(order, "it finished, and its end was not told"))

    def _on_trade_lite(self, message: Row) -> None:
        """Wait for the same fill with its fee; look it up when that does not come."""
        client_id, trade_id = str(message["c"]), TradeId(str(message["t"]))
        symbol, venue_id = str(message["s"]), str(message["i"])

        def look() -> None:
            order = self._cache.order(ClientOrderId(base_of(client_id)))
            if order is None:
                self._client.create_task(self._sync.adopt_order(symbol, venue_id))
            elif trade_id not in order.trade_ids:
                self._look_up_open(order, f"fill {trade_id} was told in brief only")

        self._later(look)

    def _look_up_open(self, order: Order, cause: str) -> None:
        if not order.is_closed:
            self._resolver.begin(order, Doubt.SILENCE, cause)

    def _later(self, action: Callable[[], None]) -> None:
        def due() -> None:
            if self._client.is_connected:  # else the node has ended, and its cache with it
                action()

        self._client._loop.call_later(GRACE_SECS, due)

    # -- account ------------------------------------------------------------------------------------

    def _on_account(self, message: Row) -> None:
        data, ts_event = message["a"], millis_to_nanos(int(message["T"]))
        balances = [_balance(row) for row in data.get("B", ())]
        if balances:
            self._client.generate_account_state(
                balances=balances, margins=[], reported=True, ts_event=ts_event
            )
        reason = str(data["m"])
        for row in data.get("B", ()):
            change = Decimal(row["bc"])
            if reason == "FUNDING_FEE" and row["a"] == MONEY:
                self._publish_funding(data, change, ts_event)
            elif reason not in TRADING_REASONS and change != 0 and reason != "FUNDING_FEE":
                self._alarm(VenueEventKind.TRANSFER, f"{reason} {change} {row['a']}", "none")

    def _publish_funding(self, data: Row, amount: Decimal, ts_event: int) -> None:
        symbols = [data["S"]] if data.get("S") else [p["s"] for p in data.get("P", ())]
        # A cross payment of several positions names none of them.
        name = self._client._get_cached_instrument_id(symbols[0]).value if symbols else "ACCOUNT"
        payment = FundingPayment(instrument_id=name, amount_usdt=amount, ts_event=ts_event)
        self._client._msgbus.publish(FUNDING_TOPIC, payment)

    def _on_margin_call(self, message: Row) -> None:
        needs = [f"{p['s']} {p['pa']} needs {p['mm']}" for p in message.get("p", ())]
        self._alarm(VenueEventKind.MARGIN_CALL, ", ".join(needs), "margin above maintenance")

    def _on_config(self, message: Row) -> None:
        leverage, account = message.get("ac"), message.get("ai")
        seen = f"leverage {leverage['l']} of {leverage['s']}" if leverage else f"account {account}"
        self._alarm(VenueEventKind.CONFIG_CHANGED, seen, "settings as they were at the start")


def _balance(row: Row) -> AccountBalance:
    currency = Currency.from_str(row["a"])
    total = Money(Decimal(row["wb"]), currency)
    return AccountBalance(total=total, locked=Money(0, currency), free=total)
