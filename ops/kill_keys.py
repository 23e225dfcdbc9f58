"""The kill switch on the screen: a key asks, the same key once more pulls."""

from __future__ import annotations

from collections.abc import Callable

from risk.kills import KillLevel

KEYS = {"r": KillLevel.REDUCE, "h": KillLevel.HALT, "f": KillLevel.FLATTEN}
CONFIRM_SEC = 5.0
"""Within so long the key must be pressed once more."""
HELP = "r/h/f twice: REDUCE/HALT/FLATTEN"


class KillKeys:
    """
    Takes single keys, and pulls the switch when one is pressed twice in a row.

    Parameters
    ----------
    pull : Callable
        Pulls the switch at a level.
    now : Callable
        Seconds of a clock that only goes forward.

    """

    def __init__(self, pull: Callable[[KillLevel], None], now: Callable[[], float]) -> None:
        self._pull = pull
        self._now = now
        self._asked: KillLevel | None = None
        self._until = 0.0

    def press(self, key: str) -> None:
        """Ask, or pull when the same was asked within `CONFIRM_SEC`; any other key forgets it."""
        level, asked = KEYS.get(key), self.asked
        self._asked = None
        if level is None:
            return
        if level is asked:
            self._pull(level)
            return
        self._asked, self._until = level, self._now() + CONFIRM_SEC

    @property
    def asked(self) -> KillLevel | None:
        """Return the level that waits for its second press."""
        return self._asked if self._now() <= self._until else None

    @property
    def question(self) -> str | None:
        """Return what is asked on the screen, None when nothing is."""
        if self.asked is None:
            return None
        key = next(key for key, level in KEYS.items() if level is self.asked)
        return f"{self.asked.name}? press {key} once more within {CONFIRM_SEC:.0f} s"
