"""How the watchdog tells: a line on stderr, its own journal, and watchdog.json for the node."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from configs.cli import say
from ops.notify import Notifier
from ops.watchdog.verdict import Verdict
from risk.state_dir import StateDir, replace_file

JOURNAL_NAME = "watchdog.jsonl"


class Teller:
    """
    Tells people and programs.

    What cannot be written is said on stderr once and hinders nothing: the watchdog goes on.

    Parameters
    ----------
    state : StateDir
        The node's files; the watchdog's own lie beside them.
    notifier : Notifier
        The supervisor.

    """

    def __init__(self, state: StateDir, notifier: Notifier) -> None:
        self._state = state
        self._notifier = notifier
        self._journal = state.path / JOURNAL_NAME
        self._troubles: set[str] = set()

    def event(self, kind: str, text: str, **more: Any) -> None:
        """Say it on stderr and write it down, forced onto the disk."""
        ts_ns = time.time_ns()
        say(f"watchdog: {kind}: {text}", is_error=True)
        row = {"ts_ns": ts_ns, "mono_ns": time.monotonic_ns(), "kind": kind, "text": text, **more}
        try:
            with self._journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as e:
            self._trouble(self._journal, e)
        self._notifier.status(f"{kind}: {text}")

    def seen(self, verdict: Verdict, reason: str, mono_ns: int) -> None:
        """Replace watchdog.json, which also proves to the node that it is watched."""
        table = {
            "pid": os.getpid(), "mono_ns": mono_ns, "ts_ns": time.time_ns(),
            "verdict": verdict.value, "reason": reason,
        }  # fmt: skip
        try:
            replace_file(self._state.watchdog, json.dumps(table).encode())
        except OSError as e:
            self._trouble(self._state.watchdog, e)
        self._notifier.feed()

    def _trouble(self, path: Path, error: OSError) -> None:
        text = f"{path} cannot be written: {error.strerror}"
        if text not in self._troubles:
            self._troubles.add(text)
            say(f"watchdog: TROUBLE: {text}", is_error=True)
