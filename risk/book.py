"""The gate's own books: positions, every order that may still fill, and money, without netting."""

from __future__ import annotations

from decimal import Decimal
from heapq import heapify, heappop, heappush

from risk.intent import BUY, SELL

ZERO = Decimal(0)


class Pending:
    """
    An order that may still fill: reserved, in flight, working or unresolved.

    ``price`` values the order in exposure sums (worst case); ``limit_price`` is where it rests in
    the book, ``None`` when it does not; ``cover_qty`` is what a stop protects: its own leaves, or,
    while its entry still works, what it will have grown to when the entry is filled, or nothing
    while it is being canceled. ``amends`` counts the amendments that the venue has not answered.
    ``is_adopted``: it was found at the venue, and not approved here.

    """

    __slots__ = (
        "amends", "client_order_id", "cover_qty", "filled_qty", "is_accepted", "is_adopted",
        "is_canceling",
        "is_exit", "is_in_doubt", "is_stop", "leaves_qty", "limit_price", "order_type", "parent_id", "price", "side",
        "strategy_id", "trigger_price",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - an order has that many terms
        self,
        client_order_id: str,
        *,
        strategy_id: str,
        side: int,
        leaves_qty: Decimal,
        price: Decimal,
        order_type: str,
        limit_price: Decimal | None = None,
        trigger_price: Decimal | None = None,
        is_exit: bool = False,
        is_stop: bool = False,
        parent_id: str | None = None,
    ) -> None:
        self.client_order_id = client_order_id
        self.strategy_id = strategy_id
        self.side = side
        self.leaves_qty = leaves_qty
        self.cover_qty = leaves_qty if is_stop else ZERO
        self.filled_qty = ZERO
        self.price = price
        self.limit_price = limit_price
        self.trigger_price = trigger_price
        self.is_exit = is_exit
        self.is_stop = is_stop
        self.order_type = order_type
        self.parent_id = parent_id
        self.is_accepted = False
        self.is_adopted = False
        self.is_canceling = False
        self.is_in_doubt = False
        self.amends = 0


def is_looser(stop: Pending, trigger_price: Decimal | None) -> bool:
    """Return whether a stop lets the price run further than one at *trigger_price* would."""
    if stop.trigger_price is None or trigger_price is None:
        return False
    return (stop.trigger_price - trigger_price) * stop.side > 0


class Extreme:
    """The largest (or smallest) of the prices that are still alive, in logarithmic time."""

    __slots__ = ("_alive", "_heap", "_sign")

    def __init__(self, *, largest: bool) -> None:
        self._sign = -1 if largest else 1
        self._heap: list[tuple[Decimal, str]] = []
        self._alive: dict[str, Decimal] = {}

    def put(self, key: str, price: Decimal) -> None:
        self._alive[key] = price
        heappush(self._heap, (price * self._sign, key))
        if len(self._heap) > 2 * len(self._alive) + 64:
            # What died below the top is never popped: forget it before it outgrows what lives.
            self._heap = [(alive * self._sign, key) for key, alive in self._alive.items()]
            heapify(self._heap)

    def drop(self, key: str) -> None:
        self._alive.pop(key, None)

    def get(self) -> Decimal | None:
        """Return the extreme price, or None when nothing is alive."""
        heap, alive = self._heap, self._alive
        while heap:
            price, key = heap[0]
            price *= self._sign
            if alive.get(key) == price:
                return price
            heappop(heap)
        return None


class SideBook:
    """The sums over the pending orders of one side of one symbol; each is kept, never recounted."""

    __slots__ = ("cover_qty", "entry_prices", "entry_qty", "exit_qty", "market_exit_qty", "resting")

    def __init__(self, side: int) -> None:
        self.entry_qty = ZERO
        self.exit_qty = ZERO
        self.cover_qty = ZERO
        self.market_exit_qty = ZERO
        self.entry_prices = Extreme(largest=True)
        # Self-match: the highest of one's own bids, the lowest of one's own offers.
        self.resting = Extreme(largest=side == BUY)

    def count(self, pending: Pending, delta_qty: Decimal) -> None:
        if not pending.is_exit:
            self.entry_qty += delta_qty
            return
        self.exit_qty += delta_qty
        if pending.order_type == "MARKET" and not pending.is_in_doubt:
            self.market_exit_qty += delta_qty


class SymbolBook:
    """Position and pending orders of one symbol. Quantities are base units, prices quote units."""

    __slots__ = ("avg_px", "buys", "children", "pending", "position_qty", "ref_px", "sells")

    def __init__(self) -> None:
        self.position_qty = ZERO
        self.avg_px = ZERO
        self.ref_px: Decimal | None = None
        self.pending: dict[str, Pending] = {}
        self.children: dict[str, list[str]] = {}
        self.buys = SideBook(BUY)
        self.sells = SideBook(SELL)

    def side(self, side: int) -> SideBook:
        """Return the sums of one side."""
        return self.buys if side == BUY else self.sells

    # -- pending orders -----------------------------------------------------------------------

    def add(self, pending: Pending) -> None:
        """Reserve the exposure of *pending*."""
        key = pending.client_order_id
        assert key not in self.pending, "Invariant: an order is reserved once"
        self.pending[key] = pending
        side = self.side(pending.side)
        side.count(pending, pending.leaves_qty)
        side.cover_qty += pending.cover_qty
        self._put_prices(pending, side)
        if pending.parent_id is not None:
            self.children.setdefault(pending.parent_id, []).append(key)
            if pending.is_stop:
                self.settle_cover(pending)

    def remove(self, client_order_id: str) -> Pending | None:
        """Release the exposure of an order that can no longer fill; None when it is unknown."""
        pending = self.pending.pop(client_order_id, None)
        if pending is None:
            return None
        side = self.side(pending.side)
        side.count(pending, -pending.leaves_qty)
        side.cover_qty -= pending.cover_qty
        side.entry_prices.drop(client_order_id)
        side.resting.drop(client_order_id)
        siblings = self.children.get(pending.parent_id) if pending.parent_id else None
        if siblings is not None:
            siblings.remove(client_order_id)
            if not siblings:
                del self.children[pending.parent_id]  # type: ignore[arg-type]
        if (stop := self.stop_of(client_order_id)) is not None:
            self.settle_cover(stop)
        return pending

    def doubt(self, client_order_id: str) -> None:
        """
        Stop counting on a market exit whose fate nobody knows: another may go out beside it.

        Should both arrive, the venue lets them only reduce; were the first lost, the position would
        stay open for as long as it is looked up.

        """
        pending = self.pending.get(client_order_id)
        if pending is None or not pending.is_exit or pending.is_in_doubt:
            return
        side = self.side(pending.side)
        side.count(pending, -pending.leaves_qty)
        pending.is_in_doubt = True
        side.count(pending, pending.leaves_qty)

    def amend(
        self,
        pending: Pending,
        *,
        leaves_qty: Decimal,
        price: Decimal,
        limit_price: Decimal | None,
        trigger_price: Decimal | None,
    ) -> None:
        """Give a pending order new terms."""
        side = self.side(pending.side)
        side.count(pending, leaves_qty - pending.leaves_qty)
        pending.leaves_qty = leaves_qty
        pending.price = price
        pending.limit_price = limit_price
        pending.trigger_price = trigger_price
        self._put_prices(pending, side)
        if pending.is_stop:
            self.settle_cover(pending)
        elif (stop := self.stop_of(pending.client_order_id)) is not None:
            self.settle_cover(stop)

    @staticmethod
    def _put_prices(pending: Pending, side: SideBook) -> None:
        if not pending.is_exit:
            side.entry_prices.put(pending.client_order_id, pending.price)
        if pending.limit_price is not None:
            side.resting.put(pending.client_order_id, pending.limit_price)

    def stop_of(self, parent_id: str) -> Pending | None:
        """Return the protective stop that hangs on an entry, if it is pending."""
        for key in self.children.get(parent_id, ()):
            child = self.pending[key]
            if child.is_stop:
                return child
        return None

    def set_cover(self, stop: Pending, cover_qty: Decimal) -> None:
        """Say what a stop protects now."""
        self.side(stop.side).cover_qty += cover_qty - stop.cover_qty
        stop.cover_qty = cover_qty

    def settle_cover(self, stop: Pending) -> None:
        """
        Bring a stop's cover in line with its leaves and with the entry that it hangs on.

        While that entry works, the stop sleeps as far as the entry has not filled: however large it
        is, it stands in for no other entry's stop.

        """
        if stop.is_canceling:
            self.set_cover(stop, ZERO)
            return
        parent = self.pending.get(stop.parent_id) if stop.parent_id else None
        if parent is None:
            self.set_cover(stop, stop.leaves_qty)
        else:
            entry_qty = parent.filled_qty + parent.leaves_qty
            self.set_cover(stop, min(max(stop.leaves_qty, stop.cover_qty), entry_qty))

    def cover_without(self, stop: Pending) -> Decimal:
        """
        Return the quantity that stays protected when *stop* is gone.

        A stop that the venue has not accepted may still be rejected, unless it came with an entry
        that still works: they stand and fall together. A stop that came without an entry, whose
        distance nobody has judged, must be at least as tight as the one that it replaces.

        """
        return sum(
            (
                other.cover_qty
                for other in self.pending.values()
                if other.is_stop
                and other is not stop
                and other.side == stop.side
                and (other.is_accepted or other.parent_id in self.pending)
                and (other.parent_id is not None or not is_looser(other, stop.trigger_price))
            ),
            ZERO,
        )

    def needed_cover(self, side: int) -> Decimal:
        """Return the quantity that stops must protect on *side*: the position and what may join it."""
        return max(self.position_qty * side, ZERO) + self.side(side).entry_qty

    # -- fills ----------------------------------------------------------------------------------

    def fill(self, client_order_id: str, *, side: int, qty: Decimal, px: Decimal) -> Decimal:
        """
        Apply a fill and return the PnL it realized (USDT, before fees).

        An order that is not pending (placed by somebody else) moves the position all the same.

        """
        pending = self.pending.get(client_order_id)
        if pending is not None:
            taken = min(qty, pending.leaves_qty)
            self.side(pending.side).count(pending, -taken)
            pending.leaves_qty -= taken
            pending.filled_qty += qty
            if pending.is_stop:
                self.set_cover(pending, max(pending.cover_qty - taken, ZERO))
            if pending.leaves_qty == 0:
                self.remove(client_order_id)
        return self._move(side * qty, px)

    def _move(self, delta_qty: Decimal, px: Decimal) -> Decimal:
        before = self.position_qty
        after = before + delta_qty
        self.position_qty = after
        if before == 0 or (before > 0) == (delta_qty > 0):
            self.avg_px = (self.avg_px * before + px * delta_qty) / after
            return ZERO
        closed = -delta_qty if abs(delta_qty) <= abs(before) else before
        realized = (px - self.avg_px) * closed
        if after == 0:
            self.avg_px = ZERO
        elif (after > 0) != (before > 0):
            self.avg_px = px
        return realized

    # -- worst case -----------------------------------------------------------------------------

    def worst_qty(self, side: int) -> Decimal:
        """
        Return the largest position that could arise on *side*, base units, never negative.

        Any subset of the pending orders may fill, in any order: entries of the side all count,
        the opposite ones do not net. Reduce-only orders cannot open a position, but they can close
        the present one first, so that an opposite order that looked like an exit opens a new one.

        """
        position = self.position_qty * side
        if position < 0:
            shrink = self.side(side).exit_qty
            position = ZERO if shrink >= -position else position + shrink
        worst = position + self.side(side).entry_qty
        return worst if worst > 0 else ZERO

    def worst_price(self, side: int) -> Decimal | None:
        """Return the highest price at which the worst case on *side* may have to be valued."""
        entry = self.side(side).entry_prices.get()
        if entry is None or (self.ref_px is not None and self.ref_px > entry):
            return self.ref_px
        return entry

    def worst_notional(self, side: int) -> Decimal | None:
        """Return worst-case quantity times worst-case price; None when no price is known."""
        qty = self.worst_qty(side)
        if qty == 0:
            return ZERO
        price = self.worst_price(side)
        return None if price is None else qty * price

    def unrealized(self) -> Decimal | None:
        """Return the unrealized PnL at the reference price, USDT; None when no price is known."""
        if self.position_qty == 0:
            return ZERO
        if self.ref_px is None:
            return None
        return (self.ref_px - self.avg_px) * self.position_qty


class AccountBook:
    """All symbols of one account, and its money in USDT."""

    __slots__ = ("balance", "carried", "fees", "funding", "realized", "symbols")

    def __init__(self) -> None:
        self.symbols: dict[str, SymbolBook] = {}
        self.balance: Decimal | None = None
        self.realized = ZERO
        self.fees = ZERO
        self.funding = ZERO
        self.carried = ZERO  # what was earned in runs before this one

    def symbol(self, instrument_id: str) -> SymbolBook:
        """Return the book of a symbol, opened when it is new."""
        book = self.symbols.get(instrument_id)
        if book is None:
            book = self.symbols[instrument_id] = SymbolBook()
        return book

    def unrealized(self) -> Decimal | None:
        """Return the unrealized PnL over all symbols, USDT; None when a price is missing."""
        total = ZERO
        for book in self.symbols.values():
            pnl = book.unrealized()
            if pnl is None:
                return None
            total += pnl
        return total

    def equity(self) -> Decimal | None:
        """Return balance plus unrealized PnL, USDT; None when either is unknown."""
        unrealized = self.unrealized()
        if self.balance is None or unrealized is None:
            return None
        return self.balance + unrealized

    def pnl(self) -> Decimal | None:
        """
        Return all that trading has earned, USDT: realized, unrealized, fees, funding, carried over.

        Deposits and withdrawals are in the balance and not in here, so that money moved in is
        never taken for profit.

        """
        unrealized = self.unrealized()
        if unrealized is None:
            return None
        return self.carried + self.realized - self.fees + self.funding + unrealized
