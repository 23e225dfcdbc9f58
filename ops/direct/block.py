"""The block that comes first: the kill goes into the latch, which a node obeys and a restart finds."""

from __future__ import annotations

from pathlib import Path

from risk.kills import Kill
from risk.latch import Latch, LatchError
from risk.state_dir import StateDir


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
        try:
            Latch(StateDir(self._folder).latch).add_kill(self._kill)
        except LatchError as e:
            return f"not latched: {e}"
        return None
