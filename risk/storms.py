"""Storms: refusals that come in numbers, by our gate or by the venue."""

from __future__ import annotations

from decimal import Decimal

from risk.breakers import NS_PER_SEC, Reading
from risk.decision import Denial, DenyReason
from risk.holds import REASONS
from risk.limits import StormLimits
from risk.windows import EventWindow

DENIALS, REJECTS = "denial_storm", "reject_storm"
CLOSED_DOOR = frozenset(
    {
        DenyReason.TRADING_REDUCING,
        DenyReason.TRADING_HALTED,
        DenyReason.JOURNAL_UNAVAILABLE,
        *REASONS.values(),
    }
)
"""Denials that say nothing about the order: whoever asks while nothing may leave has done no wrong,
and what closed the door has been told already."""


class Storms:
    """
    Counts denials and rejections within a window.

    Parameters
    ----------
    limits : StormLimits
        How many are too many.

    """

    def __init__(self, limits: StormLimits) -> None:
        self._window_ns = limits.window_sec * NS_PER_SEC
        self._most = {DENIALS: limits.denials_max, REJECTS: limits.rejects_max}
        self._windows = {key: EventWindow(self._window_ns) for key in self._most}

    def deny(self, denial: Denial, instrument_id: str, now_ns: int) -> Reading | None:
        """Count a denial of the gate; None when it does not count."""
        if denial.reason in CLOSED_DOOR:
            return None
        return self._count(DENIALS, instrument_id, now_ns)

    def reject(self, instrument_id: str, ts_ns: int, now_ns: int) -> Reading | None:
        """Count what the venue rejected at *ts_ns*; None when it is told too late to count."""
        if now_ns - ts_ns >= self._window_ns:
            return None
        return self._count(REJECTS, instrument_id, now_ns)

    def readings(self, now_ns: int) -> list[Reading]:
        """Return both as they stand."""
        return [self._reading(key, "", now_ns) for key in self._most]

    def clear(self) -> None:
        """Count anew."""
        self._windows = {key: EventWindow(self._window_ns) for key in self._most}

    def _count(self, key: str, instrument_id: str, now_ns: int) -> Reading:
        self._windows[key].add(now_ns)
        return self._reading(key, instrument_id, now_ns)

    def _reading(self, key: str, instrument_id: str, now_ns: int) -> Reading:
        seen = Decimal(self._windows[key].count(now_ns))
        return Reading(key, key.upper(), seen, Decimal(self._most[key]), instrument_id)
