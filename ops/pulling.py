"""Pull the kill switch of a node, and follow what the node does about it."""

from __future__ import annotations

import argparse
import asyncio
import time

from actors.snapshot import KillLine
from configs.cli import BAD_CONFIGURATION, BROKEN_INVARIANT, OK, say
from ops.direct.options import level_of
from ops.node_files import NodeFiles, read_kills, read_node
from risk.kills import (
    Kill,
    KillError,
    KillLevel,
    Scope,
    aimed,
    nothing_here,
    plain_words,
    switch_text,
)
from risk.latch import Latch, LatchError
from risk.state_dir import replace_file
from risk.state_machine import SAME_PULL_NS

LOOK_SEC = 0.01
WAIT_SEC = {KillLevel.REDUCE: 10.0, KillLevel.HALT: 10.0, KillLevel.FLATTEN: 30.0}
"""How long the node has for what a level asks for."""
DIRECT = "not done by the node: python -m ops kill --direct {level} --scope {scope} --state {state}"


def kill_by_node(args: argparse.Namespace) -> int:
    """Carry out ``ops kill``; return the exit code."""
    if args.state is None:
        return _refuse("--state is missing: whose switch?")
    node = read_node(args.state)
    try:
        scope = Scope.parse(args.scope)
    except KillError as e:
        return _refuse(str(e))
    if not args.state.is_dir():
        return _refuse(f"--state = {args.state}: no such folder")
    by, reason = plain_words(args.by), plain_words(args.reason)
    kill = Kill(level_of(args.level, node.profile), scope, by, reason, "command", time.time_ns())
    symbols, strategies = node.node.get("symbols") or (), node.node.get("strategies") or {}
    aim = aimed(kill, symbols, strategies) if node.node else kill
    if aim is None:
        return _refuse(nothing_here(scope, symbols, strategies))
    return asyncio.run(_pull(node, aim))


def _refuse(text: str) -> int:
    say(f"bad argument: {text}")
    return BAD_CONFIGURATION


async def _pull(node: NodeFiles, kill: Kill) -> int:
    began = time.monotonic()
    state, text = node.folder.path, switch_text(kill, node.trader_id)
    try:
        replace_file(node.folder.kill, text.encode())
    except OSError as e:
        say(f"{node.folder.kill}: cannot be written: {e.strerror}")
    say(f"{kill.level.name} of {kill.scope}: pulled")
    if node.redis_url is not None:
        from ops import redis_pull  # The file is there already: this one may wait for its package.

        hindered = await redis_pull.pull(node, text)
        if hindered is not None:
            say(hindered)
    trouble = node.trouble
    if trouble is not None:
        _latch(node, kill)
        say(f"NO LIVING NODE: {trouble}. Nobody has canceled or closed anything.")
        say(DIRECT.format(level=kill.level.name, scope=kill.scope, state=state))
        return BROKEN_INVARIANT
    is_done = await _follow(node, kill, began)
    if not is_done:
        _latch(node, kill)
        say(DIRECT.format(level=kill.level.name, scope=kill.scope, state=state))
    return OK if is_done else BROKEN_INVARIANT


def _latch(node: NodeFiles, kill: Kill) -> None:
    """Write it where the next start finds it, also when the file is overwritten meanwhile."""
    try:
        Latch(node.folder.latch).add_kill(kill)
        say(f"latched in {node.folder.latch}: it holds for whatever starts here")
    except LatchError as e:
        say(f"NOT LATCHED: {e}")


def is_answer(line: KillLine, kill: Kill) -> bool:
    """Return whether a node's line is about this pull: about a gentler or an earlier one it is not."""
    level = KillLevel[line.level]
    is_earlier = level is kill.level and line.ts_ns <= kill.ts_ns - SAME_PULL_NS
    return line.scope == str(kill.scope) and level >= kill.level and not is_earlier


async def _follow(node: NodeFiles, kill: Kill, began: float) -> bool:
    """Tell what the node has done, as it does it; return whether all was done in time."""
    told: set[str] = set()

    def tell(text: str) -> None:
        if text not in told:
            told.add(text)
            say(f"{text} after {(time.monotonic() - began) * 1e3:.0f} ms")

    left: tuple[str, ...] = ()
    try:
        async with asyncio.timeout(WAIT_SEC[kill.level]):
            while True:
                for line in read_kills(node.folder):
                    if not is_answer(line, kill):
                        continue
                    tell("taken and latched by the node")
                    left = line.left
                    if line.entries_ns is not None:
                        tell("no entry works any more")
                    if line.done_ns is not None:
                        if line.flat_ns is not None:
                            tell("flat and without orders, verified at the venue")
                        return True
                await asyncio.sleep(LOOK_SEC)
    except TimeoutError:
        say(f"NOT DONE after {WAIT_SEC[kill.level]:.0f} s: {'; '.join(left) or 'no answer'}")
        return False
