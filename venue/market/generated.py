"""A market made from a seed: correlated random walks, each with a book, trades and a mark."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from venue.market.events import Depth, Level, Mark, MarketEvent, Quote, Trade
from venue.market.fills import next_funding_ms

if TYPE_CHECKING:
    from venue.engine.symbols import SymbolSpec

# One step of the walk; quotes and the book change once a step, marks once a second.
STEP_MS = 100


_SECONDS_A_YEAR = 365 * 86_400
# Offsets of the book's levels from the best price, in ticks: tight at the top, wide below.
_OFFSETS = (0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 85, 113, 151, 201, 268, 357)
# Ids start high, as the venue's are, and differ in length from our own counters.
_FIRST_UPDATE_ID = 7_000_000_000
_FIRST_TRADE_ID = 5_000_000_000


class MarketError(ValueError):
    """A market that cannot be made as asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """
    How the prices move.

    ``volatility_annual`` is a fraction (0.6 = 60 %), ``correlation`` of each symbol's steps with
    the common factor 0..1, ``trades_per_s`` the mean for a symbol, ``level_notional_usdt`` the
    median notional of a book level, ``prices`` where symbols start.
    """

    volatility_annual: float = 0.6
    correlation: float = 0.8
    trades_per_s: float = 4.0
    level_notional_usdt: float = 60_000.0
    prices: Mapping[str, Decimal] = field(
        default_factory=lambda: {
            "BTCUSDT": Decimal(64_000),
            "ETHUSDT": Decimal(3_400),
            "SOLUSDT": Decimal(150),
        },
    )

    def __post_init__(self) -> None:
        if not 0 <= self.volatility_annual <= 50:
            raise MarketError(f"volatility_annual is {self.volatility_annual}, not in 0..50")
        if not 0 <= self.correlation <= 1:
            raise MarketError(f"correlation is {self.correlation}, not in 0..1")
        if not 0 < self.trades_per_s <= 1000:
            raise MarketError(f"trades_per_s is {self.trades_per_s}, not in 0..1000")
        if not self.level_notional_usdt > 0:
            raise MarketError(f"level_notional_usdt is {self.level_notional_usdt}, not above 0")


class GeneratedMarket:
    """
    A source without an end that is the same for the same seed, symbols and start.

    Parameters
    ----------
    symbols : Sequence[SymbolSpec]
        The instruments.
    start_ms : int
        The time of the first event.
    seed : int
        Of the walk.
    end_ms : int, optional
        Where to stop; never by default.
    walk : Walk
        How prices move.

    """

    def __init__(
        self,
        symbols: "Sequence[SymbolSpec]",
        *,
        start_ms: int,
        seed: int = 0,
        end_ms: int | None = None,
        walk: Walk | None = None,
    ) -> None:
        self._symbols = tuple(symbols)
        self._start_ms = start_ms
        self._seed = seed
        self._end_ms = end_ms
        self._walk = walk or Walk()
        missing = sorted({spec.symbol for spec in symbols} - set(self._walk.prices))
        if missing:
            raise MarketError(f"prices has no start price of {', '.join(missing)}")

    @property
    def symbols(self) -> "Sequence[SymbolSpec]":
        """The instruments that the events are of."""
        return self._symbols

    def events(self) -> Iterator[MarketEvent]:
        """Yield the market from its start; each call begins anew."""
        common = Random(f"{self._seed}")  # noqa: S311 - a market, no secret
        walk = self._walk
        step_sigma = walk.volatility_annual * math.sqrt(STEP_MS / 1000 / _SECONDS_A_YEAR)
        made = [_Symbol(spec, walk, self._seed) for spec in self._symbols]
        now_ms = self._start_ms
        while self._end_ms is None or now_ms < self._end_ms:
            factor = common.gauss(0, 1)
            for symbol in made:
                symbol.move(factor, step_sigma)
                yield from symbol.events(now_ms)
            now_ms += STEP_MS


class _Symbol:
    """One symbol's walk, and the book and trades about it."""

    def __init__(self, spec: "SymbolSpec", walk: Walk, seed: int) -> None:
        self._spec = spec
        self._walk = walk
        self._random = Random(f"{seed} {spec.symbol}")  # noqa: S311 - a market, no secret
        self._mid = float(walk.prices[spec.symbol])
        self._tick = float(spec.tick_size)
        self._book: dict[str, dict[int, Decimal]] = {"bids": {}, "asks": {}}
        self._update_id = 0
        self._trade_id = _FIRST_TRADE_ID
        self._funding_rate = 0.0001
        self._marked_second = -1

    def move(self, factor: float, sigma: float) -> None:
        """Take one step: partly the market's, partly the symbol's own."""
        own = self._random.gauss(0, 1)
        rho = self._walk.correlation
        self._mid *= math.exp(sigma * (rho * factor + math.sqrt(1 - rho * rho) * own))
        self._mid = max(self._mid, 50 * self._tick)

    def events(self, now_ms: int) -> Iterator[MarketEvent]:
        # The spread is one tick, now and then a few.
        spread = 1 if self._random.random() < 0.9 else self._random.randint(2, 5)
        bid = math.floor(self._mid / self._tick)
        ask = bid + spread
        yield self._depth(now_ms, bid, ask)
        yield Quote(
            self._spec.symbol, now_ms, self._update_id,
            self._price(bid), self._book["bids"][bid], self._price(ask), self._book["asks"][ask],
        )  # fmt: skip
        yield from self._trades(now_ms, bid, ask)
        if now_ms // 1000 != self._marked_second:
            self._marked_second = now_ms // 1000
            yield self._mark(now_ms)

    def _depth(self, now_ms: int, bid: int, ask: int) -> Depth:
        is_first = self._update_id == 0
        previous = self._update_id
        self._update_id = _FIRST_UPDATE_ID if is_first else previous + self._random.randint(2, 40)
        bids = self._side("bids", [max(1, bid - offset) for offset in _OFFSETS])
        asks = self._side("asks", [ask + offset for offset in _OFFSETS])
        first = self._update_id if is_first else previous + 1
        symbol = self._spec.symbol
        return Depth(symbol, now_ms, first, self._update_id, previous, bids, asks, is_first)

    def _side(self, name: str, ticks: list[int]) -> tuple[Level, ...]:
        """Move one side to these prices; return what changed."""
        old, new, changes = self._book[name], {}, []
        for tick in ticks:
            is_kept = tick in old and self._random.random() < 0.8
            new[tick] = old[tick] if is_kept else self._level_qty()
            if new[tick] != old.get(tick):
                changes.append((self._price(tick), new[tick]))
        zero = Decimal(0).quantize(self._spec.step_size)
        changes += [(self._price(tick), zero) for tick in old if tick not in new]
        self._book[name] = new
        return tuple(changes)

    def _trades(self, now_ms: int, bid: int, ask: int) -> Iterator[Trade]:
        for _ in range(_poisson(self._random, self._walk.trades_per_s * STEP_MS / 1000)):
            is_buyer_maker = self._random.random() < 0.5
            # Takers trade at the quote, for a part of what stands there.
            tick, side = (bid, "bids") if is_buyer_maker else (ask, "asks")
            part = self._random.random() ** 3
            qty = self._qty(float(self._book[side][tick]) * part)
            self._trade_id += 1
            price = self._price(tick)
            yield Trade(self._spec.symbol, now_ms, price, qty, is_buyer_maker, self._trade_id)

    def _mark(self, now_ms: int) -> Mark:
        index = self._mid * (1 + self._random.gauss(0, 2e-5))
        mark = (self._mid + index) / 2
        # Pulled back to 0.01 % per interval, the interest the venue assumes.
        pull = 0.01 * (0.0001 - self._funding_rate)
        self._funding_rate += pull + self._random.gauss(0, 2e-6)
        due_ms = next_funding_ms(now_ms)
        return Mark(
            self._spec.symbol, now_ms, _rounded(mark), _rounded(index),
            _rounded(self._funding_rate), due_ms,
        )  # fmt: skip

    def _level_qty(self) -> Decimal:
        notional = self._walk.level_notional_usdt * self._random.lognormvariate(0, 0.7)
        return self._qty(notional / self._mid)

    def _qty(self, value: float) -> Decimal:
        step = self._spec.step_size
        return max(step, (Decimal(value) // step) * step).quantize(step)

    def _price(self, ticks: int) -> Decimal:
        return ticks * self._spec.tick_size


def _rounded(value: float) -> Decimal:
    return Decimal(value).quantize(Decimal("0.00000001"))


def _poisson(random: Random, mean: float) -> int:
    # Knuth's method; means are small here.
    limit, count, product = math.exp(-mean), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count
