"""Turn recorded depth snapshots and updates into order book deltas."""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from nautilus_trader.model.enums import BookAction, OrderSide, RecordFlag
from nautilus_trader.model.instruments import Instrument

from catalog import encode
from catalog.layout import Stamps
from catalog.messages import SNAPSHOT, Events


class Book:
    """
    The depth messages of one recorded file.

    The rules are the venue's ("How to manage a local order book correctly"): an update older
    than the snapshot is dropped, and each update must name the one before it in ``pu``. A
    snapshot becomes a CLEAR and one ADD a level; the last delta of each message has F_LAST.
    """

    def __init__(self, instrument: Instrument, skipped: Counter[str]) -> None:
        self._instrument = instrument
        self._skipped = skipped
        self._last_update_id: int | None = None
        self._is_first = True

    def deltas(self, events: Mapping[str, Events]) -> Iterator[pa.Table]:
        """
        Yield the deltas of one block of a file.

        Raises
        ------
        LineError
            If an update does not follow the one before it: messages were lost, and the book
            would be wrong from there on.

        """
        updates, snapshots = events.get("depthUpdate"), events.get(SNAPSHOT)
        if snapshots is not None:
            yield from (self._snapshot(snapshots, row) for row in range(len(snapshots.lines)))
        if updates is not None:
            self._check_chain(updates)
            if snapshots is not None and self._is_first:
                updates = self._from_snapshot_on(updates, snapshots)
            yield self._updates(updates)
        self._is_first = False

    def _check_chain(self, updates: Events) -> None:
        ids, before = updates["u"].to_numpy(), updates["pu"].to_numpy()
        first = before[0] if self._last_update_id is None else self._last_update_id
        broken = before != np.concatenate([[first], ids[:-1]])
        if broken.any():
            row = int(np.argmax(broken))
            expected = ids[row - 1] if row else first
            raise updates.refuse(
                row, f"depth updates are missing: pu={before[row]}, not {expected}"
            )
        self._last_update_id = int(ids[-1])

    def _from_snapshot_on(self, updates: Events, snapshots: Events) -> Events:
        last_update_id = snapshots["lastUpdateId"][0].as_py()
        is_new = updates["u"].to_numpy() >= last_update_id
        if not is_new.all():
            self._skipped["depth update older than the snapshot"] += int((~is_new).sum())
        kept = updates.filter(is_new)
        if len(kept.lines) and (before := kept["pu"][0].as_py()) > last_update_id:
            rule = f"depth updates are missing after the snapshot: pu={before} > {last_update_id}"
            raise kept.refuse(0, rule)
        return kept

    def _snapshot(self, snapshots: Events, row: int) -> pa.Table:
        event = snapshots.filter(np.arange(len(snapshots.lines)) == row)
        parents, sides, prices, sizes = _levels(event, "bids", "asks")
        none = pa.array(["0"])
        flags = np.full(len(sides) + 1, RecordFlag.F_SNAPSHOT.value)
        flags[-1] |= RecordFlag.F_LAST.value
        columns = {
            "action": np.array([BookAction.CLEAR.value] + [BookAction.ADD.value] * len(sides)),
            "side": np.concatenate([[OrderSide.NO_ORDER_SIDE.value], sides]),
            "price": pa.concat_arrays([none, prices]),
            "size": pa.concat_arrays([none, sizes]),
            "flags": flags,
            "sequence": np.repeat(event["lastUpdateId"].to_numpy(), len(flags)),
            "ts_event": np.repeat(event.stamps("T", "E"), len(flags)),
        }
        with event.naming_lines(np.concatenate([[0], parents])):
            return encode.deltas_table(self._instrument, columns)

    def _updates(self, updates: Events) -> pa.Table:
        parents, sides, prices, sizes = _levels(updates, "b", "a")
        is_last = np.append(parents[1:] != parents[:-1], True)[: len(parents)]
        with updates.naming_lines(parents):
            exact = encode.raw(sizes, self._instrument.size_precision, "size")
        is_gone = pc.equal(encode.decimals(exact), 0).to_numpy(zero_copy_only=False)
        columns = {
            "action": np.where(is_gone, BookAction.DELETE.value, BookAction.UPDATE.value),
            "side": sides,
            "price": prices,
            "size": encode.decimals(exact),
            "flags": np.where(is_last, RecordFlag.F_LAST.value, 0),
            "sequence": updates["u"].to_numpy()[parents],
            "ts_event": updates.stamps("T", "E")[parents],
        }
        with updates.naming_lines(parents):
            return encode.deltas_table(self._instrument, columns)


def _levels(events: Events, bids: str, asks: str) -> tuple[Stamps, Stamps, pa.Array, pa.Array]:
    """Return message, side, price and size of each level, a message's bids before its asks."""
    parents, sides, prices, sizes = [], [], [], []
    for name, side in ((bids, OrderSide.BUY), (asks, OrderSide.SELL)):
        lists = events[name].combine_chunks()
        parent = pc.list_parent_indices(lists).to_numpy()
        pairs = pc.list_flatten(lists)
        is_pair = pc.equal(pc.list_value_length(pairs), 2).to_numpy(zero_copy_only=False)
        if not is_pair.all():
            row = int(parent[np.argmin(is_pair)])
            raise events.refuse(row, f"{name} has a level that is not a price and a size")
        flat = pc.list_flatten(pairs)
        parents.append(parent)
        sides.append(np.full(len(parent), side.value))
        prices.append(flat.take(pa.array(np.arange(0, len(flat), 2))))
        sizes.append(flat.take(pa.array(np.arange(1, len(flat), 2))))
    order = np.argsort(np.concatenate(parents), kind="stable")
    index = pa.array(order)
    return (
        np.concatenate(parents)[order],
        np.concatenate(sides)[order],
        pa.concat_arrays(prices).take(index),
        pa.concat_arrays(sizes).take(index),
    )
