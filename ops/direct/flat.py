"""Write down that an account is flat where no node can: a resume asks who has verified it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from actors.snapshot import KillLine
from ops.node_files import read_kills, read_node
from risk.kills import ACCOUNT, Scope
from risk.latch import Latch, LatchError
from risk.state_dir import replace_file


def write_flat(folder: Path, scope: Scope, ts_ns: int) -> str | None:
    """
    Note in ``kills.json`` that every open FLATTEN within *scope* is done; return what hinders it.

    A node whose process is there keeps that file itself, and is left to find out.

    Parameters
    ----------
    folder : Path
        A node's state folder.
    scope : Scope
        What was seen flat and without orders.
    ts_ns : int
        When, Unix nanoseconds.

    """
    node = read_node(folder)
    if node.is_process_there:
        return None
    known = {(line.scope, line.ts_ns): line for line in read_kills(node.folder)}
    lines: list[KillLine] = []
    try:
        for kill in Latch(node.folder.latch).read().kills:
            line = known.get((str(kill.scope), kill.ts_ns)) or KillLine(**kill.row())
            if kill.flattens and scope in (ACCOUNT, kill.scope):
                entries_ns = line.entries_ns or ts_ns
                line = msgspec.structs.replace(line, entries_ns=entries_ns, flat_ns=ts_ns, left=())
            lines.append(line)
        replace_file(node.folder.kills, msgspec.json.encode(lines))
    except (LatchError, OSError) as e:
        return f"not noted as flat: {e}"
    return None
