"""What still stands in the way of a resume, as the running node sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actors.snapshot import KillLine, PositionLine
from risk.decision import plain
from risk.judge import Judge

SHOCK = "price_shock"


def open_causes(
    judge: Judge, positions: Iterable[PositionLine], kills: Iterable[KillLine], now_ns: int
) -> Iterator[str]:
    """
    Yield each cause that a person must see gone before trading may go on, ``KIND: observed=...``.

    A loss counts while it is beyond its limit; those of the day and from the peak are measured anew
    by a resume, which has to say that it takes them as given. A price shock counts until
    it has left its window, because the next price would trip it again; storms are counted anew.

    """
    if judge.journal_error is not None:
        yield f"JOURNAL: observed={judge.journal_error}, limit=a journal that can be written"
    readings = judge.losses()
    if readings is None:
        yield "EQUITY_MISSING: observed=unknown, limit=known"
    for reading in readings or ():
        if reading.is_tripped:
            yield reading.text
    yield from _shock(judge, now_ns)
    hold = judge.holds.denial(now_ns)
    if hold is not None:
        yield hold.text
    for position in positions:
        if position.cached_qty != position.signed_qty:
            yield (
                f"POSITION_MISMATCH: observed={position.instrument_id} {position.signed_qty} in the "
                f"gate's books, limit={position.cached_qty} in the engine's"
            )
    for kill in kills:
        if kill.level == "FLATTEN" and kill.flat_ns is None:
            left = "; ".join(kill.left) or "not verified at the venue"
            yield f"FLATTEN_UNFINISHED: observed={left}, limit=flat and no orders in {kill.scope}"


def _shock(judge: Judge, now_ns: int) -> Iterator[str]:
    for breaker in judge.breakers(now_ns):
        observed, limit = breaker.observed, breaker.limit
        if breaker.key == SHOCK and observed is not None and observed > limit:
            yield f"PRICE_SHOCK: observed={plain(observed)}, limit={plain(limit)}"
