"""How long one position was without its full stop."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import NamedTuple

from risk.record import ProtectionRow

NS_PER_MS = 1_000_000
CAUSES_MAX = 20


class Piece(NamedTuple):
    """
    A part of a position that lost its stop, or never had one, at one moment.

    ``since_ns`` is when, ``known_ns`` when that was known here; ``heard_ns`` is what the clock had
    counted by then of the time in which the venue answered.

    """

    qty: Decimal
    since_ns: int
    known_ns: int
    heard_ns: int


class CoverClock:
    """
    Counts the time of one position, from the moment that it is seen until it is closed.

    Parameters
    ----------
    instrument_id, strategy_id : str
        What is held, and by whom most of it.
    side : int
        +1 for long, -1 for short: the other side is another position.
    now_ns : int
        Unix nanoseconds.

    Attributes
    ----------
    mends : int
        How often something was sent for it.

    """

    def __init__(self, instrument_id: str, strategy_id: str, side: int, now_ns: int) -> None:
        self.instrument_id = instrument_id
        self.strategy_id = strategy_id
        self.side = side
        self.opened_ns = now_ns
        self.mends = 0
        self._bare_ns: int | None = None
        self._pieces: deque[Piece] = deque()
        self._heard_ns = 0
        self._causes: dict[str, None] = {}
        self._ended_ns = 0
        self._longest_ns = 0
        self._seen_ns = now_ns

    def tick(
        self, now_ns: int, missing_qty: Decimal, *, is_heard: bool, since_ns: int | None = None
    ) -> None:
        """
        Take how it stands from now on.

        Parameters
        ----------
        missing_qty : Decimal
            What no stop protects, base units (>= 0).
        is_heard : bool
            Whether the venue answered questions since the last tick.
        since_ns : int, optional
            When it began, where the venue has told late; not before the position.

        """
        if is_heard:
            self._heard_ns += now_ns - self._seen_ns
        self._seen_ns = now_ns
        begun_ns = now_ns if since_ns is None else min(max(since_ns, self.opened_ns), now_ns)
        self._count(missing_qty, begun_ns, now_ns)
        if missing_qty > 0 and self._bare_ns is None:
            self._bare_ns = begun_ns
        elif missing_qty <= 0 and self._bare_ns is not None:
            spell_ns = now_ns - self._bare_ns
            self._ended_ns += spell_ns
            self._longest_ns = max(self._longest_ns, spell_ns)
            self._bare_ns = None

    def _count(self, missing_qty: Decimal, begun_ns: int, now_ns: int) -> None:
        """Add a piece for what is missing in addition; what is covered again was the oldest."""
        more_qty = missing_qty - sum((piece.qty for piece in self._pieces), Decimal(0))
        if more_qty > 0:
            heard_ns = self._heard_ns - (now_ns - begun_ns)
            self._pieces.append(Piece(more_qty, begun_ns, now_ns, heard_ns))
        while more_qty < 0:
            oldest = self._pieces.popleft()
            more_qty += oldest.qty
            if more_qty > 0:
                self._pieces.appendleft(oldest._replace(qty=more_qty))

    @property
    def oldest(self) -> Piece | None:
        """Return the part that has been without a stop for longest; None while all has one."""
        return self._pieces[0] if self._pieces else None

    def heard_ms(self) -> int:
        """Return for how long that part has been so while the venue answered, milliseconds."""
        oldest = self.oldest
        return 0 if oldest is None else (self._heard_ns - oldest.heard_ns) // NS_PER_MS

    def note(self, cause: str) -> None:
        """Keep why something was sent for it."""
        self.mends += 1
        if len(self._causes) < CAUSES_MAX:
            self._causes[cause] = None

    def unprotected_ms(self, now_ns: int) -> int:
        """Return the time without a full stop in all, milliseconds."""
        return (self._ended_ns + self._spell_ns(now_ns)) // NS_PER_MS

    def longest_ms(self, now_ns: int) -> int:
        """Return the longest time without a full stop at once, milliseconds."""
        return max(self._longest_ns, self._spell_ns(now_ns)) // NS_PER_MS

    def _spell_ns(self, now_ns: int) -> int:
        return 0 if self._bare_ns is None else now_ns - self._bare_ns

    def row(self, now_ns: int) -> ProtectionRow:
        """Return what the journal keeps of it."""
        return ProtectionRow(
            self.instrument_id, self.strategy_id, self.opened_ns, now_ns,
            self.unprotected_ms(now_ns), self.longest_ms(now_ns), self.mends, tuple(self._causes),
        )  # fmt: skip
