"""What drills expect of venue and node, each as something that can be looked for again and again."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ops.drills.stage import Look, Stage
from ops.drills.truth import Truth
from ops.node_files import read_kills


def holds(stage: Stage, count: int) -> Look:
    """Expect so many positions, each with a full stop at the venue, and a node that says ACTIVE."""

    async def look() -> tuple[bool, str]:
        if stage.has_ended:
            stage.log.saw("the node lives", stage.last_words(), stage.log.at_ms, is_ok=False)
        truth, state = await stage.truth(), stage.status().get("state")
        is_ok = len(truth.positions) >= count and not truth.naked and state == "ACTIVE"
        return is_ok, f"{truth}; the node says {state}"

    return look


def protected(stage: Stage, *symbols: str) -> Look:
    """Expect that positions are there (in each of *symbols*), each with one full stop."""

    async def look() -> tuple[bool, str]:
        truth = (await stage.truth()).only(*symbols)
        is_there = set(truth.positions) >= set(symbols) and bool(truth.positions)
        return is_there and not truth.naked and not truth.doubled, str(truth)

    return look


def left_in_order(stage: Stage) -> Look:
    """Expect that every position there is has its one full stop, and that no entry works."""

    async def look() -> tuple[bool, str]:
        truth = await stage.truth()
        entries = [row for row in truth.orders if not row["reduce_only"]]
        return not (truth.naked or truth.doubled or entries), str(truth)

    return look


def measured(stage: Stage, instrument_id: str, longest_ms_max: int) -> Look:
    """Expect the journal's account of a closed position: never longer without its full stop."""

    async def look() -> tuple[bool, str]:
        rows = [row["data"] for row in stage.records("protection")]
        longest = [row["longest_ms"] for row in rows if row["instrument_id"] == instrument_id]
        is_ok = bool(longest) and max(longest) <= longest_ms_max
        return is_ok, f"longest without a full stop: {longest} ms"

    return look


def same_positions(stage: Stage, before: Truth) -> Look:
    """Expect the positions of before, each with one full stop: nothing lost, nothing doubled."""

    async def look() -> tuple[bool, str]:
        truth = await stage.truth()
        is_same = dict(truth.positions) == dict(before.positions)
        return is_same and not truth.naked and not truth.doubled, str(truth)

    return look


def empty(stage: Stage, *symbols: str) -> Look:
    """Expect no position, no order and no conditional order at the venue (in *symbols*)."""

    async def look() -> tuple[bool, str]:
        truth = (await stage.truth()).only(*symbols)
        return truth.is_empty, str(truth)

    return look


def untouched(stage: Stage, before: Truth, *symbols: str) -> Look:
    """Expect the positions of *symbols* as they were, each with its stop."""

    async def look() -> tuple[bool, str]:
        truth = (await stage.truth()).only(*symbols)
        is_same = dict(truth.positions) == dict(before.only(*symbols).positions)
        return is_same and not truth.naked, str(truth)

    return look


def silent(stage: Stage, line: int) -> Look:
    """Expect that nothing that could open anything was sent since a line of the wire log."""

    async def look() -> tuple[bool, str]:
        rows = await stage.orders_since(line)
        opening = [row["params"] for row in rows if row["params"].get("reduceOnly") != "true"]
        return not opening, f"{len(rows)} orders sent, of these may open something: {opening}"

    return look


def state(stage: Stage, name: str, cause: str = "") -> Look:
    """Expect a trading state, and *cause* among its causes, in the latch and in the status."""

    async def look() -> tuple[bool, str]:
        view, told = stage.latch(), stage.status()
        if view is None:
            return False, "no latch that can be read"
        causes = [str(text) for text in told.get("causes", ())]
        is_ok = view.state.name == name == told.get("state")
        is_ok = is_ok and any(cause in text for text in (*view.causes, *causes))
        return is_ok, f"latch {view.state.name}: {', '.join(view.causes) or 'no cause'}; " + (
            f"status {told.get('state')}"
        )

    return look


def tripped(stage: Stage, cause: str) -> Look:
    """Expect that trading is not ACTIVE, with *cause* among the causes in the latch."""

    async def look() -> tuple[bool, str]:
        view = stage.latch()
        if view is None:
            return False, "no latch that can be read"
        is_ok = view.state.name != "ACTIVE" and any(cause in text for text in view.causes)
        return is_ok, f"latch {view.state.name}: {', '.join(view.causes) or 'no cause'}"

    return look


def active(stage: Stage) -> Look:
    """Expect that latch and status say ACTIVE and that no kill is open."""

    async def look() -> tuple[bool, str]:
        view, told = stage.latch(), stage.status()
        if view is None:
            return False, "no latch that can be read"
        is_ok = view.state.name == "ACTIVE" == told.get("state") and not view.kills
        return is_ok, f"latch {view.state.name}, {len(view.kills)} kills; {told.get('state')}"

    return look


def settled(stage: Stage) -> Look:
    """Expect that nothing stands in the way of a resume, as the node sees it."""

    async def look() -> tuple[bool, str]:
        told = stage.status()
        causes = ", ".join(map(str, told.get("open_causes", ("no status",))))
        return not causes, f"open: {causes or 'nothing'}"

    return look


def killed(stage: Stage, level: str, scope: str, source: str) -> Look:
    """Expect a kill in the latch, by this source."""

    async def look() -> tuple[bool, str]:
        view = stage.latch()
        kills = () if view is None else view.kills
        is_ok = any(
            (kill.level.name, str(kill.scope), kill.source) == (level, scope, source)
            for kill in kills
        )
        told = "; ".join(f"{k.level.name} of {k.scope} by {k.source}" for k in kills)
        return is_ok, f"latch: {told or 'no kill'}"

    return look


def done(stage: Stage, level: str, scope: str) -> Look:
    """Expect that the node itself says that a kill is done and verified."""

    async def look() -> tuple[bool, str]:
        lines = [k for k in read_kills(stage.state) if (k.level, k.scope) == (level, scope)]
        told = "; ".join(
            f"{k.level} of {k.scope}: left {', '.join(k.left) or 'none'}" for k in lines
        )
        return any(line.done_ns is not None for line in lines), told or "no such kill"

    return look


def journaled(stage: Stage, kind: str, words: str, after: int = 0) -> Look:
    """Expect a record of *kind* with *words* in the journal, after so many of its kind."""

    async def look() -> tuple[bool, str]:
        rows = stage.records(kind)[after:]
        found = [str(row["data"]) for row in rows if words in str(row["data"])]
        return bool(found), found[0] if found else f"{len(rows)} {kind} records, none with it"

    return look


def beating(stage: Stage) -> Look:
    """Expect a living node."""

    async def look() -> tuple[bool, str]:
        trouble = stage.files().trouble
        return trouble is None, trouble or "the node beats"

    return look


def holding(stage: Stage, reason: str) -> Look:
    """Expect that new risk is held back for *reason*; with none, that nothing holds it."""

    async def look() -> tuple[bool, str]:
        hold = stage.status().get("hold")
        is_ok = hold is None if not reason else reason in str(hold)
        return is_ok, f"hold: {hold}"

    return look


def feed_is_old(stage: Stage, instrument_id: str, age_ms: int) -> Look:
    """Expect that the heartbeat tells a feed's age, at least so many milliseconds."""

    async def look() -> tuple[bool, str]:
        feeds: Mapping[str, int | None] = stage.files().heartbeat.get("feeds") or {}
        age = feeds.get(instrument_id)
        return age is None or age >= age_ms, f"{instrument_id}: {age} ms"

    return look


def watchdog_says(stage: Stage, kind: str, words: str = "") -> Look:
    """Expect an event in the watchdog's own journal."""
    from ops.drills.stage import rows_of
    from ops.watchdog.alarm import JOURNAL_NAME

    async def look() -> tuple[bool, str]:
        rows = rows_of(stage.state.path / JOURNAL_NAME)
        found = [row for row in rows if row["kind"] == kind and words in row["text"]]
        told = found or rows[-1:]
        return bool(found), "; ".join(f"{row['kind']}: {row['text']}" for row in told[:2])

    return look


def mended(stage: Stage, before: Truth, symbol: str) -> Look:
    """Expect a new full stop where that of *before* was, and the same position."""
    old = {row["algo_id"] for row in before.stops}

    async def look() -> tuple[bool, str]:
        truth = (await stage.truth()).only(symbol)
        new = [row for row in truth.stops if row["algo_id"] not in old]
        amt = truth.positions.get(symbol, Decimal(0))
        is_ok = bool(new) and not truth.naked and amt == before.positions[symbol]
        return is_ok, str(truth)

    return look
