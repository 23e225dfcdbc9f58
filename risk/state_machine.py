"""The trading state and its kills: tightened by itself, loosened only by a person with a reason."""

from __future__ import annotations

from collections.abc import Collection

from risk.kills import Kill, Scope
from risk.trading_state import TradingState, Transition

SAME_PULL_NS = 100_000_000
"""Repeated pulls within so much are one: a hand pulls file and Redis, and a storm writes no more."""


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

    def resume(
        self, *, by: str, reason: str, ts_ns: int, scopes: Collection[Scope] | None = None
    ) -> Transition:
        """
        Loosen to ACTIVE and forget causes and kills; with *scopes*, only what is of these.

        The account's state, and all its causes, are the account's own: they go with its scope.

        Raises
        ------
        ValueError
            If *by* or *reason* is empty, or nothing of it is tripped.

        """
        if not by.strip() or not reason.strip():
            raise ValueError(f"resume needs a person and a reason: by={by!r}, reason={reason!r}")
        left = [kill for kill in self.kills if scopes is not None and kill.scope not in scopes]
        is_account = scopes is None or any(not scope.name for scope in scopes)
        is_loosened = is_account and self.state is not TradingState.ACTIVE
        named = "" if scopes is None else f" {', '.join(map(str, sorted(scopes)))}"
        if not is_loosened and len(left) == len(self.kills):
            told = (
                f"no kill of{named} is open" if named else "trading is ACTIVE, nothing is tripped"
            )
            raise ValueError(f"resume: {told}")
        self.kills = left
        before = self.state
        if is_loosened:
            self.state, self.causes, self.since_ns = TradingState.ACTIVE, [], ts_ns
        transition = Transition(ts_ns, before, self.state, f"RESUMED{named}: {reason}", by)
        self.transitions.append(transition)
        return transition
