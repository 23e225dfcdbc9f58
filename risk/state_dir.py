"""What lies in a node's state folder, by name."""

from __future__ import annotations

import os
from pathlib import Path


class StateDir:
    """
    The files of a node's state folder.

    Parameters
    ----------
    path : Path
        The folder: ``state/<trader_id>``, or the run folder where the account ends with the run.

    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def latch(self) -> Path:
        """The trading state, its causes and open kills (`risk.latch.Latch`)."""
        return self.path / "latch.json"

    @property
    def journal(self) -> Path:
        """Every decision, chained by hash (`risk.journal.Journal`)."""
        return self.path / "journal.jsonl"

    @property
    def figures(self) -> Path:
        """What the next run measures losses from (`risk.keep.Keep`)."""
        return self.path / "figures.json"

    @property
    def kill(self) -> Path:
        """The switch as a file: contents by `risk.kills.parse_kill`; an empty one is pulled."""
        return self.path / "KILL"

    @property
    def node(self) -> Path:
        """What runs here, where, and by which profile; written before anything is traded."""
        return self.path / "node.json"

    @property
    def heartbeat(self) -> Path:
        """That the loop turns, data flows and the gate answers; written in place (`risk.in_place`)."""
        return self.path / "heartbeat.json"

    @property
    def status(self) -> Path:
        """The newest snapshot (`actors.snapshot.Snapshot`); replaced once a second."""
        return self.path / "status.json"

    @property
    def kills(self) -> Path:
        """How far the node has come with each open kill (`actors.snapshot.KillLine`)."""
        return self.path / "kills.json"

    @property
    def watchdog(self) -> Path:
        """What the watchdog saw last."""
        return self.path / "watchdog.json"


def replace_file(path: Path, data: bytes) -> None:
    """
    Put *data* in the place of a file as a whole: a reader finds the old one or the new one.

    It is not forced onto the disk; what must outlive a power cut does that itself.

    Raises
    ------
    OSError
        If it cannot be written.

    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)
