"""The trading state on disk: survives restarts, and is how a person's command reaches a node."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from risk.kills import Kill
from risk.state_machine import StateMachine
from risk.trading_state import TradingState

ALONE_SEC_MAX = 0.25
"""So long a writer waits for another one; who holds it longer has been stopped in the middle."""
LOOK_SEC = 0.001
UNSEEN = (-1, -1, -1)
"""The stamp of a file that is there and cannot be looked at: it may hold a halt."""


class LatchError(RuntimeError):
    """A latch file that cannot be read or written; the text names the file and the rule."""


class LatchView(NamedTuple):
    """
    What a latch holds: the account's state with its causes, who wrote it why, and open kills.

    *resumed* names the scopes that a person has taken back in this very writing, and *was* the state
    before; a node that has obeyed writes both empty. *ts_ns* is when it was written, Unix nanoseconds.

    """

    state: TradingState = TradingState.ACTIVE
    causes: tuple[str, ...] = ()
    by: str = ""
    reason: str = ""
    kills: tuple[Kill, ...] = ()
    resumed: tuple[str, ...] = ()
    was: str = ""
    ts_ns: int = 0

    @staticmethod
    def decode(text: str | bytes) -> LatchView:
        """
        Return what a latch says.

        Raises
        ------
        ValueError, KeyError, TypeError
            If it is none.

        """
        table = json.loads(text)
        state = TradingState[table["state"]]
        by, reason = str(table["by"]), str(table["reason"])
        if state is TradingState.ACTIVE and not (by.strip() and reason.strip()):
            raise ValueError("ACTIVE needs a person and a reason")
        return LatchView(
            state,
            tuple(str(c) for c in table["causes"]),
            by,
            reason,
            tuple(Kill.from_row(row) for row in table.get("kills", ())),
            tuple(str(scope) for scope in table.get("resumed", ())),
            str(table.get("was", "")),
            int(table.get("ts", 0)),
        )

    def encode(self) -> str:
        """Return it as JSON."""
        table = self._asdict() | {
            "state": self.state.name,
            "kills": [kill.row() for kill in self.kills],
        }
        table["ts"] = table.pop("ts_ns")
        return json.dumps(table, indent=1)


class Latch:
    """
    One JSON file with the fields of `LatchView`, replaced as a whole.

    Parameters
    ----------
    path : Path
        The file. A missing one means ACTIVE (nothing ever tripped); an unreadable one HALTED.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = self._seen()
        self._is_alone = False

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """
        Keep other writers out for the block, which reads and writes; yield whether that is so.

        It is not when another one holds it for too long, or the folder cannot be written: a kill is
        written all the same, a resume is not. Blocks may lie within each other.

        """
        if self._is_alone:
            yield True
            return
        number = self._lock()
        self._is_alone = number is not None
        try:
            yield self._is_alone
        finally:
            self._is_alone = False
            if number is not None:
                os.close(number)

    def _lock(self) -> int | None:
        until = time.monotonic() + ALONE_SEC_MAX
        try:
            number = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            return None
        while True:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() < until:
                    time.sleep(LOOK_SEC)  # noqa: TID251 - a write is as short, and must be in order
                    continue
                os.close(number)
                return None
            return number

    def read(self) -> LatchView:
        """
        Return what it holds.

        Raises
        ------
        LatchError
            If the file is there but is no latch; the caller must then treat trading as HALTED.

        """
        self._stamp = self._seen()
        if self._stamp is None:
            return LatchView()
        try:
            return LatchView.decode(self.path.read_text(encoding="utf-8"))
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
        was: str = "",
    ) -> None:
        """
        Replace the file at once and force it onto the disk.

        Raises
        ------
        LatchError
            If it cannot be written.

        """
        view = LatchView(state, tuple(causes), by, reason, tuple(kills), tuple(resumed), was, ts_ns)
        part = self.path.with_suffix(f".{os.getpid()}.part")  # Another process may write, too.
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                file.write(view.encode())
                file.flush()
                os.fsync(file.fileno())
                stamp = _stamp(os.fstat(file.fileno()))
            part.replace(self.path)
        except OSError as e:
            raise LatchError(f"{self.path}: cannot be written: {e.strerror}") from e
        self._stamp = stamp  # Of what we wrote: the file may be another one's by now.
        self._keep_name()

    def _keep_name(self) -> None:
        """Force onto the disk that the file has been replaced, where the system can do that."""
        with suppress(OSError):
            number = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)

    def add_kill(self, kill: Kill) -> None:
        """
        Write a kill in, beside what it holds: for a node that does not run, or does not listen.

        A running node reads it and goes on from there. A file that is no latch is kept beside it.

        Raises
        ------
        LatchError
            If it cannot be written.

        """
        with self.alone():
            self._add_kill(kill)

    def _add_kill(self, kill: Kill) -> None:
        try:
            view = self.read()
        except LatchError as e:
            self.set_aside(kill.ts_ns)
            cause = f"LATCH_UNREADABLE: observed={e}, limit=a latch"
            view = LatchView(TradingState.HALTED, (cause,))
        machine = StateMachine(view.state, view.causes)
        machine.kills = list(view.kills)
        if machine.kill(kill) is not None:
            self.write(
                machine.state, machine.causes, by=kill.by, reason=kill.cause, ts_ns=kill.ts_ns,
                kills=machine.kills, resumed=view.resumed, was=view.was,
            )  # fmt: skip

    def set_aside(self, ts_ns: int) -> None:
        """
        Move a file that is no latch out of the way, and keep it.

        Raises
        ------
        LatchError
            If it cannot be moved.

        """
        try:
            self.path.rename(self.path.with_suffix(f".bad-{ts_ns}"))
        except OSError as e:
            raise LatchError(f"{self.path}: cannot be moved: {e.strerror}") from e

    def exists(self) -> bool:
        """Return whether the file is there."""
        return self._seen() is not None

    def is_changed(self) -> bool:
        """Return whether somebody else has written the file since it was last read or written."""
        return self._seen() != self._stamp

    def _seen(self) -> tuple[int, int, int] | None:
        try:
            return _stamp(self.path.stat())
        except FileNotFoundError:
            return None
        except OSError:
            return UNSEEN


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    """Return what tells one writing from another: two of the same tick have different files."""
    return found.st_ino, found.st_mtime_ns, found.st_size
