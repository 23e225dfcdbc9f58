"""Prices bent on their way from a source: a jump, a gap, a crash and its return."""

from dataclasses import dataclass, replace
from decimal import Decimal

from venue.market.book import Book
from venue.market.events import Depth, Kline, Level, Mark, MarketEvent, Quote, Trade

_ONE = Decimal(1)
_EIGHT = Decimal("0.00000001")


class BendError(ValueError):
    """A bend that cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bend:
    """
    A factor on the prices of one symbol over time.

    The factor goes from 1 to ``factor`` (0.01..100) within ``fall_ms`` (0: a gap), stays for
    ``hold_ms`` (None: for good) and goes back within ``back_ms``. With ``has_mark`` the mark
    and index prices follow; without it only the book and the trades move.
    """

    factor: Decimal
    fall_ms: int = 0
    hold_ms: int | None = None
    back_ms: int = 0
    has_mark: bool = True

    def __post_init__(self) -> None:
        if not Decimal("0.01") <= self.factor <= 100:
            raise BendError(f"factor is {self.factor}, not in 0.01..100")
        for name in ("fall_ms", "hold_ms", "back_ms"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise BendError(f"{name} is {value}, not 0 or more")

    def at(self, after_ms: int) -> Decimal:
        """Return the factor so many milliseconds after the start."""
        if after_ms < self.fall_ms:
            return _ONE + (self.factor - _ONE) * after_ms / self.fall_ms
        after_ms -= self.fall_ms
        if self.hold_ms is None or after_ms < self.hold_ms:
            return self.factor
        after_ms -= self.hold_ms
        if after_ms < self.back_ms:
            return self.factor + (_ONE - self.factor) * after_ms / self.back_ms
        return _ONE

    def is_over(self, after_ms: int) -> bool:
        """Return whether the factor is 1 from now on."""
        return self.hold_ms is not None and after_ms >= self.fall_ms + self.hold_ms + self.back_ms


class PriceShape:
    """
    The bends of one symbol, laid over its events.

    The book is kept whole: while the factor moves, each change is told as the difference
    between the bent book before and after, so that the chain of ids and the levels stay right
    for whoever keeps a book.
    """

    def __init__(self, tick_size: Decimal) -> None:
        self._tick = tick_size
        self._waiting: list[Bend] = []
        self._bends: list[tuple[int, Bend]] = []  # with their start
        self._book = Book()
        self._told: Book | None = None  # what clients hold, while it is not the book

    def add(self, bend: Bend) -> None:
        """Lay one more bend over the prices from the next event on; factors multiply."""
        self._waiting.append(bend)

    def apply(self, event: MarketEvent) -> MarketEvent:
        """Return the event with its prices bent; a bid never meets an ask because of it."""
        now_ms = event.ts_ms
        self._bends += [(now_ms, bend) for bend in self._waiting]
        self._waiting.clear()
        self._bends = [(ms, bend) for ms, bend in self._bends if not bend.is_over(now_ms - ms)]
        factor = self._factor(now_ms, of_mark=isinstance(event, Mark))
        if isinstance(event, Depth):
            return self._depth(event, factor)
        if factor == _ONE or isinstance(event, Kline):
            return event
        if isinstance(event, Mark):
            prices = {name: getattr(event, name) * factor for name in ("mark", "index")}
            return replace(event, **{k: value.quantize(_EIGHT) for k, value in prices.items()})
        if isinstance(event, Trade):
            return replace(event, price=self._bent(event.price, factor))
        return self._quote(event, factor)

    def _factor(self, now_ms: int, *, of_mark: bool) -> Decimal:
        factor = _ONE
        for start_ms, bend in self._bends:
            if bend.has_mark or not of_mark:
                factor *= bend.at(now_ms - start_ms)
        return factor

    def _bent(self, price: Decimal, factor: Decimal) -> Decimal:
        # Rounded to the tick; never to nothing.
        return max(1, int((price * factor / self._tick).to_integral_value())) * self._tick

    def _quote(self, quote: Quote, factor: Decimal) -> Quote:
        bid = self._bent(quote.bid, factor)
        return replace(quote, bid=bid, ask=max(self._bent(quote.ask, factor), bid + self._tick))

    def _depth(self, depth: Depth, factor: Decimal) -> Depth:
        if factor != _ONE and self._told is None:
            self._told = Book()
            self._told.apply(_whole(depth, self._book.bids(), self._book.asks()))
        self._book.apply(depth)
        if self._told is None:
            return depth
        bids = self._levels(self._book.bids(), factor)
        asks = self._levels(self._book.asks(), factor)
        if bids and asks:  # rounding may make them meet
            asks = {p: qty for p, qty in asks.items() if p > max(bids)}
        if depth.is_snapshot:
            told = replace(depth, bids=tuple(bids.items()), asks=tuple(asks.items()))
        else:
            changes = _difference(self._told.bids(), bids), _difference(self._told.asks(), asks)
            told = replace(depth, bids=changes[0], asks=changes[1])
        self._told.apply(replace(told, prev_id=self._told.last_id))
        if factor == _ONE and not self._bends:
            self._told = None
        return told

    def _levels(self, levels: tuple[Level, ...], factor: Decimal) -> dict[Decimal, Decimal]:
        bent: dict[Decimal, Decimal] = {}
        for price, qty in levels:
            at = self._bent(price, factor)
            bent[at] = bent.get(at, Decimal(0)) + qty
        return bent


def _whole(depth: Depth, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> Depth:
    return replace(depth, bids=bids, asks=asks, is_snapshot=True)


def _difference(before: tuple[Level, ...], after: dict[Decimal, Decimal]) -> tuple[Level, ...]:
    """Return what turns one side into another."""
    old = dict(before)
    gone = [(price, qty * 0) for price, qty in before if price not in after]
    return (*((price, qty) for price, qty in after.items() if old.get(price) != qty), *gone)
