"""ACTIVE, REDUCING, HALTED: tightens by itself, is loosened only by a person with a reason."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from risk.kills import Kill, Scope


SAME_PULL_NS = 100_000_000
"""Repeated pulls within so much are one: a hand pulls file and Redis, and a storm writes no more."""


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
    """
    The present state of the account, its open causes, every transition, and every kill.

    A kill of the account trips its state; one of a symbol or a strategy stands beside it, and the
    tighter of the two governs.

    """

    def __init__(
        self, state: TradingState = TradingState.ACTIVE, causes: tuple[str, ...] = ()
    ) -> None:
        self.state = state
        self.causes: list[str] = list(causes)
        self.kills: list[Kill] = []
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

    def kill(self, kill: Kill) -> Transition | None:
        """
        Take a pull of the kill switch; pulling twice, or more gently, stops nothing more.

        It is news all the same, so that whoever is about to resume can see it: the same level renews
        who pulled it, why and when, a gentler one is written down.

        Returns
        -------
        Transition, optional
            What changed; None for a pull that is known, or came within `SAME_PULL_NS` of another.

        """
        known = next((k for k in self.kills if k.scope == kill.scope), None)
        if known is not None and known.level >= kill.level:
            return self._again(known, kill)
        self.kills = [k for k in self.kills if k.scope != kill.scope] + [kill]
        told = None
        if not kill.scope.name:
            told = self.trip(kill.level.state, cause=kill.cause, by=kill.by, ts_ns=kill.ts_ns)
        if told is None:
            told = Transition(kill.ts_ns, self.state, self.state, kill.cause, kill.by)
            self.transitions.append(told)
        return told

    def _again(self, known: Kill, kill: Kill) -> Transition | None:
        last = self.transitions[-1].ts_ns if self.transitions else 0
        if kill.ts_ns - max(known.ts_ns, last) < SAME_PULL_NS:
            return None
        if kill.level == known.level:
            self.kills[self.kills.index(known)] = kill
            self.causes = [kill.cause if cause == known.cause else cause for cause in self.causes]
        told = Transition(kill.ts_ns, self.state, self.state, kill.cause, kill.by)
        self.transitions.append(told)
        return told

    def governing(self, instrument_id: str, strategy_id: str) -> tuple[TradingState, str]:
        """Return the state that an order of this symbol and strategy meets, and why."""
        state, causes = self.state, self.causes
        for kill in self.kills:
            if kill.scope.name and kill.scope.covers(instrument_id, strategy_id):
                state, causes = max(state, kill.level.state), [*causes, kill.cause]
        return state, "; ".join(causes)

    def is_flattening(self, instrument_id: str, strategy_id: str) -> bool:
        """Return whether a kill asks for positions of this symbol and strategy to be closed."""
        return any(
            kill.flattens and kill.scope.covers(instrument_id, strategy_id) for kill in self.kills
        )

    def resume(self, *, by: str, reason: str, ts_ns: int, scope: Scope | None = None) -> Transition:
        """
        Loosen to ACTIVE and forget causes and kills; with a *scope*, only the kills of that one.

        Raises
        ------
        ValueError
            If *by* or *reason* is empty, or nothing is tripped.

        """
        if not by.strip() or not reason.strip():
            raise ValueError(f"resume needs a person and a reason: by={by!r}, reason={reason!r}")
        if scope is not None and scope.name:
            return self._resume_scope(scope, by=by, reason=reason, ts_ns=ts_ns)
        if self.state is TradingState.ACTIVE and not self.kills:
            raise ValueError("resume: trading is ACTIVE, nothing is tripped")
        self.kills.clear()
        transition = Transition(ts_ns, self.state, TradingState.ACTIVE, f"RESUMED: {reason}", by)
        self.state = TradingState.ACTIVE
        self.causes.clear()
        self.since_ns = ts_ns
        self.transitions.append(transition)
        return transition

    def _resume_scope(self, scope: Scope, *, by: str, reason: str, ts_ns: int) -> Transition:
        left = [kill for kill in self.kills if kill.scope != scope]
        if len(left) == len(self.kills):
            raise ValueError(f"resume: no kill of {scope} is open")
        self.kills = left
        transition = Transition(ts_ns, self.state, self.state, f"RESUMED {scope}: {reason}", by)
        self.transitions.append(transition)
        return transition
