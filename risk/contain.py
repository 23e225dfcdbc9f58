"""Containment: what a strategy raises ends its own trading, and nobody else's (ADR 0009)."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from pathlib import PurePath
from types import FunctionType
from typing import Any

from nautilus_trader.common.component import Clock, Logger
from nautilus_trader.core.data import Data
from nautilus_trader.trading.strategy import Strategy

from risk.judge import Judge
from risk.kills import Kill, KillLevel, Scope, plain_words

LET_THROUGH = frozenset({"on_start", "on_load", "on_save"})
"""What a node does before it trades: there an exception refuses the start."""
EVENTS = "handle_event"


class Containment:
    """
    Catches what strategies raise in whatever the node calls of them.

    The strategy is killed at REDUCE, by scope and latched, with the exception as the reason. While
    that kill is open it hears no market data any more; order, position and time events and its own
    stop still reach it, so that it can close what it has: the gate lets out nothing but exits.

    Parameters
    ----------
    judge : Judge
        Takes the kill.
    clock : Clock
        The kernel's.

    """

    def __init__(self, judge: Judge, clock: Clock) -> None:
        self._judge = judge
        self._clock = clock
        self._log = Logger("Containment")
        self._raised: dict[str, int] = {}
        self._depths: dict[int, int] = {}

    def contain(self, strategy: Strategy) -> None:
        """
        Take charge of a strategy that has not been added to a trader yet.

        Every method by which bus, clock and engines can enter it is replaced on the instance: those
        of the base that take data and events, and all that its own classes define. What an inner
        one raises goes up to the one that was entered.

        """
        base = (name for name in dir(Strategy) if _is_entrance(name))
        own = (
            name
            for cls in type(strategy).__mro__[: type(strategy).__mro__.index(Strategy)]
            for name, value in vars(cls).items()
            if isinstance(value, FunctionType) and not name.startswith("__")
        )
        for name in dict.fromkeys((*base, *own)):
            setattr(strategy, name, self._contained(strategy, name, getattr(strategy, name)))

    def _contained(
        self, strategy: Strategy, name: str, method: Callable[..., Any]
    ) -> Callable[..., Any]:
        depths, key = self._depths, id(strategy)
        is_of_the_base = _is_entrance(name)

        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            depth = depths.get(key, 0)
            # What comes over the bus must not hurt who called, also in the middle of a call.
            if depth and not is_of_the_base:
                return method(*args, **kwargs)
            if self._is_muted(strategy) and _is_data(name, args):
                return None
            depths[key] = depth + 1
            try:
                return method(*args, **kwargs)
            except Exception as e:
                if name in LET_THROUGH:
                    raise
                self._note(strategy, name, e)
                return None
            finally:
                depths[key] = depth

        return call

    def _is_muted(self, strategy: Strategy) -> bool:
        """Return whether it has raised, and nobody has taken its kill back since."""
        name = strategy.id.value
        return name in self._raised and any(
            kill.scope == Scope("strategy", name) for kill in self._judge.state.kills
        )

    def _note(self, strategy: Strategy, method: str, error: Exception) -> None:
        name, now_ns = strategy.id.value, self._clock.timestamp_ns()
        was_muted = self._is_muted(strategy)
        self._raised[name] = self._raised.get(name, 0) + 1
        self._log.exception(f"{name}.{method} raised, for the {self._raised[name]}. time", error)
        if was_muted:
            return  # The first one has been told.
        told = plain_words(f"{method} raised {_last_line(error)}")
        self._judge.alarm(f"STRATEGY_RAISED: observed={name}.{told}, limit=no exception", now_ns)
        scope = Scope("strategy", name)
        self._judge.kill(Kill(KillLevel.REDUCE, scope, "containment", told, "exception", now_ns))


def _is_entrance(name: str) -> bool:
    return name.startswith("handle_") or (
        name.startswith("_handle_") and name.endswith("_response")
    )


def _is_data(name: str, args: tuple[Any, ...]) -> bool:
    return (_is_entrance(name) and name != EVENTS) or any(isinstance(arg, Data) for arg in args)


def _last_line(error: Exception) -> str:
    """Return the last line of a traceback, and where it was raised without anybody's folders."""
    line = traceback.format_exception_only(error)[-1].strip()
    frames = traceback.extract_tb(error.__traceback__)
    where = next((f for f in reversed(frames) if not f.filename.endswith(".pyx")), None)
    if where is None:
        return line
    return f"{line} ({PurePath(where.filename).name}:{where.lineno} in {where.name})"
