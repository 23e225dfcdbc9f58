"""How long one position was without its full stop."""

from __future__ import annotations

from risk.record import ProtectionRow

NS_PER_MS = 1_000_000
CAUSES_MAX = 20


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
    bare_ns, known_ns : int or None
        Since when a part has no stop, and since when that is known here; None while all has one.
    heard_ns : int
        How much of that spell the venue answered in.

    """

    def __init__(self, instrument_id: str, strategy_id: str, side: int, now_ns: int) -> None:
        self.instrument_id = instrument_id
        self.strategy_id = strategy_id
        self.side = side
        self.opened_ns = now_ns
        self.mends = 0
        self.bare_ns: int | None = None
        self.known_ns: int | None = None
        self.heard_ns = 0
        self._causes: dict[str, None] = {}
        self._ended_ns = 0
        self._longest_ns = 0
        self._seen_ns = now_ns

    def tick(
        self, now_ns: int, *, is_bare: bool, is_heard: bool, since_ns: int | None = None
    ) -> None:
        """
        Take how it stands from now on.

        Parameters
        ----------
        is_bare : bool
            Whether a part of the position has no stop.
        is_heard : bool
            Whether the venue answered questions since the last tick.
        since_ns : int, optional
            When it began, where the venue has told late; not before the position.

        """  # fmt: skip
        if self.bare_ns is not None and is_heard:
            self.heard_ns += now_ns - self._seen_ns
        self._seen_ns = now_ns
        if is_bare and self.bare_ns is None:
            begun_ns = now_ns if since_ns is None else min(max(since_ns, self.opened_ns), now_ns)
            self.bare_ns, self.known_ns, self.heard_ns = begun_ns, now_ns, now_ns - begun_ns
        elif not is_bare and self.bare_ns is not None:
            spell_ns = now_ns - self.bare_ns
            self._ended_ns += spell_ns
            self._longest_ns = max(self._longest_ns, spell_ns)
            self.bare_ns = self.known_ns = None
            self.heard_ns = 0

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
        return 0 if self.bare_ns is None else now_ns - self.bare_ns

    def row(self, now_ns: int) -> ProtectionRow:
        """Return what the journal keeps of it."""
        return ProtectionRow(
            self.instrument_id, self.strategy_id, self.opened_ns, now_ns,
            self.unprotected_ms(now_ns), self.longest_ms(now_ns), self.mends, tuple(self._causes),
        )  # fmt: skip
