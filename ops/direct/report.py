"""What a kill from outside did and when, told as it happens and as one report at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from configs.cli import BROKEN_INVARIANT, OK


class DirectReport(NamedTuple):
    """
    What came of a kill.

    ``ts_ns`` is its start, Unix nanoseconds; other times are milliseconds from there, by the monotonic
    clock, None for what did not happen.
    ``verified_ms``: the first look at everything that showed nothing left. ``confirmed_ms``: the
    look after the quiet time. ``left`` names, item by item, what is not as it was asked for;
    ``is_true``: that there is nothing, at a venue or, for a paper node, in the latch.

    """

    ts_ns: int
    level: str
    scope: str
    is_true: bool
    left: tuple[str, ...]
    last_cancel_ms: float | None
    stops_canceled_ms: float | None
    verified_ms: float | None
    confirmed_ms: float | None
    rounds: int
    requests: int
    steps: tuple[tuple[float, str], ...]

    @property
    def exit_code(self) -> int:
        """Return 0 when it is true, 70 when something is left."""
        return OK if self.is_true else BROKEN_INVARIANT

    @property
    def is_verified(self) -> bool:
        """Return whether a venue has shown it twice: never for a paper node, which has none."""
        return self.is_true and self.confirmed_ms is not None

    def row(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return self._asdict() | {"is_verified": self.is_verified, "exit_code": self.exit_code}


class Steps:
    """
    The steps of a kill, each with its time.

    Parameters
    ----------
    print_line : Callable
        Where a person reads them.

    """

    def __init__(self, print_line: Callable[[str], None]) -> None:
        self._print = print_line
        self._start = time.monotonic()
        self.told: list[tuple[float, str]] = []
        self.last_cancel_ms: float | None = None
        self.stops_canceled_ms: float | None = None
        self.verified_ms: float | None = None
        self.confirmed_ms: float | None = None

    @property
    def ms(self) -> float:
        """Return the milliseconds since the start."""
        return round((time.monotonic() - self._start) * 1_000, 1)

    def say(self, text: str) -> None:
        """Tell one step."""
        self.told.append((self.ms, text))
        self._print(f"+{self.told[-1][0] / 1_000:7.3f} s  {text}")

    def last_cancel(self) -> None:
        """Note that cancels of orders other than stops have been answered."""
        self.last_cancel_ms = self.ms

    def stops_canceled(self) -> None:
        """Note that cancels of stops have been answered."""
        self.stops_canceled_ms = self.ms

    def verified(self) -> None:
        """Note that a look showed nothing left; a later one that shows something undoes it."""
        self.verified_ms = self.verified_ms or self.ms

    def disproved(self) -> None:
        """Note that something is there again."""
        self.verified_ms = None
