"""One symbol under watch: what was found, since when, and what was sent for it."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.model.enums import TriggerType
from nautilus_trader.model.identifiers import InstrumentId

from actors.cover_clock import CoverClock
from risk.mending import RETRY_MS_MAX
from risk.protection import Fault, Finding, Stop

NS_PER_MS = 1_000_000


class Tries:
    """How often something was sent for one matter, and when last."""

    __slots__ = ("count", "last_ns")

    def __init__(self) -> None:
        self.count = 0
        self.last_ns = 0

    def add(self, now_ns: int) -> None:
        """Count one."""
        self.count += 1
        self.last_ns = now_ns

    def ago_ms(self, now_ns: int) -> int:
        """Return how long ago the last one was, milliseconds."""
        return (now_ns - self.last_ns) // NS_PER_MS if self.count else RETRY_MS_MAX


class GuardedSymbol:
    """
    What is remembered of one symbol between two looks.

    Attributes
    ----------
    clock : CoverClock or None
        Of the position that is open; None while there is none.
    good : list[Stop]
        The stops that protected it at the last look.
    last_good : tuple or None
        Trigger price and type of the last stop that did.
    forced : Finding or None
        Why the position must go, whatever its stops.

    """

    def __init__(self, instrument_id: InstrumentId) -> None:
        self.instrument_id = instrument_id
        self.clock: CoverClock | None = None
        self.good: list[Stop] = []
        self.last_good: tuple[Decimal, TriggerType] | None = None
        self.forced: Finding | None = None
        self.covering = Tries()
        self.covering_ns = 0
        """Since when the part is known to be bare that ``covering`` counts for."""
        self.closing = Tries()
        self.cancels: dict[str, Tries] = {}
        self.is_blind = False
        self.blind_ns: int | None = None
        """Since when no price is fresh; ``is_blind``: and that was told."""
        self._standing: dict[tuple[Fault, str], int] = {}
        self._through: dict[str, int] = {}

    def reset(self) -> None:
        """Forget the position that is closed now."""
        self.clock = None
        self.good = []
        self.last_good = None
        self.forced = None
        self.covering, self.closing = Tries(), Tries()
        self._through.clear()

    def stand(self, findings: list[Finding], now_ns: int) -> dict[tuple[Fault, str], int]:
        """Return for how long each finding has stood, milliseconds, by fault and stop."""
        keys = {(f.fault, key) for f in findings for key in f.stops}
        self._standing = {key: self._standing.get(key, now_ns) for key in keys}
        return {key: (now_ns - since) // NS_PER_MS for key, since in self._standing.items()}

    def pass_through(self, passed: dict[str, bool], now_ns: int) -> dict[str, int]:
        """Return since when the price has been through each stop without a break, Unix ns."""
        self._through = {
            key: self._through.get(key, now_ns) for key, is_passed in passed.items() if is_passed
        }
        return self._through
