"""ACTIVE, REDUCING, HALTED: tightens by itself, is loosened only by a person with a reason."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class TradingState(IntEnum):
    """
    What may leave.

    ACTIVE: everything that passes the rules. REDUCING: nothing that raises the worst case. HALTED:
    nothing but cancels, exits and protective stops.

    """

    ACTIVE = 0
    REDUCING = 1
    HALTED = 2


class Transition(NamedTuple):
    """A change of state, or a further cause for the present one."""

    ts_ns: int
    previous: TradingState
    state: TradingState
    cause: str
    by: str


class StateMachine:
    """The present state, its open causes and every transition."""

    def __init__(
        self, state: TradingState = TradingState.ACTIVE, causes: tuple[str, ...] = ()
    ) -> None:
        self.state = state
        self.causes: list[str] = list(causes)
        self.since_ns = 0
        self.transitions: list[Transition] = []

    def trip(self, state: TradingState, *, cause: str, by: str, ts_ns: int) -> Transition | None:
        """
        Tighten to *state* or keep a tighter one; a state is never loosened here.

        Returns
        -------
        Transition, optional
            What changed; None when the same cause at the same or a tighter state was known.

        """
        name = cause.split(":", 1)[0]
        known = any(c.split(":", 1)[0] == name for c in self.causes)
        if known and state <= self.state:
            return None
        transition = Transition(ts_ns, self.state, max(state, self.state), cause, by)
        if transition.state > self.state:
            self.since_ns = ts_ns
        self.state = transition.state
        self.causes.append(cause)
        self.transitions.append(transition)
        return transition

    def resume(self, *, by: str, reason: str, ts_ns: int) -> Transition:
        """
        Loosen to ACTIVE and forget the causes.

        Raises
        ------
        ValueError
            If *by* or *reason* is empty, or nothing is tripped.

        """
        if not by.strip() or not reason.strip():
            raise ValueError(f"resume needs a person and a reason: by={by!r}, reason={reason!r}")
        if self.state is TradingState.ACTIVE:
            raise ValueError("resume: trading is ACTIVE, nothing is tripped")
        transition = Transition(ts_ns, self.state, TradingState.ACTIVE, f"RESUMED: {reason}", by)
        self.state = TradingState.ACTIVE
        self.causes.clear()
        self.since_ns = ts_ns
        self.transitions.append(transition)
        return transition
