"""Let a node take new risk again: a person, a reason, and nothing that is still open."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import textwrap
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TextIO

from actors.redis_link import KEY, RedisLink
from configs.cli import BAD_CONFIGURATION, BROKEN_INVARIANT, OK
from configs.secrets import SecretsError
from ops import redis_pull
from ops.allowed import allowed
from ops.node_files import NodeFiles, read_node
from ops.pulled_file import drop, move_aside, put_back
from ops.resuming import NOT_JUDGED, UNREADABLE, Look, Tripped, changes, look, words
from risk.kills import KillError, Scope
from risk.latch import Latch, LatchError, LatchView

HELP = "let a node take new risk again, when nothing is open any more"
OBEY_SEC_MAX = 10.0
LOOK_SEC = 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add = parser.add_argument
    add("--state", type=Path, metavar="DIR", required=True, help="the node's state folder")
    add("--by", required=True, help="who decides")
    add("--reason", required=True, help="why")
    add("--scope", help="account (with what a breaker tripped), symbol:ID or strategy:ID only; "
        "default: everything")  # fmt: skip
    add("--shared", action="store_true",
        help=f"every trader of that Redis is meant where everybody's key {KEY} is pulled")  # fmt: skip
    add("--yes", action="store_true", help="what will be allowed has been read")
    add("--take-losses", action="store_true",
        help="the day's loss and the drawdown are taken as given, and measured anew")  # fmt: skip
    add("--unreadable", action="store_true", help="the latch is none, and that is understood")


def run(args: argparse.Namespace) -> int:
    """Resume, or say what is open; return the exit code."""
    if not args.by.strip() or not args.reason.strip():
        return _say(BAD_CONFIGURATION, "refused: --by and --reason must not be empty")
    if not args.state.is_dir():
        return _say(BAD_CONFIGURATION, f"--state = {args.state}: no such folder")
    try:
        scope = None if args.scope is None else Scope.parse(args.scope)
    except KillError as e:
        return _say(BAD_CONFIGURATION, f"bad argument: {e}")
    node = read_node(args.state)
    if not Latch(node.folder.latch).exists():
        return _say(BROKEN_INVARIANT, f"no latch in {args.state}: no node has written there")
    try:
        return asyncio.run(_resume(redis_pull.link_of(node), scope, args))
    except (LatchError, SecretsError, *redis_pull.FAILURES) as e:
        return _say(BROKEN_INVARIANT, f"refused: {e}")


def _say(code: int, *lines: str) -> int:
    for line in lines:
        _tell(line, sys.stderr)
    return code


def _tell(line: str, stream: TextIO | None = None) -> None:
    """Print a line; on a terminal, within its width."""
    stream = stream or sys.stdout
    if stream.isatty():
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        width = max(shutil.get_terminal_size().columns, 2 * len(indent))
        line = textwrap.fill(line, width, subsequent_indent=indent, break_on_hyphens=False)
    print(line, file=stream)


async def _resume(link: RedisLink | None, scope: Scope | None, args: argparse.Namespace) -> int:
    def seen() -> Coroutine[Any, Any, Look]:
        return look(args.state, link, unreadable=args.unreadable, takes_losses=args.take_losses)

    node, tripped, causes = await seen()
    if not tripped.is_open(None):
        return _say(BROKEN_INVARIANT, "refused: trading is ACTIVE, nothing is tripped")
    if scope is not None:
        scope = tripped.aim(scope, node)
        if not tripped.is_open(scope):
            return _say(BROKEN_INVARIANT, f"refused: no kill of {scope} is open")
    if causes:
        return _say(BROKEN_INVARIANT, "refused: still open:", *(f"  {each}" for each in causes))
    if redis_pull.shared(tripped.switches(scope)) is not None and not args.shared:
        return _say(
            BROKEN_INVARIANT,
            f"refused: {KEY} in Redis is pulled for every trader there, and only --shared takes it "
            "back, for all of them",
        )
    _show(node, tripped, scope)
    if not (args.yes or _agrees()):
        return _say(BROKEN_INVARIANT, "refused: say --yes when this is what you want")
    # Reading and agreeing took a person's time: what was pulled or tripped meanwhile was not shown.
    node, now, causes = await seen()
    news = [*changes(tripped, now), *causes]
    view = tripped.resumed(scope)._replace(by=args.by, reason=args.reason, ts_ns=time.time_ns())
    if not news and not await _write(node, link, tripped, scope, view):
        _, now, causes = await seen()
        news = [*changes(tripped, now), *causes] or ["another one was writing"]
    if news:
        return _say(BROKEN_INVARIANT, "refused: meanwhile:", *(f"  {each}" for each in news))
    return await _follow(node, scope)


def _show(node: NodeFiles, tripped: Tripped, scope: Scope | None) -> None:
    view = tripped.view
    _tell(f"{view.state.name}, {node.folder.path}")
    for cause in view.causes:
        _tell(f"  because {cause}")
    for kill in view.kills:
        if kill.cause not in view.causes:
            _tell(f"  killed: {words(kill)}")
    for kill in tripped.untaken():
        _tell(f"  pulled, and taken by no node: {words(kill)}")
    if (held := redis_pull.shared(tripped.switches(scope))) is not None:
        _tell(
            f"released for EVERY trader of this Redis: {KEY} ({held.level.name} of {held.scope}: "
            f"{held.reason})"
        )
    found = allowed(node.node, scope, tripped.resumed(scope).state, tripped.left(scope))
    for head, lines in (("allowed again:", found.again), ("not yet:", found.not_yet)):
        for line in [head, *(f"  {each}" for each in lines)] if lines else ():
            _tell(line)
    if not node.is_process_there:
        _tell(NOT_JUDGED)


def _agrees() -> bool:
    if not sys.stdin.isatty():
        return False
    return input("Type yes to allow this: ").strip().lower() == "yes"


async def _write(
    node: NodeFiles, link: RedisLink | None, tripped: Tripped, scope: Scope | None, view: LatchView
) -> bool:
    """
    Take back the switches first: one that is still pulled would pull again; then write the latch.

    Return whether that was done: it is not when something was pulled or written meanwhile. Then the
    file is put back, and the latch keeps what was taken back in Redis and is in no other place.

    """
    keys, is_written = tripped.switches(scope), False
    try:
        gone = await redis_pull.withdraw(node, link, keys)
        is_written = _loosen(node, tripped, scope, view)
    finally:
        for kill in () if is_written else tripped.untaken():
            if kill in keys.values():
                Latch(node.folder.latch).add_kill(kill._replace(ts_ns=view.ts_ns))
    if not is_written:
        return False
    for key in gone:
        _tell(f"taken back in Redis: {key}")
    if not node.is_process_there:  # One that runs does it itself, and may know of more by now.
        try:
            await redis_pull.note_latch(node, link, view)
        except redis_pull.FAILURES as e:
            _say(OK, f"not noted in Redis, where the next start finds the latch of before: {e}")
    return True


def _loosen(node: NodeFiles, tripped: Tripped, scope: Scope | None, view: LatchView) -> bool:
    """Remove the file and write the latch, both or none; return whether they were as seen."""
    latch, file = Latch(node.folder.latch), tripped.file
    if file is None or scope not in (None, file.kill.scope):
        return _write_latch(latch, tripped.view, view)
    aside = move_aside(node.folder, file)
    if aside is None:
        return False
    is_written = False
    try:
        is_written = _write_latch(latch, tripped.view, view)
    finally:
        if is_written:
            drop(aside)
            _tell(f"taken back: {node.folder.kill}")
        else:
            put_back(node.folder, aside)
    return is_written


def _write_latch(latch: Latch, seen: LatchView, view: LatchView) -> bool:
    """Write the latch if it still holds what a person was shown; one that is none is set aside."""
    with latch.alone() as is_alone:
        if not is_alone:
            return False
        try:
            if latch.read() != seen:
                return False
        except LatchError:
            if seen != UNREADABLE:
                return False
            latch.set_aside(view.ts_ns)  # understood, and kept
        latch.write(
            view.state, view.causes, by=view.by, reason=view.reason, ts_ns=view.ts_ns,
            kills=view.kills, resumed=view.resumed, was=view.was,
        )  # fmt: skip
    return True


async def _follow(node: NodeFiles, scope: Scope | None) -> int:
    """Wait until a running node has obeyed: it writes the latch anew, and the journal before."""
    if not node.is_process_there:
        _tell("resumed; the next start journals it")
        return OK
    latch = Latch(node.folder.latch)
    try:
        async with asyncio.timeout(OBEY_SEC_MAX):
            while (view := latch.read()).resumed:
                await asyncio.sleep(LOOK_SEC)
    except TimeoutError:
        return _say(BROKEN_INVARIANT, f"the node has not obeyed within {OBEY_SEC_MAX:.0f} s")
    if Tripped(view, None, {}).is_open(scope):
        others = (words(kill) for kill in view.kills if kill.cause not in view.causes)
        why = (f"  {each}" for each in (*view.causes, *others))
        return _say(BROKEN_INVARIANT, f"not resumed: the node is {view.state.name}", *why)
    _tell(f"resumed: {scope or 'everything'}; the node is {view.state.name}")
    for kill in view.kills:
        _tell(f"  still killed: {kill.level.name} of {kill.scope}")
    return OK
