"""The trading state on disk: survives restarts, and is how a person's command reaches a node."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from risk.kills import Kill
from risk.trading_state import TradingState


class LatchError(RuntimeError):
    """A latch file that cannot be read or written; the text names the file and the rule."""


class LatchView(NamedTuple):
    """
    What a latch holds: the account's state with its causes, who wrote it why, and open kills.

    *resumed* names the scopes of kills that a person has taken back in this very writing.

    """

    state: TradingState = TradingState.ACTIVE
    causes: tuple[str, ...] = ()
    by: str = ""
    reason: str = ""
    kills: tuple[Kill, ...] = ()
    resumed: tuple[str, ...] = ()


class Latch:
    """
    One JSON file with the fields of `LatchView` and ``ts``, replaced as a whole.

    Parameters
    ----------
    path : Path
        The file. A missing one means ACTIVE (nothing ever tripped); an unreadable one HALTED.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = self._mtime()

    def read(self) -> LatchView:
        """
        Return what it holds.

        Raises
        ------
        LatchError
            If the file is there but is no latch; the caller must then treat trading as HALTED.

        """
        self._stamp = self._mtime()
        if self._stamp is None:
            return LatchView()
        try:
            table = json.loads(self.path.read_text(encoding="utf-8"))
            state = TradingState[table["state"]]
            by, reason = str(table["by"]), str(table["reason"])
            if state is TradingState.ACTIVE and not (by.strip() and reason.strip()):
                raise ValueError("ACTIVE needs a person and a reason")  # noqa: TRY301 - as any bad field
            causes = tuple(str(c) for c in table["causes"])
            kills = tuple(Kill.from_row(row) for row in table.get("kills", ()))
            resumed = tuple(str(scope) for scope in table.get("resumed", ()))
            return LatchView(state, causes, by, reason, kills, resumed)
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise LatchError(f"{self.path}: is no latch, so trading counts as HALTED: {e!r}") from e

    def write(
        self,
        state: TradingState,
        causes: Iterable[str],
        *,
        by: str,
        reason: str,
        ts_ns: int,
        kills: Iterable[Kill] = (),
        resumed: Iterable[str] = (),
    ) -> None:
        """
        Replace the file at once and force it onto the disk.

        Raises
        ------
        LatchError
            If it cannot be written.

        """
        table: dict[str, Any] = {
            "state": state.name, "causes": list(causes),
            "kills": [kill.row() for kill in kills], "resumed": list(resumed),
            "by": by, "reason": reason, "ts": ts_ns,
        }  # fmt: skip
        part = self.path.with_suffix(".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                json.dump(table, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        except OSError as e:
            raise LatchError(f"{self.path}: cannot be written: {e.strerror}") from e
        self._stamp = self._mtime()

    def exists(self) -> bool:
        """Return whether the file is there."""
        return self._mtime() is not None

    def is_changed(self) -> bool:
        """Return whether somebody else has written the file since it was last read or written."""
        return self._mtime() != self._stamp

    def _mtime(self) -> int | None:
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return None
