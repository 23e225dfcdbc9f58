"""The block that comes first: the kill goes into the latch, which a node obeys and a restart finds."""

from __future__ import annotations

from pathlib import Path

from risk.kills import Kill
from risk.latch import Latch, LatchError, LatchView
from risk.state_dir import StateDir
from risk.trading_state import TradingState

UNREADABLE = "LATCH_UNREADABLE: observed=no latch when a kill was written into it, limit=a latch"


class Block:
    """
    Keeps a kill in the latch of a state folder.

    Parameters
    ----------
    folder : Path, optional
        A node's state folder; None when the kill knows a key alone.
    kill : Kill
        What is written.

    """

    def __init__(self, folder: Path | None, kill: Kill) -> None:
        self._folder = folder
        self._kill = kill

    def ensure(self) -> str | None:
        """
        Write the kill unless it is there; return what hinders that, None when it is there.

        A node that writes its own latch at the same moment may undo ours: so it is asked for again
        before anything is called true.

        """
        if self._folder is None:
            return None
        if not self._folder.is_dir():
            return f"not latched: there is no state folder {self._folder}, so no node was told"
        latch = Latch(StateDir(self._folder).latch)
        try:
            view, causes = latch.read(), []
        except LatchError:
            view, causes = LatchView(TradingState.HALTED), [UNREADABLE]
        if not causes and is_in(self._kill, view):
            return None
        try:
            self._write(latch, view, causes)
        except LatchError as e:
            return f"not latched: {e}"
        return None

    def _write(self, latch: Latch, view: LatchView, causes: list[str]) -> None:
        kill = self._kill
        kept = [k for k in view.kills if k.scope != kill.scope or k.level > kill.level]
        state = view.state if kill.scope.name else max(view.state, kill.level.state)
        causes += [c for c in view.causes if not c.startswith(f"{kill.cause_name}:")]
        if not kill.scope.name:
            causes.append(kill.cause)
        latch.write(
            state, causes, by=kill.by, reason=kill.reason, ts_ns=kill.ts_ns, kills=[*kept, kill]
        )


def is_in(kill: Kill, view: LatchView) -> bool:
    """Return whether a latch holds a kill of the same scope that stops at least as much."""
    is_held = any(k.scope == kill.scope and k.level >= kill.level for k in view.kills)
    return is_held and (bool(kill.scope.name) or view.state >= kill.level.state)
