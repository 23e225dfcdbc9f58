"""Compare what the same strategies asked for in several runs of the same hours."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from risk.journal import read

BPS = Decimal(10_000)
NS_PER_MS = 1_000_000
CROSSING_NS_MAX = 1_000 * NS_PER_MS
"""So far apart a stop's fill and the exit that it makes pointless may be told."""
REQUESTS = frozenset({"SubmitOrder", "SubmitOrderList"})
"""The commands by which strategies ask for orders; what the gate does about them is not theirs."""


class Intent(NamedTuple):
    """
    What one strategy asked for with one command, granted or denied.

    Quantities in base units, prices in quote units. ``stop`` is the trigger of the entry's
    protective stop, ``target`` the price of its profit target.

    """

    instrument_id: str
    side: str
    order_type: str
    quantity: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    is_reduce_only: bool
    stop: Decimal | None
    target: Decimal | None


class Asked(NamedTuple):
    """An intent, when it was asked (Unix nanoseconds), and what was filled for it at what price."""

    intent: Intent
    ts_ns: int
    client_order_id: str


class Fill(NamedTuple):
    """All fills of one order: when the last came (Unix nanoseconds), the quantity, its average."""

    ts_ns: int
    quantity: Decimal
    avg_px: Decimal
    strategy_id: str = ""
    instrument_id: str = ""
    side: str = ""


class Difference(NamedTuple):
    """The first place where a run's intents leave those of the reference."""

    strategy_id: str
    run: str
    index: int
    expected: Intent | None
    observed: Intent | None


class FillGap(NamedTuple):
    """
    How a run's fills lie against the reference's, over the orders that both filled.

    ``px_bps_*`` is signed so that plus is worse for us; ``delay_ms`` is from the request to the
    last fill, ``reference_delay_ms`` likewise in the reference.

    """

    run: str
    orders: int
    px_bps_median: Decimal
    px_bps_worst: Decimal
    delay_ms: int
    reference_delay_ms: int


class Parity(NamedTuple):
    """What the comparison found; `is_equal` tells whether the intents are the same."""

    runs: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    differences: list[Difference]
    fills: list[FillGap]
    crossed: dict[str, int]
    """How many exits of each run crossed with a stop that had just closed the position."""

    @property
    def is_equal(self) -> bool:
        """Whether every run asked for the same orders in the same sequence."""
        return not self.differences


def compare(journals: Mapping[str, Path]) -> Parity:
    """
    Compare runs by their journals; the first one is the reference.

    Parameters
    ----------
    journals : Mapping[str, Path]
        Run name to its ``journal.jsonl``; at least two.

    Raises
    ------
    JournalError
        If a journal cannot be read.
    ValueError
        If there are fewer than two runs.

    """
    if len(journals) < 2:
        raise ValueError(f"journals: were {len(journals)}, must be at least 2")
    asked = {name: asked_in(path) for name, path in journals.items()}
    fills = {name: fills_in(path) for name, path in journals.items()}
    crossed = {name: _take_crossed(asked[name], fills[name]) for name in journals}
    reference, *others = asked
    strategies = sorted({key for run in asked.values() for key in run})
    differences = [
        difference
        for strategy_id in strategies
        for name in others
        if (difference := _first_difference(strategy_id, name, asked[reference], asked[name]))
    ]
    counts = {
        key: {name: len(run.get(key, [])) for name, run in asked.items()} for key in strategies
    }
    gaps = [
        _fill_gap(name, asked[reference], fills[reference], asked[name], fills[name])
        for name in others
    ]
    return Parity(tuple(asked), counts, differences, gaps, crossed)


def asked_in(journal: Path) -> dict[str, list[Asked]]:
    """Return what each strategy asked for, in order, granted or denied."""
    asked: dict[str, list[Asked]] = {}
    for record in read(journal):
        data = record["data"]
        if record["type"] not in ("approved", "denied") or data["command"] not in REQUESTS:
            continue
        rows = data["orders"]
        if rows:
            entry = Asked(_intent(rows), record["ts"], rows[0]["client_order_id"])
            asked.setdefault(rows[0]["strategy_id"], []).append(entry)
    return asked


def fills_in(journal: Path) -> dict[str, Fill]:
    """Return what was filled of each order, by its client order id."""
    fills: dict[str, Fill] = {}
    for record in read(journal):
        if record["type"] != "fill":
            continue
        row = record["data"]
        qty, px = Decimal(row["quantity"]), Decimal(row["price"])
        before = fills.get(row["client_order_id"], Fill(0, Decimal(0), Decimal(0)))
        total = before.quantity + qty
        avg_px = (before.quantity * before.avg_px + qty * px) / total
        whose = row["strategy_id"], row["instrument_id"], row["side"]
        fills[row["client_order_id"]] = Fill(record["ts"], total, avg_px, *whose)
    return fills


def _take_crossed(asked: dict[str, list[Asked]], fills: dict[str, Fill]) -> int:
    """
    Take out the exits that came to nothing because the stop had just filled; return how many.

    At a venue the word of a fill and the bar that makes a strategy exit come over two connections,
    in no order: the venue then refuses the exit, and nothing comes of it.

    """
    count = 0
    for strategy_id, requests in asked.items():
        kept = [a for a in requests if not _is_crossed(strategy_id, a, fills)]
        count += len(requests) - len(kept)
        requests[:] = kept
    return count


def _is_crossed(strategy_id: str, asked: Asked, fills: dict[str, Fill]) -> bool:
    intent = asked.intent
    if not intent.is_reduce_only or intent.order_type != "MARKET":
        return False
    whose = strategy_id, intent.instrument_id, intent.side
    return asked.client_order_id not in fills and any(
        (fill.strategy_id, fill.instrument_id, fill.side) == whose
        and abs(fill.ts_ns - asked.ts_ns) <= CROSSING_NS_MAX
        for fill in fills.values()
    )


def _intent(rows: list[dict[str, Any]]) -> Intent:
    first = rows[0]
    children = [row for row in rows[1:] if row.get("parent_id") == first["client_order_id"]]
    stop = next(
        (_decimal(c.get("trigger_price")) for c in children if c.get("trigger_price")), None
    )
    target = next((_decimal(c.get("price")) for c in children if c.get("price")), None)
    return Intent(
        first["instrument_id"], first["side"], first["order_type"], Decimal(first["quantity"]),
        _decimal(first.get("price")), _decimal(first.get("trigger_price")),
        bool(first.get("reduce_only", False)), stop, target,
    )  # fmt: skip


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _first_difference(
    strategy_id: str, name: str, reference: dict[str, list[Asked]], run: dict[str, list[Asked]]
) -> Difference | None:
    pairs = zip_longest(reference.get(strategy_id, []), run.get(strategy_id, []))
    for index, (expected, observed) in enumerate(pairs):
        if expected is None or observed is None or expected.intent != observed.intent:
            return Difference(
                strategy_id, name, index, expected and expected.intent, observed and observed.intent
            )
    return None


def _fill_gap(
    name: str,
    reference: dict[str, list[Asked]], reference_fills: dict[str, Fill],
    run: dict[str, list[Asked]], run_fills: dict[str, Fill],
) -> FillGap:  # fmt: skip
    gaps: list[Decimal] = []
    delays: list[int] = []
    reference_delays: list[int] = []
    for strategy_id, asked in reference.items():
        for ours, theirs in zip(asked, run.get(strategy_id, []), strict=False):
            before = reference_fills.get(ours.client_order_id)
            after = run_fills.get(theirs.client_order_id)
            # A stop waits for its price: how long says nothing about the venue.
            if before is None or after is None or ours.intent.order_type != "MARKET":
                continue
            worse = 1 if ours.intent.side == "BUY" else -1
            gaps.append(worse * (after.avg_px - before.avg_px) / before.avg_px * BPS)
            delays.append((after.ts_ns - theirs.ts_ns) // NS_PER_MS)
            reference_delays.append((before.ts_ns - ours.ts_ns) // NS_PER_MS)
    if not gaps:
        return FillGap(name, 0, Decimal(0), Decimal(0), 0, 0)
    worst = max(gaps, key=abs)
    return FillGap(
        name, len(gaps), Decimal(median(gaps)), worst, int(median(delays)),
        int(median(reference_delays)),
    )  # fmt: skip


def show(parity: Parity) -> str:
    """Return the comparison as text: requests of each strategy, what differs, and the fills."""
    lines = [f"{'requests':24}" + "".join(f"{name:>12}" for name in parity.runs)]
    for strategy_id, counts in parity.counts.items():
        lines.append(f"{strategy_id:24}" + "".join(f"{counts[name]:>12,}" for name in parity.runs))
    for difference in parity.differences:
        lines += [
            f"{difference.strategy_id} request {difference.index + 1} differs in {difference.run}:",
            f"  {parity.runs[0]}: {_show_intent(difference.expected)}",
            f"  {difference.run}: {_show_intent(difference.observed)}",
        ]
    lines += [_show_gap(gap, parity.runs[0]) for gap in parity.fills]
    lines += [
        f"exits of {name} that crossed with their stop, and are left out: {count}"
        for name, count in parity.crossed.items()
        if count
    ]
    verdict = "the same" if parity.is_equal else "NOT the same"
    return "\n".join([*lines, f"side, type, quantity, prices and stops of all requests: {verdict}"])


def _show_intent(intent: Intent | None) -> str:
    if intent is None:
        return "nothing"
    parts = [intent.side, f"{intent.quantity}", intent.order_type, intent.instrument_id]
    for name in ("price", "trigger_price", "stop", "target"):
        value = getattr(intent, name)
        if value is not None:
            parts.append(f"{name} {value}")
    return " ".join([*parts, "reduce-only"] if intent.is_reduce_only else parts)


def _show_gap(gap: FillGap, reference: str) -> str:
    if not gap.orders:
        return f"fills, {gap.run} against {reference}: no market order filled in both"
    return (
        f"fills, {gap.run} against {reference}: {gap.orders} market orders, price "
        f"{gap.px_bps_median:+.2f} bps in the median, {gap.px_bps_worst:+.2f} at most "
        f"(plus is worse), filled after {gap.delay_ms} ms against {gap.reference_delay_ms} ms"
    )
