"""A run with its papers, and what a check says of it."""

from collections.abc import Callable
from dataclasses import dataclass

from venue.checkers.log import Breach, Line, WireLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """
    What is judged.

    Attributes
    ----------
    log : WireLog
        What crossed the wire.
    journal : list of Line or None
        The node's journal.
    state : Line or None
        What the node believed at its end.
    limits : Line or None
        The table ``limits`` of its profile.
    unprotected_ms_max : int
        How long a position may be without its stop.
    reconcile_ms : int
        How long after that the node may need to find what the venue did not tell: the time between
        two of its comparisons.
    tolerance_ms : int
        How far the node's clock and the journal's stamps may lie apart from a request's.

    """

    log: WireLog
    journal: list[Line] | None = None
    state: Line | None = None
    limits: Line | None = None
    unprotected_ms_max: int = 5_000
    reconcile_ms: int = 0
    tolerance_ms: int = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found: breaches, and what it measured on the way."""

    breaches: list[Breach]
    figures: dict[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """A rule that a run must keep, and the papers that it needs (names of ``Run``)."""

    name: str
    rule: str
    needs: tuple[str, ...]
    judge: Callable[[Run], Verdict]
