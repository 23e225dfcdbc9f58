"""Let a node take new risk again: a person, a reason, and nothing that is still open."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from actors.redis_link import KEY, RedisLink
from configs.cli import BAD_CONFIGURATION, BROKEN_INVARIANT, OK
from configs.secrets import SecretsError
from ops import redis_pull
from ops.node_files import NodeFiles, read_node
from ops.resuming import NOT_JUDGED, UNREADABLE, Tripped, allowed, look, open_causes
from risk.kills import Kill, KillError, Scope
from risk.latch import Latch, LatchError, LatchView
from risk.trading_state import TradingState

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
        return asyncio.run(_resume(node, scope, args))
    except (LatchError, SecretsError, *redis_pull.FAILURES) as e:
        return _say(BROKEN_INVARIANT, f"refused: {e}")


def _say(code: int, text: str) -> int:
    print(text, file=sys.stderr)
    return code


async def _resume(node: NodeFiles, scope: Scope | None, args: argparse.Namespace) -> int:
    link = redis_pull.link_of(node)
    tripped, causes = await look(node, link, unreadable=args.unreadable)
    if not tripped.is_open(None):
        return _say(BROKEN_INVARIANT, "refused: trading is ACTIVE, nothing is tripped")
    if scope is not None:
        scope = tripped.aim(scope, node)
        if not tripped.is_open(scope):
            return _say(BROKEN_INVARIANT, f"refused: no kill of {scope} is open")
    causes += open_causes(node, tripped.view, takes_losses=args.take_losses)
    if causes:
        print("refused: still open:", file=sys.stderr)
        return _say(BROKEN_INVARIANT, "\n".join(f"  {cause}" for cause in causes))
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
    now, causes = await look(node, link, unreadable=args.unreadable)
    causes += open_causes(node, now.view, takes_losses=args.take_losses)
    view = tripped.resumed(scope)._replace(by=args.by, reason=args.reason)
    if now != tripped or causes or not await _write(node, link, tripped, scope, view):
        return _say(
            BROKEN_INVARIANT, "refused: something was pulled or tripped meanwhile; look again"
        )
    return await _follow(node, scope)


def _show(node: NodeFiles, tripped: Tripped, scope: Scope | None) -> None:
    view = tripped.view
    print(f"{view.state.name}, {node.folder.path}")
    for cause in view.causes:
        print(f"  because {cause}")
    for kill in view.kills:
        print(f"  killed: {_words(kill)}")
    if (held := redis_pull.shared(tripped.switches(scope))) is not None:
        print(
            f"released for EVERY trader of this Redis: {KEY} ({held.level.name} of {held.scope}: "
            f"{held.reason})"
        )
    print("allowed again:")
    strategies = dict(node.node.get("strategies") or {})
    for line in allowed(node.profile, scope, strategies) or ["unknown: no node.json"]:
        print(f"  {line}")
    if tripped.resumed(scope).state is not TradingState.ACTIVE:
        print(f"  not yet: the account stays {view.state.name}")
    if not node.is_process_there:
        print(NOT_JUDGED)


def _agrees() -> bool:
    if not sys.stdin.isatty():
        return False
    return input("Type yes to allow this: ").strip().lower() == "yes"


async def _write(
    node: NodeFiles, link: RedisLink | None, tripped: Tripped, scope: Scope | None, view: LatchView
) -> bool:
    """
    Take back the switches first: one that is still pulled would pull again; then write the latch.

    Return whether that was done: it is not when another one has written the latch meanwhile.

    """
    ts_ns = time.time_ns()
    for key in await redis_pull.withdraw(node, link, tripped.switches(scope), view, ts_ns):
        print(f"taken back in Redis: {key}")
    if tripped.file is not None and scope in (None, tripped.file.scope):
        node.folder.kill.unlink(missing_ok=True)
        print(f"taken back: {node.folder.kill}")
    latch = Latch(node.folder.latch)
    with latch.alone() as is_alone:
        if not is_alone or not _is_as_seen(latch, tripped.view):
            return False
        latch.write(
            view.state, view.causes, by=view.by, reason=view.reason, ts_ns=ts_ns,
            kills=view.kills, resumed=view.resumed, was=view.was,
        )  # fmt: skip
    return True


def _is_as_seen(latch: Latch, view: LatchView) -> bool:
    """Return whether the latch still holds what a person was shown; one that is none is set aside."""
    try:
        return latch.read() == view
    except LatchError:
        if view != UNREADABLE:
            return False
        latch.set_aside(time.time_ns())  # understood, and kept
        return True


async def _follow(node: NodeFiles, scope: Scope | None) -> int:
    """Wait until a running node has obeyed: it writes the latch anew, and the journal before."""
    if not node.is_process_there:
        print("resumed; the next start journals it")
        return OK
    latch = Latch(node.folder.latch)
    try:
        async with asyncio.timeout(OBEY_SEC_MAX):
            while (view := latch.read()).resumed:
                await asyncio.sleep(LOOK_SEC)
    except TimeoutError:
        return _say(BROKEN_INVARIANT, f"the node has not obeyed within {OBEY_SEC_MAX:.0f} s")
    if Tripped(view, None, {}).is_open(scope):
        causes = "".join(f"\n  {cause}" for cause in (*view.causes, *map(_words, view.kills)))
        return _say(BROKEN_INVARIANT, f"not resumed: the node is {view.state.name}{causes}")
    print(f"resumed: {scope or 'everything'}; the node is {view.state.name}")
    for kill in view.kills:
        print(f"  still killed: {kill.level.name} of {kill.scope}")
    return OK


def _words(kill: Kill) -> str:
    return f"{kill.level.name} of {kill.scope} by {kill.by}: {kill.reason}"
