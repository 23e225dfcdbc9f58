"""What a node has written into its state folder, read from outside, without the node's packages."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from actors.snapshot import KillLine
from risk.folder_lock import is_held_by
from risk.in_place import read_in_place
from risk.state_dir import StateDir

NS_PER_MS = 1_000_000
HEARTBEAT_MS_MAX = 3_000
"""Oldest heartbeat of a living node where no profile says otherwise."""


class NodeFiles(NamedTuple):
    """
    A node as its files show it; a file that is not there, or is torn, is an empty table.

    Parameters
    ----------
    folder : StateDir
        The state folder.
    node, heartbeat : dict[str, Any]
        ``node.json`` and ``heartbeat.json``.

    """

    folder: StateDir
    node: dict[str, Any]
    heartbeat: dict[str, Any]

    @property
    def pid(self) -> int | None:
        """Return the process that wrote here last."""
        pid = self.node.get("pid")
        return pid if isinstance(pid, int) else None

    @property
    def trader_id(self) -> str:
        """Return whose node it is, nothing where no node has said so."""
        return str(self.node.get("trader_id", ""))

    @property
    def profile(self) -> dict[str, Any]:
        """Return the node's profile, as it was resolved."""
        return dict(self.node.get("profile") or {})

    @property
    def heartbeat_age_ms(self) -> float | None:
        """Return how long ago the last heartbeat was, None without one of this boot."""
        at_ns = self.heartbeat.get("mono_ns")
        if not isinstance(at_ns, int) or at_ns > time.monotonic_ns():
            return None
        return (time.monotonic_ns() - at_ns) / NS_PER_MS

    @property
    def redis_url(self) -> str | None:
        """Return where the profile's switch is in Redis; None where it has none."""
        url: str | None = (self.profile.get("kill") or {}).get("redis_url")
        return url

    @property
    def is_process_there(self) -> bool:
        """Return whether the node's process exists, and does not say that it has ended."""
        return self._lives and not self.has_ended

    @property
    def has_ended(self) -> bool:
        """Return whether its record, or its last heartbeat, says that it has ended in order."""
        is_last = bool(self.heartbeat.get("is_ended")) and self.heartbeat.get("pid") == self.pid
        return is_last or bool(self.node.get("ended"))

    @property
    def trouble(self) -> str | None:
        """Return why no node lives here, as far as can be seen; None when one does."""
        if not self.node:
            return "no node has run here"
        if self.has_ended:
            return f"the node (pid {self.pid}) has ended in order"
        if not self._lives:
            return f"the node (pid {self.pid}) is dead"
        age_ms, most_ms = self.heartbeat_age_ms, self._age_ms_max
        if self.heartbeat.get("pid") != self.pid or age_ms is None:
            return f"the node (pid {self.pid}) has no heartbeat"
        if age_ms > most_ms:
            return f"the node (pid {self.pid}) is silent for {age_ms:.0f} ms, limit={most_ms} ms"
        return None

    @property
    def _lives(self) -> bool:
        return self.pid is not None and is_node(self.folder, self.pid)

    @property
    def _age_ms_max(self) -> int:
        watchdog = self.profile.get("watchdog") or {}
        return int(watchdog.get("heartbeat_ms_max", HEARTBEAT_MS_MAX))


def read_node(path: Path) -> NodeFiles:
    """Return what a state folder shows of its node."""
    folder = StateDir(path)
    return NodeFiles(folder, read_table(folder.node), read_in_place(folder.heartbeat))


def read_kills(folder: StateDir) -> list[KillLine]:
    """Return how far the node has come with each open kill; nothing when that cannot be read."""
    try:
        rows = json.loads(folder.kills.read_text(encoding="utf-8"))
        return [KillLine(**row | {"left": tuple(row["left"])}) for row in rows]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def read_table(path: Path) -> dict[str, Any]:
    """Return a JSON object from a file, an empty one when there is none that can be read."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}


def is_node(folder: StateDir, pid: int) -> bool:
    """
    Return whether a process is there, and is the node of *folder*: another one may have its number.

    The lock that a node has on its folder tells; where that cannot be asked, the process counts.

    """
    return is_running(pid) and is_held_by(folder.path, pid) is not False


def is_running(pid: int) -> bool:
    """Return whether a process is there, and not merely waiting to be buried."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True  # no /proc here, or gone just now: the next look tells
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}
