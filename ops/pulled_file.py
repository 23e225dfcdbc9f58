"""The kill switch as a file, from a terminal: read, and taken back only as it was read."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ops.direct.options import level_of
from ops.node_files import NodeFiles
from risk.kills import TEXT_LENGTH_MAX, Kill, KillLevel, aimed, at_account, parse_kill
from risk.latch import Latch
from risk.state_dir import StateDir

BARE = "1"


class PulledFile(NamedTuple):
    """
    What the file holds, and which writing of it that is.

    Parameters
    ----------
    kill : Kill
        What it asks for, its scope as it is called here.
    stamp : tuple[int, int, int]
        Inode, time of the writing (Unix nanoseconds), size (bytes).
    text : str
        What is written there.

    """

    kill: Kill
    stamp: tuple[int, int, int]
    text: str


def read_pulled(node: NodeFiles, known: Iterable[Kill]) -> PulledFile | None:
    """Return what a node's file holds, None when it is not pulled; *known* are the open kills."""
    found = _read(node.folder.kill)
    if found is None:
        return None
    stamp, text = found
    level = level_of(None, node.profile)
    kill = parse_kill(text.strip() or BARE, default=level, source="file", by="file KILL", ts_ns=0)
    if kill is None:
        return None
    names = {k.scope.name for k in known}
    symbols = {*(node.node.get("symbols") or ()), *names}
    strategies = {*(node.node.get("strategies") or {}), *names}
    aim = aimed(kill, symbols, strategies)
    return PulledFile(aim or (at_account(kill) if node.node else kill), stamp, text)


def move_aside(folder: StateDir, seen: PulledFile) -> Path | None:
    """
    Move the file away when it is still as it was seen; return where it is, None when it is not.

    It is moved before it is looked at, so that no pull comes between look and removal. Another one is
    put back.

    Raises
    ------
    OSError, LatchError
        If that cannot be done.

    """
    path = folder.kill
    aside = path.with_name(f"{path.name}.{os.getpid()}.taken")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return None
    if _read(aside) == (seen.stamp, seen.text):
        return aside
    put_back(folder, aside)
    return None


def put_back(folder: StateDir, aside: Path) -> None:
    """Undo `move_aside`; where a newer pull stands there by now, the older goes into the latch."""
    try:
        os.link(aside, folder.kill)
    except OSError:
        _latch(folder, aside)
    drop(aside)


def drop(aside: Path) -> None:
    """Remove what was moved aside; a folder stays, and pulls nothing by this name."""
    with suppress(OSError):
        aside.unlink()


def _latch(folder: StateDir, path: Path) -> None:
    text = (_read(path) or ((0, 0, 0), ""))[1].strip() or BARE
    kill = parse_kill(
        text, default=KillLevel.FLATTEN, source="file", by="file KILL", ts_ns=time.time_ns()
    )
    if kill is not None:
        Latch(folder.latch).add_kill(kill)


def _read(path: Path) -> tuple[tuple[int, int, int], str] | None:
    try:
        found = path.stat()
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(TEXT_LENGTH_MAX)
    except FileNotFoundError:
        return None
    except OSError as e:
        return (0, 0, 0), f"cannot be read: {e.strerror}"
    return (found.st_ino, found.st_mtime_ns, found.st_size), text
