"""A Nautilus cache whose cost for each fill does not grow with the orders that came before."""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Callable
from uuid import uuid4

from nautilus_trader.cache.cache import Cache
from nautilus_trader.cache.config import CacheConfig
from nautilus_trader.cache.facade import CacheDatabaseFacade
from nautilus_trader.model.identifiers import AccountId, InstrumentId, PositionId
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position


class BacktestCache(Cache):
    """
    The kernel's cache, with snapshots of closed positions kept as objects.

    Under NETTING a position id lives for ever: each closed cycle is put aside as a snapshot.
    The stock cache (nautilus_trader 1.231, ``cache/cache.pyx``) pickles a cycle twice to do so,
    and unpickles all of them whenever somebody asks for the snapshots.
    """

    def __init__(
        self, database: CacheDatabaseFacade | None = None, config: CacheConfig | None = None
    ) -> None:
        super().__init__(database, config)
        self._snapshots: defaultdict[PositionId, list[Position]] = defaultdict(list)
        self._snapshot_bytes: defaultdict[PositionId, list[bytes]] = defaultdict(list)

    def snapshot_position(self, position: Position) -> None:
        """Put a copy of *position* aside, under its id and a random suffix."""
        snapshot_id = PositionId(f"{position.id.value}-{uuid4()}")
        self._snapshots[position.id].append(_copy(position, snapshot_id))
        bare = _copy(position, snapshot_id, with_fills=False)
        self._snapshot_bytes[position.id].append(pickle.dumps(bare))

    def position_snapshots(
        self, position_id: PositionId | None = None, account_id: AccountId | None = None
    ) -> list[Position]:
        """Return the snapshots, oldest first, with the stock filters."""
        if position_id is not None:
            chosen = list(self._snapshots.get(position_id, ()))
        else:
            chosen = [snapshot for cycles in self._snapshots.values() for snapshot in cycles]
        if account_id is not None:
            chosen = [snapshot for snapshot in chosen if snapshot.account_id == account_id]
        return chosen

    def position_snapshot_ids(
        self, instrument_id: InstrumentId | None = None, account_id: AccountId | None = None
    ) -> set[PositionId]:
        """Return the ids of positions with snapshots, with the stock filters."""
        return {
            position_id
            for position_id, cycles in self._snapshots.items()
            if (instrument_id is None or cycles[0].instrument_id == instrument_id)
            and (account_id is None or any(cycle.account_id == account_id for cycle in cycles))
        }

    def position_snapshot_bytes(self, position_id: PositionId) -> list[bytes]:
        """
        Return the pickled snapshots of one position, oldest first.

        They are without their fills: the portfolio, which alone asks, reads account and PnL.
        """
        return self._snapshot_bytes.get(position_id, [])

    def purge_position(self, position_id: PositionId, purge_from_database: bool = False) -> None:  # noqa: FBT001, FBT002 - stock signature
        """Forget a closed position and its snapshots."""
        super().purge_position(position_id, purge_from_database)
        if self.position(position_id) is None:
            self._snapshots.pop(position_id, None)
            self._snapshot_bytes.pop(position_id, None)

    def reset(self) -> None:
        """Forget everything that a run has added."""
        super().reset()
        self._snapshots.clear()
        self._snapshot_bytes.clear()


def _copy(position: Position, position_id: PositionId, *, with_fills: bool = True) -> Position:
    """
    Return *position* under another id, without copying what it holds.

    Sharing is safe: a snapshot is taken of a closed cycle, and the cycle that follows is a new
    object (``ExecutionEngine._open_position``).
    """
    rebuild, arguments, state = position.__reduce__()
    old_id = position.id
    values = [position_id if value is old_id else value for value in state]
    if not with_fills:  # the only list and set there are: fills, adjustments, trade ids
        values = [type(value)() if isinstance(value, list | set) else value for value in values]
    copy = rebuild(*arguments)
    copy.__setstate__(tuple(values))
    return copy


class VenueCache(Cache):
    """
    The kernel's cache as the simulated venue sees it: the same, but for one question.

    On every fill the matching engine asks for all orders of the position, to find those that
    are still open and reduce-only (``backtest/engine.pyx``, ``fill_order``). Under NETTING that
    is every order ever sent. Here it gets the open ones only, sorted, where the stock answer
    has the order of a hash that differs from process to process.
    """

    def __init__(self, cache: Cache) -> None:
        super().__init__()
        self._kernel_cache = cache

    def orders_for_position(self, position_id: PositionId) -> list[Order]:
        """Return the open orders of the position."""
        cache = self._kernel_cache
        position = cache.position(position_id)
        instrument_id = None if position is None else position.instrument_id
        return [
            order
            for order in cache.orders_open(None, instrument_id)
            if cache.position_id(order.client_order_id) == position_id
        ]


def _forwarder(name: str) -> Callable[..., object]:
    def forward(self: VenueCache, *args: object) -> object:
        return getattr(self._kernel_cache, name)(*args)

    return forward


for _name, _member in vars(Cache).items():
    if not _name.startswith("_") and callable(_member) and _name not in vars(VenueCache):
        setattr(VenueCache, _name, _forwarder(_name))
